//! What was found at another commit, so that a branch answers for what it adds alone.
//!
//! Findings are compared and not lines: what has moved in its file, or into another one, was there.
//! The files are read with the user's own git, as an archive, and nothing is checked out.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Check;
use super::gather::Gather;
use crate::cli::located::STDIN;
use imagegate_check::Judge;
use imagegate_report::{Finding, PolicySource, Report};

/// How often each finding was there at a commit.
///
/// # Errors
/// Where git is not installed, or knows no such commit; and where a path is in no repository.
pub(super) fn findings_at(
    reference: &str,
    check: &Check,
    judge: &Judge<'_>,
) -> Result<HashMap<String, usize>> {
    if !check.rendered.is_empty()
        || check.targets.paths().iter().any(|path| path == Path::new(STDIN))
    {
        bail!(
            "--changed-since compares files of a repository\n  \
             hint: name files or directories with -f"
        );
    }
    let mut counts = HashMap::new();
    for path in check.targets.paths() {
        let before = Archive::of(path, reference)?;
        let mut gather = Gather::new(judge, Report::new(PolicySource::default()), false);
        if let Some(before) = &before {
            gather.files(std::slice::from_ref(&before.path), check.targets.selection())?;
        }
        for finding in &gather.finish().0.findings {
            *counts.entry(identity(finding)).or_default() += 1;
        }
    }
    Ok(counts)
}

/// What makes two findings the same, wherever they stand.
pub(super) fn identity(finding: &Finding) -> String {
    let mut identity = String::new();
    for part in [
        finding.object.kind.as_deref(),
        finding.object.namespace.as_deref(),
        finding.object.name.as_deref(),
        Some(finding.container.as_str()),
        finding.image.as_deref(),
        finding.rule.map(imagegate_core::policy::Rule::as_str),
        Some(finding.decision.as_str()),
    ] {
        identity.push_str(part.unwrap_or_default());
        identity.push('\0');
    }
    identity
}

/// A file or directory as it was at a commit, in a directory that goes with this.
struct Archive {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Archive {
    /// The path as it was; `None` where it was not there.
    fn of(path: &Path, reference: &str) -> Result<Option<Self>> {
        let path =
            path.canonicalize().with_context(|| format!("cannot read `{}`", path.display()))?;
        let directory = if path.is_dir() { path.as_path() } else { parent(&path) };
        let root = git(directory, &["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(root.trim_end_matches('\n'));
        // What begins with a dash would be an option.
        let commit = format!("{reference}^{{commit}}");
        let commit = git(&root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .map_err(|_| {
                anyhow::anyhow!("--changed-since {reference}: git knows no such commit")
            })?;
        let commit = commit.trim_end();
        let inside = path.strip_prefix(&root).context("git names another repository")?;
        let shown = inside.display().to_string();
        let object = format!("{commit}:{shown}");
        if git(&root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &object]).is_err() {
            return Ok(None);
        }
        let directory = tempfile::TempDir::new().context("cannot make a temporary directory")?;
        let archive = directory.path().join("archive.tar");
        let file = File::create(&archive).context("cannot write a temporary file")?;
        let mut command = Command::new("git");
        command.arg("-C").arg(&root).args(["archive", "--format=tar", commit, "--"]);
        command.arg(if shown.is_empty() { Path::new(".") } else { inside });
        run(command.stdout(file))?;
        let tree = directory.path().join("tree");
        std::fs::create_dir(&tree).context("cannot make a temporary directory")?;
        run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&tree))?;
        Ok(Some(Self { path: tree.join(inside), _directory: directory }))
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// What git says.
fn git(directory: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(directory).args(arguments).output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("git is not installed, and --changed-since needs it")
        }
        output => output.context("cannot run git")?,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git: {}", said.lines().next().unwrap_or("failed").trim_start_matches("fatal: "));
    }
    String::from_utf8(output.stdout).context("git names a path that is not UTF-8")
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot run {name}"))?;
    if !status.success() {
        bail!("{name} failed; what is wrong stands above");
    }
    Ok(())
}

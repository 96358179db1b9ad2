//! `imagegate import`: a policy made of those of other engines.

use std::fs::{self, File};
use std::io::{Read, Write as _, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use imagegate_import::{Document, documents, import};

use super::located::STDIN;
use super::output;
use imagegate_report::Exit;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;
/// What is read of a directory.
const EXTENSIONS: [&str; 4] = ["env", "json", "yaml", "yml"];

/// Convert policies of another engine: Kyverno, Gatekeeper, Kubewarden, policies in CEL
///
/// Prints a policy.yaml in which a comment on each line names its source. Whatever cannot be said
/// exactly is listed on standard error, with what was written in its place. The original program's
/// keys and variables are read too.
///
/// Exit codes: 0 the policy says exactly the same, 1 it does not, 2 nothing could be imported.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Files with such policies, directories of them, or `-`
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Keep the meaning of a prefix: `docker.io/acme` covers `docker.io/acmeevil` too
    #[arg(long)]
    exactly: bool,
}

pub(super) fn run(arguments: &Import) -> Result<Exit> {
    let Import { paths, exactly } = arguments;
    let mut read = Vec::new();
    for path in paths {
        if path.is_dir() {
            for file in files(path)? {
                read.extend(of_file(&file)?);
            }
        } else {
            read.extend(of_file(path)?);
        }
    }
    let imported = import(&read, *exactly);
    for note in &imported.notes {
        let lead = if note.nearest.is_some() { "inexact" } else { "left out" };
        super::say(&format!("{lead}: {note}"));
    }
    if imported.sources == 0 {
        bail!("there is nothing to import");
    }
    let mut out = output::stdout();
    out.write_all(imported.policy.as_bytes())?;
    out.finish()?;
    Ok(if imported.notes.is_empty() { Exit::Fine } else { Exit::Finding })
}

/// The files of a directory that may hold policies, sorted by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("cannot read `{}`", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|it| EXTENSIONS.contains(&it)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn of_file(path: &Path) -> Result<Vec<Document>> {
    let name = path.display().to_string();
    let failed = || format!("cannot read `{name}`");
    let source: Box<dyn Read> = if path == Path::new(STDIN) {
        Box::new(stdin())
    } else {
        Box::new(File::open(path).with_context(failed)?)
    };
    let mut text = String::new();
    let read = source.take(LARGEST + 1).read_to_string(&mut text).with_context(failed)?;
    if read as u64 > LARGEST {
        bail!("`{name}` holds more than {LARGEST} bytes");
    }
    Ok(documents(&name, &text)?)
}

//! `imagegate fmt`: one way to write a policy, comments kept.

mod find;
mod replace;
mod text;

use std::io::{Read as _, Write as _, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::located::STDIN;
use super::output;
use crate::files;
use imagegate_core::policy::printable;
use imagegate_report::Exit;
use text::{Failure, Formatted};

/// The largest file that is read, in bytes: that of a policy.
const LARGEST: u64 = 4 << 20;

/// Write policies in one style, with their comments
///
/// Fields in the order of their documentation, lists in their own; quotes where a text would be read
/// as something else; on one line what fits into 100 columns. The policy stays the same, which is
/// checked by its hash before anything is written. Prints the result, unless told otherwise.
///
/// Exit codes: 0 fine, 1 a policy is not in this style, 2 something cannot be read or written, 3 a
/// policy is not valid.
#[derive(Debug, clap::Args)]
pub(super) struct Fmt {
    /// A policy in full form, a ConfigMap manifest with one, a directory with any of these, or `-`
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Name the files that are not in this style, and change nothing
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Replace the files that are not in this style, and name them
    #[arg(short, long)]
    write: bool,
}

pub(super) fn run(fmt: &Fmt) -> Result<Exit> {
    let mut ended = Ended::default();
    let mut paths = Vec::new();
    for path in &fmt.paths {
        if path.is_dir() {
            let found = find::policies(path)?;
            if found.is_empty() {
                ended.unusable(&format!("no policy in full form in `{}`", shown(path)));
            }
            paths.extend(found);
        } else {
            paths.push(path.clone());
        }
    }
    if paths.len() > 1 && !fmt.check && !fmt.write {
        bail!(
            "{} policies cannot be printed as one\n  hint: `--write` replaces the files, `--check` \
             names those that would change",
            paths.len()
        );
    }
    let mut out = output::stdout();
    for path in paths {
        let result = text_of(&path).and_then(|text| {
            let formatted = text::format(&path, &text)?;
            Ok((text, formatted))
        });
        let (text, Formatted(formatted)) = match result {
            Ok(result) => result,
            Err(Failure::Invalid(problems)) => {
                super::say(&problems.to_string());
                ended.is_invalid = true;
                continue;
            }
            Err(Failure::Unusable(why)) => {
                ended.unusable(&why);
                continue;
            }
        };
        if !fmt.check && !fmt.write {
            out.write_all(formatted.as_bytes())?;
        } else if formatted != text {
            if fmt.write
                && let Err(error) = replace::file(&path, &text, &formatted)
            {
                ended.unusable(&format!("cannot write `{}`: {error:#}", shown(&path)));
                continue;
            }
            writeln!(out, "{}", shown(&path))?;
            ended.differ += 1;
        }
    }
    out.finish()?;
    if fmt.check && ended.differ > 0 {
        let are = if ended.differ == 1 { "policy is" } else { "policies are" };
        super::say(&format!(
            "{} {are} not in the style of `imagegate fmt`\n  hint: `imagegate fmt --write` changes that",
            ended.differ
        ));
        return Ok(Exit::Finding);
    }
    Ok(ended.exit())
}

/// What went otherwise than it should.
#[derive(Default)]
struct Ended {
    differ: usize,
    is_invalid: bool,
    is_unusable: bool,
}

impl Ended {
    fn unusable(&mut self, why: &str) {
        super::say(&format!("error: {why}"));
        self.is_unusable = true;
    }

    fn exit(&self) -> Exit {
        match (self.is_invalid, self.is_unusable) {
            (true, _) => Exit::InvalidPolicy,
            (false, true) => Exit::Unusable,
            (false, false) => Exit::Fine,
        }
    }
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let name = shown(path);
    let bytes = if path == Path::new(STDIN) {
        let mut bytes = Vec::new();
        stdin().take(LARGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        files::read_regular(path, LARGEST)
    };
    let unusable = |error: anyhow::Error| Failure::Unusable(format!("{error:#}"));
    let bytes = bytes.with_context(|| format!("cannot read `{name}`")).map_err(unusable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::Unusable(format!("`{name}` holds more than {LARGEST} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::Unusable(format!("`{name}` is not UTF-8 text")))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

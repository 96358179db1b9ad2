//! The floor under `imagegate check`: the same files, read on as many threads and parsed by the same
//! crate, and nothing else; or read alone. Prints how many files and events there were.
//!
//! `floor read|parse DIRECTORY|FILE`; `benches/check/check.py` runs it beside the command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use granit_parser::{Options, Parser, StrInput};

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [mode, root] = arguments.as_slice() else {
        return Err(io::Error::other("write `read` or `parse`, and a directory"));
    };
    let parses = mode == "parse";
    let mut files = Vec::new();
    walk(Path::new(root), &mut files)?;
    let (next, events) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            // What is no text is not parsed by the command either.
            let Ok(text) = String::from_utf8(fs::read(path).unwrap_or_default()) else { continue };
            let found = if parses { count(&text) } else { 0 };
            events.fetch_add(found, Ordering::Relaxed);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    println!("{} files, {} events", files.len(), events.into_inner());
    Ok(())
}

/// The events up to the end, or up to the first error.
fn count(text: &str) -> usize {
    let mut options = Options::default();
    options.set_emit_comments(false);
    Parser::with_options(StrInput::new(text), options).take_while(Result::is_ok).count()
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        walk(&entry?.path(), files)?;
    }
    Ok(())
}

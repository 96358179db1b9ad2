//! Every text that a test of this project has: the literals of its sources, and the files and words of its data.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Texts;

/// Where tests and what they judge are.
const SOURCES: [&str; 3] = ["crates", "src", "tests"];
const DATA: [&str; 4] = ["config", "deploy", "tests/data", "tests/e2e"];
const EXTENSIONS: [&str; 5] = ["json", "tsv", "txt", "yaml", "yml"];
/// Longer texts are schemas and dashboards.
const LONGEST: usize = 64 << 10;
const LONGEST_WORD: usize = 600;

/// All of them, below the root of the project.
pub(crate) fn all(root: &Path) -> Texts {
    let mut texts = Texts::new();
    for file in SOURCES.iter().flat_map(|source| files(&root.join(source), &["rs"])) {
        literals(&fs::read_to_string(&file).unwrap(), &mut texts);
    }
    for file in DATA.iter().flat_map(|data| files(&root.join(data), &EXTENSIONS)) {
        let text = fs::read_to_string(&file).unwrap();
        let words = text.split(|at: char| at.is_whitespace() || "\"'`,;{}[]()".contains(at));
        texts.extend(words.filter(|word| is_word(word)).map(str::to_owned));
        texts.insert(text);
    }
    texts.retain(|text| !text.trim().is_empty() && text.len() <= LONGEST);
    texts
}

/// Whether a text is one line that is taken for an image.
pub(crate) fn is_word(text: &str) -> bool {
    let is_key = text.ends_with(':') || text.contains(": ");
    text.starts_with(|first: char| first.is_alphanumeric())
        && !is_key
        && text.len() <= LONGEST_WORD
        && !text.contains(['\n', '\r', '\t'])
}

/// The text literals of a Rust source.
fn literals(source: &str, texts: &mut Texts) {
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let before = &rest[..at];
        let found = &rest[at..];
        rest = if found.starts_with("//") {
            found.split_once('\n').map_or("", |(_, after)| after)
        } else if found.starts_with("'\"'") || found.starts_with("'\\\"'") {
            &found[found[1..].find('\'').unwrap() + 2..]
        } else if !found.starts_with('"') {
            &found[1..]
        } else {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r');
            let end = format!("\"{}", "#".repeat(hashes));
            if is_raw {
                let (text, after) = found[1..].split_once(&end).unwrap();
                texts.insert(text.to_owned());
                after
            } else {
                let (text, after) = unescaped(&found[1..]);
                texts.insert(text);
                after
            }
        };
    }
}

/// A literal without its escapes, and what is behind it.
fn unescaped(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = source.chars();
    while let Some(next) = characters.next() {
        match next {
            '"' => break,
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some('\n') => characters = characters.as_str().trim_start().chars(),
                Some('x') => {
                    let (digits, after) = characters.as_str().split_at(2);
                    text.extend(u8::from_str_radix(digits, 16).ok().map(char::from));
                    characters = after.chars();
                }
                Some('u') => {
                    let (digits, after) = characters.as_str().split_once('}').unwrap();
                    let code = u32::from_str_radix(digits.trim_start_matches('{'), 16);
                    text.extend(code.ok().and_then(char::from_u32));
                    characters = after.chars();
                }
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    (text, characters.as_str())
}

/// The files with one of the extensions below a directory.
fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_wanted =
            |extension: &std::ffi::OsStr| extensions.iter().any(|known| extension == *known);
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().is_some_and(is_wanted) {
            found.push(path);
        }
    }
    found
}

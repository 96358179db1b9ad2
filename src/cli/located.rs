//! Where in a file something is wrong, as `PATH:LINE:COLUMN: what`, so that editors can jump there.
//!
//! A policy's problems know the ConfigMap key they are in. Here that key becomes the file that was
//! given, and for a manifest the line of the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_saphyr::Location;

use imagegate_core::policy::{POLICY_KEY, Problem, Problems, Warning, printable};

/// How standard input is written, as an argument and in messages.
pub(super) const STDIN: &str = "-";

/// What a command read a policy from.
#[derive(Debug)]
pub(super) enum Origin {
    /// One file in full form, or standard input.
    File(String),
    /// A directory with a file for each of these keys. Other documents are variables.
    Directory { path: String, keys: BTreeSet<String> },
    /// A manifest of a ConfigMap.
    Manifest(Manifest),
}

/// A manifest of a ConfigMap, with the places and values of its keys.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) keys: BTreeMap<String, (Place, String)>,
}

/// One-based line and column.
pub(super) type Place = (u64, u64);

impl Origin {
    pub(super) fn problems(&self, problems: Problems) -> Problems {
        Problems(problems.0.into_iter().map(|problem| self.located(problem)).collect())
    }

    pub(super) fn warnings(&self, warnings: Vec<Warning>) -> Vec<Warning> {
        warnings.into_iter().map(|Warning(warning)| Warning(self.located(warning))).collect()
    }

    /// The problem with the file that was given in place of the key.
    pub(super) fn located(&self, mut problem: Problem) -> Problem {
        match self {
            Self::File(path) => problem.document.clone_from(path),
            Self::Directory { path, keys } if keys.contains(&problem.document) => {
                problem.document = Path::new(path).join(&problem.document).display().to_string();
            }
            Self::Directory { path, .. } if problem.document == "policy" => {
                problem.document.clone_from(path);
            }
            Self::Directory { .. } => {}
            Self::Manifest(manifest) => manifest.locate(&mut problem),
        }
        problem.document = printable(&problem.document).into_owned();
        problem
    }
}

impl Manifest {
    fn locate(&self, problem: &mut Problem) {
        let Some((start, value)) = self.keys.get(&problem.document) else {
            problem.document.clone_from(&self.path);
            return;
        };
        if problem.path.is_empty() && problem.document != POLICY_KEY {
            problem.path.clone_from(&problem.document);
        }
        let place = problem.place.unwrap_or((1, 1));
        if let Some(place) = place_of(&self.text, *start, value, place) {
            problem.document.clone_from(&self.path);
            problem.place = Some(place);
        } else {
            // A folded or escaped text: the key's place, and the place inside its value.
            let (line, column) = start;
            problem.document = format!("{}:{line}:{column}: {}", self.path, problem.document);
        }
    }
}

/// The place in `text` of a place inside `value`, which is a scalar at `start`. `None` where the
/// value is not written there as it is read.
fn place_of(text: &str, start: Place, value: &str, (line, column): Place) -> Option<Place> {
    let lines: Vec<&str> = text.lines().collect();
    let line_at = |number: u64| lines.get(usize::try_from(number.checked_sub(1)?).ok()?).copied();
    if !value.contains('\n') {
        let rest: String = line_at(start.0)?.chars().skip(index(start.1)?).collect();
        let quotes = u64::from(rest.starts_with(['\'', '"']));
        let rest = rest.get(usize::try_from(quotes).ok()?..)?;
        return rest.starts_with(value).then_some((start.0, start.1 + quotes + column - 1));
    }
    // A literal block: every line as it is read, behind one indentation.
    (start.0..start.0 + 2).find_map(|first| {
        let indented = line_at(first)?;
        let indent = u64::try_from(indented.len() - indented.trim_start_matches(' ').len()).ok()?;
        let is_same = |(read, number): (&str, u64)| {
            let written = line_at(number).unwrap_or_default();
            written.get(index(indent + 1).unwrap_or_default()..).unwrap_or_default() == read
        };
        value.lines().zip(first..).all(is_same).then_some((first + line - 1, indent + column))
    })
}

/// A one-based column as an index.
fn index(column: u64) -> Option<usize> {
    usize::try_from(column.checked_sub(1)?).ok()
}

/// `PATH:LINE:COLUMN: message`, with what is known of the place.
pub(super) fn at(path: &str, place: Option<Place>, message: &str) -> String {
    let (path, message) = (printable(path), printable(message));
    match place {
        Some((line, column)) => format!("{path}:{line}:{column}: {message}"),
        None => format!("{path}: {message}"),
    }
}

/// What is wrong with a YAML text, in one line behind its place.
pub(super) fn malformed(path: &str, error: &serde_saphyr::Error) -> String {
    let place = error.location().map(place);
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default();
    // The place is in front of the message already.
    let text = text.split(" at line ").next().unwrap_or(text);
    at(path, place, text.strip_prefix("error: ").unwrap_or(text))
}

pub(super) fn place(location: Location) -> Place {
    (location.line(), location.column())
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_place_inside_a_value_is_found_in_its_manifest() {
        let block = "data:\n  policy.yaml: |\n    mode: x\n\n    a: [b,\n      c]\n";
        let value = "mode: x\n\na: [b,\n  c]\n";
        let rows = [
            (block, (2, 16), value, (1, 7), Some((3, 11))),
            (block, (3, 5), value, (1, 7), Some((3, 11))),
            (block, (2, 16), value, (4, 3), Some((6, 7))),
            ("data: {A: b;c}\n", (1, 11), "b;c", (1, 3), Some((1, 13))),
            ("data: {A: 'b;c'}\n", (1, 11), "b;c", (1, 3), Some((1, 14))),
            ("data: {A: \"b\\tc\"}\n", (1, 11), "b\tc", (1, 3), None),
            ("A: >\n  b\n  c\n", (1, 4), "b c\n", (1, 3), None),
        ];
        for (text, start, value, inside, expected) in rows {
            assert_eq!(place_of(text, start, value, inside), expected, "{text}");
        }
    }
}

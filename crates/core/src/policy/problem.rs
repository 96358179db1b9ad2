//! What is wrong with a policy, said to the person who wrote it.

use std::fmt;
use std::rc::Rc;

use crate::policy::printable::printable_within;

/// More problems than this are counted but not kept: one broken generator must not fill a log.
const MOST: usize = 100;

/// One thing that keeps a policy from being compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The ConfigMap key or variable it was found in: `policy.yaml`, `ALLOWED_REGISTRIES`.
    pub document: String,
    /// The path inside that document: `allowedRegistries[2]`. Empty for the whole document.
    pub path: String,
    /// One-based line and column, where the document has lines.
    pub place: Option<(u64, u64)>,
    /// What is wrong: lower case, no full stop, user input in backticks.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// All problems of one policy, in the order of the documents. At most 100 are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// A thing that is allowed but probably not meant; same form as a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub Problem);

impl Problem {
    /// A problem with a document as a whole.
    #[must_use]
    pub fn of_document(document: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            document: document.into(),
            path: String::new(),
            place: None,
            message: message.into(),
            hint: None,
        }
    }

    /// The same problem with a way to mend it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    /// `policy.yaml:4:5: allowedRegistries[2]: what is wrong`, then a line `  hint: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// One-based line and column.
pub(in crate::policy) type Place = (u32, u32);

/// A place in a document, for whatever is found wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) document: &'static str,
    pub(super) place: Option<Place>,
    /// The path of a field, shared with the items of its list; empty where it has none.
    field: Rc<str>,
    /// The position in a list. It becomes text only when something is said of the item, since a
    /// policy may have 100,000 of them.
    item: Option<usize>,
}

impl At {
    pub(super) fn new(document: &'static str, path: &str, place: Option<Place>) -> Self {
        Self { document, place, field: path.into(), item: None }
    }

    /// The path inside the document.
    pub(super) fn path(&self) -> String {
        match self.item {
            Some(item) if !self.field.is_empty() => format!("{}[{item}]", self.field),
            _ => (*self.field).to_owned(),
        }
    }

    /// The same path at another place.
    pub(super) fn at(&self, place: Place) -> Self {
        Self { place: Some(place), ..self.clone() }
    }

    /// The field `name` of what stands here.
    pub(super) fn field(&self, name: &str, place: Place) -> Self {
        let path = self.path();
        let name = shorten(name);
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        Self::new(self.document, &path, Some(place))
    }

    /// The item at `position` of the list that is the field here.
    pub(super) fn item(&self, position: usize, place: Place) -> Self {
        Self { item: Some(position), ..self.at(place) }
    }
}

/// Collects problems and warnings while a policy is read and compiled.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    left_out: usize,
    warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn problem(&mut self, at: &At, message: impl Into<String>, hint: Option<&str>) {
        self.push(located(at, message, hint));
    }

    pub(super) fn warning(&mut self, at: &At, message: impl Into<String>, hint: Option<&str>) {
        if self.warnings.len() < MOST {
            self.warnings.push(Warning(located(at, message, hint)));
        }
    }

    /// Whether no more warnings are kept, so that callers need not word one.
    pub(super) fn warned_enough(&self) -> bool {
        self.warnings.len() >= MOST
    }

    /// Whether problems are only counted by now. Counts one, so that callers need not word it.
    pub(super) fn counts_only(&mut self) -> bool {
        let full = self.problems.len() >= MOST;
        self.left_out += usize::from(full);
        full
    }

    /// How much was said so far.
    pub(super) fn said(&self) -> usize {
        self.problems.len() + self.left_out + self.warnings.len()
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < MOST {
            self.problems.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// All problems in the order in which a reader of the documents meets them.
    pub(super) fn into_problems(mut self) -> Problems {
        self.problems.sort_by(|left, right| {
            (&left.document, left.place).cmp(&(&right.document, right.place))
        });
        if self.left_out > 0 {
            let message = format!("{} more problems are not shown", self.left_out);
            self.problems.push(Problem::of_document("policy", message));
        }
        Problems(self.problems)
    }
}

fn located(at: &At, message: impl Into<String>, hint: Option<&str>) -> Problem {
    Problem {
        document: at.document.to_owned(),
        path: at.path(),
        place: at.place.map(|(line, column)| (line.into(), column.into())),
        message: message.into(),
        hint: hint.map(str::to_owned),
    }
}

/// User text fit for a message: escaped, and not longer than a line.
pub(super) fn shorten(text: &str) -> String {
    printable_within(text, 120)
}

/// The known name nearest to `name`, where one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 3 && *distance * 2 < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, for `did you mean`.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut previous = index + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&right) {
            let cost = if from == *to { diagonal } else { diagonal.min(previous).min(*cell) + 1 };
            diagonal = *cell;
            previous = cost;
            *cell = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{At, MOST, Problems, Report, distance, nearest};

    #[test]
    fn what_is_beyond_the_most_is_counted_and_not_kept() {
        let at = At::new("policy.yaml", "", None);
        let mut report = Report::default();
        for number in 0..MOST {
            assert!(!report.warned_enough(), "{number}");
            report.warning(&at, "a warning", None);
        }
        assert!(report.warned_enough());
        report.warning(&at, "one more", None);
        assert_eq!(report.said(), MOST);
        for number in 0..MOST {
            assert!(!report.counts_only(), "{number}");
            report.problem(&at, "a problem", None);
        }
        report.problem(&at, "one more", None);
        assert!(report.counts_only(), "one that nobody words is counted, too");
        assert_eq!(report.said(), 2 * MOST + 2);
        let Problems(problems) = report.into_problems();
        assert_eq!(problems.len(), MOST + 1);
        assert_eq!(problems[MOST].message, "2 more problems are not shown");
    }

    #[test]
    fn no_more_warnings_are_kept_than_the_most() {
        let mut report = Report::default();
        for _ in 0..=MOST {
            report.warning(&At::new("policy.yaml", "", None), "a warning", None);
        }
        assert_eq!(report.into_warnings().len(), MOST);
    }

    #[test]
    fn a_name_is_near_that_differs_in_less_than_half_and_in_three_places_at_most() {
        let (long, shorter) = ("a".repeat(64), "a".repeat(63));
        for (name, known, is_near) in [
            ("mdoe", "mode", false),
            ("moode", "mode", true),
            ("MODE", "mode", true),
            ("abcxyz", "abcdef", false),
            ("abcdxyz", "abcdefg", true),
            ("abcdwxyz", "abcdefgh", false),
            (&long, &shorter, true),
            (&format!("{long}a"), &long, false),
            (&format!("{long}aa"), &long, false),
        ] {
            assert_eq!(nearest(name, [known]), is_near.then_some(known), "{name} {known}");
        }
        assert_eq!(
            nearest("moode", ["mood", "mode", "model"]),
            Some("mood"),
            "the first of equals"
        );
    }

    #[test]
    fn a_distance_counts_what_is_put_in_taken_out_and_exchanged() {
        for (left, right, expected) in
            [("", "", 0), ("ab", "", 2), ("", "ab", 2), ("ab", "b", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }
}

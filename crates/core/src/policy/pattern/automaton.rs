//! Decides whether a pattern matches at least one text of a regular language.
//!
//! A language is a deterministic automaton of at most 128 states. A pattern is run over *sets* of
//! its states, one bit each, instead of over a text: a literal byte moves every state of the set, a
//! wildcard adds whatever is reachable. The pattern can match something exactly if an accepting
//! state is left at the end. No text is ever generated. For a glob the cost is linear in its length;
//! a regex has a budget of steps, since repetitions inside each other multiply.
//!
//! Lengths are not looked at; the callers bound those.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Bytes above ASCII occur in no language that patterns are about.
const ALPHABET: u8 = 128;
const DEAD: u8 = u8::MAX;
/// Steps that one regex may take: bytes, classes and other parts, each as often as it is passed.
/// A usual regex takes some dozens. One that takes more is not judged.
const MOST_STEPS: u32 = 4_096;

/// A set of states, one bit each.
type States = u128;

/// A regular language over ASCII.
#[derive(Debug)]
pub(super) struct Language {
    /// By state and byte: the next state, or [`DEAD`].
    next: Vec<[u8; ALPHABET as usize]>,
    /// By state: each state that one byte leads to, with all bytes that do, one bit each.
    arcs: Vec<Vec<(u8, u128)>>,
    accepting: States,
    /// By state: where any number of bytes leads, without and with `/` among them.
    any_run: Vec<States>,
    any_run_across_slashes: Vec<States>,
}

impl Language {
    /// The language of the texts that lead from `start` to a state that `accepts`.
    pub(super) fn new<S: Copy + PartialEq>(
        start: S,
        step: impl Fn(S, u8) -> Option<S>,
        accepts: impl Fn(S) -> bool,
    ) -> Self {
        let mut states = vec![start];
        let mut next: Vec<[u8; ALPHABET as usize]> = Vec::new();
        let mut arcs = Vec::new();
        while let Some(state) = states.get(next.len()).copied() {
            let mut row = [DEAD; ALPHABET as usize];
            let mut arcs_of_state: Vec<(u8, u128)> = Vec::new();
            for (byte, entry) in (0..ALPHABET).zip(&mut row) {
                let Some(to) = step(state, byte) else { continue };
                let index = states.iter().position(|known| *known == to).unwrap_or_else(|| {
                    states.push(to);
                    states.len() - 1
                });
                *entry = u8::try_from(index).unwrap_or(DEAD);
                match arcs_of_state.iter_mut().find(|(to, _)| to == entry) {
                    Some((_, bytes)) => *bytes |= bit(byte),
                    None => arcs_of_state.push((*entry, bit(byte))),
                }
            }
            next.push(row);
            arcs.push(arcs_of_state);
        }
        let accepting = (0_u8..).zip(&states).filter(|(_, state)| accepts(**state));
        Self {
            accepting: accepting.fold(0, |set, (index, _)| set | bit(index)),
            any_run: runs(&arcs, !bit(b'/')),
            any_run_across_slashes: runs(&arcs, u128::MAX),
            next,
            arcs,
        }
    }

    /// Whether some text of the language matches the glob; see [`glob`](super::glob).
    pub(super) fn meets_glob(&self, glob: &str) -> bool {
        // Nearly every glob matches the text that it becomes with a letter for each wildcard, and to
        // look up one text takes a fraction of the time.
        let letters = glob.bytes().map(|byte| if byte == b'*' { b'a' } else { byte });
        if self.contains(letters) {
            return true;
        }
        let mut set = START;
        let mut rest = glob.bytes().peekable();
        while let Some(byte) = rest.next() {
            let across = byte == b'*' && rest.next_if_eq(&b'*').is_some();
            set = match (byte, across) {
                (b'*', true) => follow(set, &self.any_run_across_slashes),
                (b'*', false) => follow(set, &self.any_run),
                (byte, _) => self.step_byte(set, byte),
            };
            if set == 0 {
                return false;
            }
        }
        set & self.accepting != 0
    }

    /// Whether some text of the language is matched as a whole by the regex, which is to be of a
    /// bounded size. Assertions such as `^` and `\b` are taken to hold, and a regex that is too much
    /// work is taken to match something, so that a "no" is certain.
    pub(super) fn meets_regex(&self, regex: &Hir) -> bool {
        let mut run = Run { language: self, steps: MOST_STEPS };
        run.through(START, regex).is_none_or(|set| set & self.accepting != 0)
    }

    /// How many states there are; a set holds 128.
    #[cfg(test)]
    pub(super) fn states(&self) -> usize {
        self.next.len()
    }

    /// Whether the text of these bytes is one of the language.
    fn contains(&self, text: impl IntoIterator<Item = u8>) -> bool {
        let next = |state: u8, byte: u8| {
            self.next.get(usize::from(state))?.get(usize::from(byte)).copied()
        };
        text.into_iter().try_fold(0, next).is_some_and(|state| bit(state) & self.accepting != 0)
    }

    fn step_byte(&self, set: States, byte: u8) -> States {
        let next = |state: u8| self.next.get(usize::from(state))?.get(usize::from(byte)).copied();
        indexes_of(set).filter_map(next).filter(|to| *to != DEAD).fold(0, |set, to| set | bit(to))
    }

    fn step_class(&self, set: States, bytes: u128) -> States {
        let arcs = indexes_of(set).filter_map(|state| self.arcs.get(usize::from(state))).flatten();
        arcs.filter(|(_, of)| of & bytes != 0).fold(0, |set, (to, _)| set | bit(*to))
    }
}

/// A regex on its way through a language.
struct Run<'l> {
    language: &'l Language,
    /// How many steps are left.
    steps: u32,
}

impl Run<'_> {
    /// Where the regex leads from a set of states; `None` when there are no steps left.
    fn through(&mut self, set: States, regex: &Hir) -> Option<States> {
        if set == 0 {
            return Some(0);
        }
        self.steps = self.steps.checked_sub(1)?;
        match regex.kind() {
            HirKind::Empty | HirKind::Look(_) => Some(set),
            HirKind::Literal(literal) => {
                self.steps = self.steps.checked_sub(u32::try_from(literal.0.len()).ok()?)?;
                Some(literal.0.iter().fold(set, |set, byte| self.language.step_byte(set, *byte)))
            }
            HirKind::Class(class) => Some(self.language.step_class(set, ascii_of(class))),
            HirKind::Capture(capture) => self.through(set, &capture.sub),
            HirKind::Concat(parts) => {
                parts.iter().try_fold(set, |set, part| self.through(set, part))
            }
            HirKind::Alternation(parts) => {
                parts.iter().try_fold(0, |found, part| Some(found | self.through(set, part)?))
            }
            HirKind::Repetition(repetition) => self.through_repetition(set, repetition),
        }
    }

    fn through_repetition(&mut self, mut set: States, repetition: &Repetition) -> Option<States> {
        for _ in 0..repetition.min {
            let after = self.through(set, &repetition.sub)?;
            if after == set {
                break;
            }
            set = after;
        }
        let more = repetition.max.map_or(u32::MAX, |max| max.saturating_sub(repetition.min));
        for _ in 0..more {
            let after = set | self.through(set, &repetition.sub)?;
            if after == set {
                break;
            }
            set = after;
        }
        Some(set)
    }
}

/// The ASCII bytes of a class, one bit each.
fn ascii_of(class: &Class) -> u128 {
    let range = |(start, end): (u8, u8)| (start..=end).fold(0, |set, byte| set | bit(byte));
    let last = ALPHABET - 1;
    match class {
        Class::Bytes(class) => {
            let ranges = class.iter().filter(|range| range.start() <= last);
            ranges.fold(0, |set, part| set | range((part.start(), part.end().min(last))))
        }
        Class::Unicode(class) => {
            // In order, so that what is beyond ASCII need not be looked at.
            let ascii = |bound: char| u8::try_from(bound).unwrap_or(last).min(last);
            let ranges = class.iter().take_while(|range| range.start().is_ascii());
            ranges.fold(0, |set, part| set | range((ascii(part.start()), ascii(part.end()))))
        }
    }
}

/// By state: where any number of these bytes leads, none included.
fn runs(arcs: &[Vec<(u8, u128)>], bytes: u128) -> Vec<States> {
    let once = |(state, arcs): (u8, &Vec<(u8, u128)>)| {
        let arcs = arcs.iter().filter(|(_, of)| of & bytes != 0);
        arcs.fold(bit(state), |set, (to, _)| set | bit(*to))
    };
    let mut reached: Vec<States> = (0..ALPHABET).zip(arcs).map(once).collect();
    // Warshall's closure: paths through the states up to `via`.
    for via in 0..reached.len() {
        let Some(beyond) = reached.get(via).copied() else { continue };
        let through = u8::try_from(via).map_or(0, bit);
        for set in reached.iter_mut().filter(|set| **set & through != 0) {
            *set |= beyond;
        }
    }
    reached
}

/// The union of what a table has for the states of a set.
fn follow(set: States, table: &[States]) -> States {
    let found = indexes_of(set).filter_map(|state| table.get(usize::from(state)));
    found.fold(0, |union, states| union | states)
}

/// The first state alone.
const START: States = 1;

fn bit(index: u8) -> u128 {
    1_u128.checked_shl(u32::from(index)).unwrap_or_default()
}

fn indexes_of(mut set: States) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let index = u8::try_from(set.trailing_zeros()).ok().filter(|index| *index < 128)?;
        set &= set - 1;
        Some(index)
    })
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::Hir;

    use super::Language;

    /// The language of one text.
    fn only(text: &'static [u8]) -> Language {
        let step = |read: usize, byte| (text.get(read) == Some(&byte)).then_some(read + 1);
        Language::new(0, step, |read| read == text.len())
    }

    fn hir(regex: &str) -> Hir {
        regex_syntax::parse(regex).unwrap()
    }

    #[test]
    fn one_star_stays_within_a_segment_and_two_do_not() {
        for (glob, expected) in [
            ("*", false),
            ("**", true),
            ("a*", false),
            ("a**", true),
            ("*/*", true),
            ("a/*b", true),
            ("a*b", false),
        ] {
            assert_eq!(only(b"a/b").meets_glob(glob), expected, "{glob}");
        }
    }

    #[test]
    fn a_choice_leads_wherever_one_of_its_parts_does() {
        for (regex, expected) in [
            ("(?:ab|x.)", true),
            ("(?:x.|ab)", true),
            ("(?:ab|.b)", true),
            ("(?:xb|y.)", false),
            ("(?:a|b.)b", true),
        ] {
            assert_eq!(only(b"ab").meets_regex(&hir(regex)), expected, "{regex}");
        }
    }
}

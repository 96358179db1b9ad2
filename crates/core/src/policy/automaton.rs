//! Decides whether a pattern matches at least one text of a regular language.
//!
//! A language is a deterministic automaton of at most 128 states. A pattern is run over *sets* of
//! its states, one bit each, instead of over a text: a literal byte moves every state of the set, a
//! wildcard adds whatever is reachable. The pattern can match something exactly if an accepting
//! state is left at the end. No text is ever generated, and the cost is linear in the pattern.
//!
//! Lengths are not looked at; the callers bound those.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Bytes above ASCII occur in no language that patterns are about.
const ALPHABET: u8 = 128;
const DEAD: u8 = u8::MAX;
/// A repetition that is still changing the set after so many rounds is taken for one without end.
const MOST_ROUNDS: u32 = 256;

/// A set of states, one bit each.
type States = u128;

/// A regular language over ASCII.
#[derive(Debug)]
pub(super) struct Language {
    /// By state and byte: the next state, or [`DEAD`].
    next: Vec<[u8; ALPHABET as usize]>,
    accepting: States,
    /// By state: where any one byte leads.
    any_byte: Vec<States>,
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
        while let Some(state) = states.get(next.len()).copied() {
            let mut row = [DEAD; ALPHABET as usize];
            for (byte, entry) in (0..ALPHABET).zip(&mut row) {
                let Some(to) = step(state, byte) else { continue };
                let index = states.iter().position(|known| *known == to).unwrap_or_else(|| {
                    states.push(to);
                    states.len() - 1
                });
                *entry = u8::try_from(index).unwrap_or(DEAD);
            }
            next.push(row);
        }
        let accepting = (0_u8..).zip(&states).filter(|(_, state)| accepts(**state));
        let mut language = Self {
            accepting: accepting.fold(0, |set, (index, _)| set | bit(index)),
            any_byte: Vec::new(),
            any_run: Vec::new(),
            any_run_across_slashes: Vec::new(),
            next,
        };
        let indexes = || (0_u8..).take(states.len());
        let step_any = |state| language.step(bit(state), |_| true);
        language.any_byte = indexes().map(step_any).collect();
        let run = |state| closure(bit(state), |set| language.step(set, |b| b != b'/'));
        language.any_run = indexes().map(run).collect();
        let run = |state| closure(bit(state), |set| language.step(set, |_| true));
        language.any_run_across_slashes = indexes().map(run).collect();
        language
    }

    /// Whether some text of the language matches the glob; see [`Glob`](super::glob::Glob).
    pub(super) fn meets_glob(&self, glob: &str) -> bool {
        let mut set = START;
        let mut rest = glob.bytes().peekable();
        while let Some(byte) = rest.next() {
            let across = byte == b'*' && rest.next_if_eq(&b'*').is_some();
            set = match (byte, across) {
                (b'*', true) => follow(set, &self.any_run_across_slashes),
                (b'*', false) => follow(set, &self.any_run),
                (byte, _) => self.step_byte(set, byte),
            };
        }
        set & self.accepting != 0
    }

    /// Whether some text of the language is matched as a whole by the regex. Assertions such as
    /// `^` and `\b` are taken to hold, so that a "no" is certain.
    pub(super) fn meets_regex(&self, regex: &Hir) -> bool {
        self.run_regex(START, regex) & self.accepting != 0
    }

    fn run_regex(&self, set: States, regex: &Hir) -> States {
        match regex.kind() {
            HirKind::Empty | HirKind::Look(_) => set,
            HirKind::Literal(literal) => {
                literal.0.iter().fold(set, |set, byte| self.step_byte(set, *byte))
            }
            HirKind::Class(class) => self.step_class(set, class),
            HirKind::Capture(capture) => self.run_regex(set, &capture.sub),
            HirKind::Concat(parts) => parts.iter().fold(set, |set, part| self.run_regex(set, part)),
            HirKind::Alternation(parts) => {
                parts.iter().fold(0, |found, part| found | self.run_regex(set, part))
            }
            HirKind::Repetition(repetition) => self.run_repetition(set, repetition),
        }
    }

    fn run_repetition(&self, mut set: States, repetition: &Repetition) -> States {
        let once = |set| self.run_regex(set, &repetition.sub);
        for round in 0..repetition.min {
            let after = once(set);
            if after == set {
                break;
            }
            set = after;
            if round == MOST_ROUNDS {
                return closure(set, once);
            }
        }
        match repetition.max.map(|max| max.saturating_sub(repetition.min)) {
            Some(more) if more <= MOST_ROUNDS => {
                let mut found = set;
                for _ in 0..more {
                    let after = found | once(found);
                    if after == found {
                        break;
                    }
                    found = after;
                }
                found
            }
            _ => closure(set, once),
        }
    }

    fn step_class(&self, set: States, class: &Class) -> States {
        let contains = |byte: u8| match class {
            Class::Bytes(class) => class.iter().any(|r| (r.start()..=r.end()).contains(&byte)),
            Class::Unicode(class) => {
                class.iter().any(|r| (r.start()..=r.end()).contains(&char::from(byte)))
            }
        };
        if (0..ALPHABET).all(|byte| byte == b'\n' || contains(byte)) {
            return follow(set, &self.any_byte);
        }
        let members: u128 =
            (0..ALPHABET).filter(|byte| contains(*byte)).fold(0, |set, byte| set | bit(byte));
        self.step(set, |byte| members & bit(byte) != 0)
    }

    fn step_byte(&self, set: States, byte: u8) -> States {
        let next = |state: u8| self.next.get(usize::from(state))?.get(usize::from(byte)).copied();
        indexes_of(set).filter_map(next).filter(|to| *to != DEAD).fold(0, |set, to| set | bit(to))
    }

    fn step(&self, set: States, wanted: impl Fn(u8) -> bool) -> States {
        let mut after = 0;
        for row in indexes_of(set).filter_map(|state| self.next.get(usize::from(state))) {
            for (byte, to) in (0..ALPHABET).zip(row) {
                if *to != DEAD && wanted(byte) {
                    after |= bit(*to);
                }
            }
        }
        after
    }
}

/// The union of what a table has for the states of a set.
fn follow(set: States, table: &[States]) -> States {
    let found = indexes_of(set).filter_map(|state| table.get(usize::from(state)));
    found.fold(0, |union, states| union | states)
}

/// What any number of rounds leads to, none included.
fn closure(mut set: States, round: impl Fn(States) -> States) -> States {
    loop {
        let after = set | round(set);
        if after == set {
            return set;
        }
        set = after;
    }
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

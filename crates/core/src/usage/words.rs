//! An impact in the few lines that the API server passes on to kubectl.
//!
//! What somebody has to know stands first: how many images would be refused. Then which, the most
//! frequent first, as many as there is room for; the rest is counted.

use std::borrow::Cow;
use std::fmt::Write as _;

use time::OffsetDateTime;
use time::macros::format_description;

use super::impact::{Hit, Hits, Impact};
use crate::policy::printable;

/// Where and since when the images were seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The replica that saw them; `None` for "here".
    pub by: Option<&'a str>,
    /// Since when it remembers, in Unix seconds.
    pub since: i64,
}

/// How much may be said.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Characters of a line.
    pub line: usize,
    /// Characters of all lines together.
    pub total: usize,
}

impl Budget {
    /// What the API server passes on: it asks for lines of 120 characters, and cuts all warnings
    /// of an answer at 4096 bytes.
    ///
    /// Source: `Warnings` of `AdmissionResponse` in the API reference of `admission.k8s.io/v1`.
    pub const WARNINGS: Self = Self { line: 120, total: 4096 };
}

/// Bytes kept for each of the counts at the end.
const TAIL: usize = 48;
/// An image longer than this is cut in its middle.
const LONGEST_IMAGE: usize = 72;
/// A namespace longer than this is cut: 63 is what Kubernetes allows, and no line has that room.
const LONGEST_NAME: usize = 24;
/// Seconds within which a weekday says which day is meant.
const SIX_DAYS: i64 = 6 * 24 * 60 * 60;

impl Impact {
    /// The impact as lines: `of 214 images seen here since Tuesday 08:00 UTC, 3 would now be
    /// refused: quay.io/acme/agent:1 (ci, 12 times, last 2 h ago), …; 1 would now be admitted`.
    ///
    /// Lines break between the items. No line is longer than the budget says, and they are not
    /// longer together; the counts are said in any case.
    #[must_use]
    pub fn lines(&self, seen: Seen<'_>, now: i64, budget: Budget) -> Vec<String> {
        let by = seen.by.map_or(Cow::Borrowed("here"), |by| {
            Cow::Owned(format!("by {}", cut(&printable(by), LONGEST_NAME)))
        });
        let since = moment(seen.since, now);
        if self.images == 0 {
            return vec![format!("no image has been seen {by} since {since}")];
        }
        let plural = if self.images == 1 { "" } else { "s" };
        let mut lines = Lines::new(budget);
        lines.word(format!("of {} image{plural} seen {by} since {since},", self.images));
        let kinds = [
            (&self.newly_denied, "would now be refused"),
            (&self.newly_warned, "would now be warned about"),
            (&self.newly_admitted, "would now be admitted"),
            (&self.perhaps_denied, "would perhaps be refused, by labels that are not remembered"),
            (&self.perhaps_changed, "would perhaps be decided otherwise, by such labels"),
        ];
        let mut kinds = kinds
            .into_iter()
            .enumerate()
            .filter(|(position, (hits, _))| *position == 0 || hits.images > 0)
            .map(|(_, kind)| kind)
            .peekable();
        while let Some((hits, what)) = kinds.next() {
            let end = if kinds.peek().is_some() { ";" } else { "" };
            let after = kinds.clone().count();
            lines.kind(hits, what, end, after, now);
        }
        lines.done
    }
}

/// Lines being filled, within a budget.
struct Lines {
    budget: Budget,
    used: usize,
    done: Vec<String>,
}

impl Lines {
    fn new(budget: Budget) -> Self {
        Self { budget, used: 0, done: Vec::new() }
    }

    /// Says how many images are hit, and which, as long as `kinds_after` counts still fit.
    fn kind(&mut self, hits: &Hits, what: &str, end: &str, kinds_after: usize, now: i64) {
        if hits.images == 0 {
            self.word(format!("none {what}{end}"));
            return;
        }
        let kept = TAIL * (kinds_after + 1);
        let items: Vec<_> = hits.most_frequent.iter().map(|hit| item(hit, now)).collect();
        let mut room = self.room().saturating_sub(kept);
        // The line breaks cost room, too: an item begins a line at worst.
        let fits = items.iter().take_while(|item| {
            let cost = item.chars().count() + 2;
            let fits = cost <= room;
            room = room.saturating_sub(cost);
            fits
        });
        let shown = fits.count();
        let colon = if shown > 0 { ":" } else { end };
        self.word(format!("{} {what}{colon}", hits.images));
        let more = hits.images - shown;
        for (position, item) in items.into_iter().take(shown).enumerate() {
            let is_last = position + 1 == shown && more == 0;
            self.word(item + if is_last { end } else { "," });
        }
        if shown > 0 && more > 0 {
            self.word(format!("and {more} more{end}"));
        }
    }

    fn room(&self) -> usize {
        self.budget.total.saturating_sub(self.used)
    }

    /// Adds a word that is not broken, on a line of its own where the last one has no room.
    fn word(&mut self, word: String) {
        let word = match cut(&word, self.budget.line) {
            Cow::Borrowed(_) => word,
            Cow::Owned(shorter) => shorter,
        };
        let length = word.chars().count();
        match self.done.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= self.budget.line => {
                let _ = write!(line, " {word}");
                self.used += 1 + length;
            }
            _ => {
                self.done.push(word);
                self.used += length;
            }
        }
    }
}

/// `quay.io/acme/agent:1 (ci, 12 times, last 2 h ago)`
fn item(hit: &Hit, now: i64) -> String {
    let image = printable(&hit.image);
    let mut item = cut_middle(&image, LONGEST_IMAGE).into_owned();
    item.push_str(" (");
    if let Some(first) = hit.namespaces.first() {
        item.push_str(&cut(&printable(first), LONGEST_NAME));
    }
    match hit.namespaces.len() + hit.more_namespaces {
        0 | 1 => {}
        count => {
            let _ = write!(item, " and {} more", count - 1);
        }
    }
    match hit.count {
        1 => item.push_str(", once"),
        count => {
            let _ = write!(item, ", {count} times");
        }
    }
    if let Some(last) = hit.last_seen {
        let _ = write!(item, ", last {} ago", duration(now.saturating_sub(last)));
    }
    item.push(')');
    item
}

/// A span in its largest unit: `2 h`. A moment to come is `0 s` away.
fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `Tuesday 08:00 UTC` within the last days, `2026-11-20 08:00 UTC` before.
fn moment(at: i64, now: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(at) else { return format!("@{at}") };
    let formatted = if (0..SIX_DAYS).contains(&now.saturating_sub(at)) {
        time.format(format_description!("[weekday] [hour]:[minute] UTC"))
    } else {
        time.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
    };
    formatted.unwrap_or_else(|_| format!("@{at}"))
}

/// The text, its end cut off where it is longer than `longest` characters.
fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    if text.chars().count() <= longest {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(longest.saturating_sub(1)).chain(['…']).collect())
}

/// The text, its middle cut out where it is longer than `longest` characters: an image is told by
/// its registry and by its tag.
fn cut_middle(text: &str, longest: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= longest {
        return Cow::Borrowed(text);
    }
    let start = longest / 2;
    let end = longest.saturating_sub(start + 1);
    let end = text.chars().skip(length - end);
    Cow::Owned(text.chars().take(start).chain(['…']).chain(end).collect())
}

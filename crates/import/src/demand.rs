//! What sources demand of images, each with its place, and what could not be said of it.

use std::fmt;

use imagegate_core::policy::printable;

use crate::globs::{self, Common};
use crate::labels::{self, Pods};
use crate::places::{self, Covered, Use};

/// What a policy does not say exactly as its source did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it stands: file, object and field.
    pub place: String,
    /// What cannot be said exactly.
    pub what: String,
    /// What was written in its place; `None` where all of it was left out, since `import` does not read such
    /// objects.
    pub nearest: Option<String>,
}

/// A rule, where it holds, and what a violation leads to.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// The file and object that it is from.
    pub(crate) source: String,
    pub(crate) scope: Scope,
    pub(crate) mode: Mode,
    pub(crate) rule: Rule,
}

/// Where a demand holds. No namespace named means all but the excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) namespaces: Vec<String>,
    pub(crate) excluded: Vec<String>,
    /// It holds for those Pods that are among all of these.
    pub(crate) pods: Vec<Pods>,
}

/// What a violation leads to, from the laxest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Audit,
    Warn,
    Enforce,
}

/// What an image has to fulfil.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    AllowRegistries(Vec<Entry>),
    BlockRegistries(Vec<Entry>),
    AllowTags(Vec<Entry>),
    BlockTags(Vec<Entry>),
    /// An image without a tag counts as `latest`, as it does for ImageGate.
    UntaggedIsLatest,
    /// With the place that says so.
    RequireTag(String),
    RequireDigest(String),
    RequirePull(Pull),
}

/// Which images have to be pulled whenever a container is started, and the place that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pull {
    /// All, or those alone that are not pinned by digest.
    pub(crate) is_for_all: bool,
    pub(crate) from: String,
}

/// A pattern of ImageGate, with the place that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pattern: String,
    pub(crate) from: String,
    /// Whether the source wrote it for images that name no registry.
    pub(crate) short: bool,
}

/// Images that one source exempts from its own demands.
#[derive(Clone, Debug)]
pub(crate) struct Exemption {
    pub(crate) source: String,
    pub(crate) scope: Scope,
    pub(crate) images: Vec<Entry>,
    /// By the names that a policy has for them.
    pub(crate) rules: Vec<&'static str>,
}

/// All that the sources say.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) exactly: bool,
    pub(crate) sources: usize,
    pub(crate) demands: Vec<Demand>,
    pub(crate) exemptions: Vec<Exemption>,
    pub(crate) notes: Vec<Note>,
}

impl Rule {
    /// The name that a policy has for what an image breaks by it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::AllowRegistries(_) | Self::BlockRegistries(_) => "untrusted-registry",
            Self::AllowTags(_) | Self::BlockTags(_) | Self::UntaggedIsLatest => "blocked-tag",
            Self::RequireTag(_) => "missing-tag",
            Self::RequireDigest(_) => "missing-digest",
            Self::RequirePull(_) => "pull-policy",
        }
    }
}

impl Scope {
    /// Limits it to the Pods that a selector selects, as it is written in a field of a source. Where that
    /// cannot be said, it is not limited, and a note says so.
    pub(crate) fn limit_to(
        &mut self,
        selector: Option<&serde_json::Value>,
        (place, field): (&str, &str),
        found: &mut Found,
    ) {
        let Some(selector) = selector.filter(|it| !it.is_null()) else { return };
        match labels::selector(selector) {
            Some(selector) if selector.is_empty() => {}
            Some(selector) => self.pods.push(Pods { selector, are_selected: true }),
            None => {
                let what = format!("{field} selects what it holds for");
                found.note(place, what, "it holds for all that the other fields select");
            }
        }
    }

    /// The part of it in some namespaces; `None` where it has none of them.
    pub(crate) fn within(
        mut self,
        namespaces: &[String],
        place: &str,
        found: &mut Found,
    ) -> Option<Self> {
        if self.namespaces.is_empty() {
            namespaces.clone_into(&mut self.namespaces);
        } else {
            let mut both = Vec::new();
            for one in &self.namespaces {
                for other in namespaces {
                    both.extend(match globs::common(one, other) {
                        Common::Globs(globs) => globs,
                        Common::Unknown => {
                            let what = format!("holds where `{one}` and `{other}` both do");
                            found.note(place, what, "it holds in all namespaces of the first");
                            vec![one.clone()]
                        }
                    });
                }
            }
            self.namespaces = both;
        }
        (!self.namespaces.is_empty()).then_some(self)
    }
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl Found {
    pub(crate) fn new(exactly: bool) -> Self {
        let (demands, exemptions, notes) = Default::default();
        Self { exactly, sources: 0, demands, exemptions, notes }
    }

    /// Says what cannot be said exactly.
    pub(crate) fn note(&mut self, place: &str, what: impl Into<String>, nearest: &str) {
        let nearest = Some(nearest.to_owned());
        self.add(Note { place: place.to_owned(), what: what.into(), nearest });
    }

    /// Says that a document is none that is read.
    pub(crate) fn leave_out(&mut self, document: &str) {
        let what = "is not a policy that `import` reads".to_owned();
        self.add(Note { place: document.to_owned(), what, nearest: None });
    }

    fn add(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The patterns for a text over raw images at a place, and a note where they differ from it.
    pub(crate) fn entries(
        &mut self,
        place: &str,
        text: &str,
        covered: Covered,
        of: Use,
    ) -> Vec<Entry> {
        let translated = places::translate(text, covered, of, self.exactly);
        if let Some((what, nearest)) = translated.note {
            self.note(place, what, &nearest);
        }
        let entry = |pattern| Entry {
            pattern,
            from: format!("{place}: `{text}`"),
            short: translated.short,
        };
        translated.patterns.into_iter().map(entry).collect()
    }

    /// As [`entries`](Self::entries), for all texts of a list.
    pub(crate) fn all_entries(
        &mut self,
        place: &str,
        texts: &[String],
        covered: Covered,
        of: Use,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            entries.extend(self.entries(&format!("{place}[{index}]"), text, covered, of));
        }
        entries
    }
}

impl Entry {
    /// A pattern that means here what it means there.
    pub(crate) fn same(pattern: &str, place: &str) -> Self {
        Self { pattern: pattern.to_owned(), from: place.to_owned(), short: false }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match &self.nearest {
            Some(nearest) => format!("{}: {}; {nearest}", self.place, self.what),
            None => format!("{} {}", self.place, self.what),
        };
        f.write_str(&printable(&line))
    }
}

//! The comment on a line of a proposal: who uses what the line is about.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::usage::Usage;

/// Namespaces that a comment names.
const MOST_NAMESPACES: usize = 3;
/// Images that a comment names.
const MOST_IMAGES: usize = 2;
/// Characters of a name that a comment shows. An image of usual length fits.
const LONGEST: usize = 80;

/// Which images are used where.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence<'a> {
    images: BTreeSet<&'a str>,
    repositories: BTreeSet<&'a str>,
    namespaces: BTreeSet<&'a str>,
}

impl<'a> Evidence<'a> {
    /// Adds a use of a repository.
    pub(super) fn add(&mut self, usage: &Usage<'a>, repository: &'a str) {
        self.images.insert(usage.image);
        self.repositories.insert(repository);
        self.namespaces.insert(usage.namespace);
    }

    pub(super) fn images(&self) -> usize {
        self.images.len()
    }

    pub(super) fn namespaces(&self) -> &BTreeSet<&'a str> {
        &self.namespaces
    }

    /// `4 images of 2 repositories in 3 namespaces (ci, dev, web): docker.io/library/nginx:1.27, …`
    pub(super) fn in_words(&self) -> String {
        let mut words = counted(self.images.len(), "image", "images");
        if self.repositories.len() > 1 {
            let repositories = counted(self.repositories.len(), "repository", "repositories");
            let _ = write!(words, " of {repositories}");
        }
        let namespaces = self.namespaces.len();
        if namespaces == 1 {
            let _ = write!(words, " in {}", named(&self.namespaces, MOST_NAMESPACES));
        } else {
            let _ = write!(
                words,
                " in {namespaces} namespaces ({})",
                named(&self.namespaces, MOST_NAMESPACES)
            );
        }
        let _ = write!(words, ": {}", named(&self.images, MOST_IMAGES));
        words
    }
}

/// The first of some images, and how many more there are.
pub(super) fn examples(images: &BTreeSet<&str>) -> String {
    named(images, MOST_IMAGES)
}

/// `1 image`, `2 images`
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The first of the names, and how many more there are.
fn named(names: &BTreeSet<&str>, most: usize) -> String {
    let mut words = String::new();
    for (position, name) in names.iter().take(most).enumerate() {
        if position > 0 {
            words.push_str(", ");
        }
        if name.is_empty() {
            words.push_str("no name");
        }
        words.extend(name.chars().take(LONGEST));
        if name.chars().count() > LONGEST {
            words.push('…');
        }
    }
    if names.len() > most {
        let _ = write!(words, " and {} more", names.len() - most);
    }
    words
}

//! Policies of other engines, read as a policy of ImageGate.
//!
//! Each source is read into `demand`s: a rule, where it holds, and where it is written. Those are
//! put together for each set of namespaces and written as a `policy.yaml` with a comment at each
//! line. What cannot be said exactly becomes a [`Note`] with the nearest meaning; nothing is dropped
//! without one. Where there is a choice, the nearest meaning is the stricter one.
//!
//! | module | holds |
//! |---|---|
//! | `gatekeeper` | constraints of Gatekeeper's library |
//! | `kyverno` | `ClusterPolicy` and `Policy` of Kyverno |
//! | `admission_policy` | policies in CEL: `ValidatingAdmissionPolicy`, and those of Kyverno |
//! | `kubewarden` | policies that run `trusted-repos` |
//! | `original` | keys and variables of the program that ImageGate replaces |
//! | `cel` | the part of CEL that such policies use |
//! | `places` | texts over raw images, as registry patterns |
//! | `raw_image` | host, tag and wildcards of texts over raw images |
//! | `globs` | what globs over names of namespaces and over tags cover |
//! | `assemble` | demands into rules for each set of namespaces |
//! | `write` | rules as YAML with comments |
//!
//! Pure: texts in, text out. Signatures, schemas of foreign objects and clusters are not looked at.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod admission_policy;
mod assemble;
mod cel;
mod demand;
mod gatekeeper;
mod globs;
mod kubewarden;
mod kyverno;
mod original;
mod places;
mod raw_image;
mod read;
mod write;

pub use demand::Note;
pub use read::{Document, Unreadable, documents};

/// A policy made of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The text of a `policy.yaml`.
    pub policy: String,
    /// What it does not say exactly.
    pub notes: Vec<Note>,
    /// How many objects or files it is made of.
    pub sources: usize,
}

/// Makes one policy of all documents. With `exactly`, a prefix keeps its meaning: `docker.io/acme`
/// becomes `docker.io/acme*`, which covers `docker.io/acmeevil` too.
#[must_use]
pub fn import(documents: &[Document], exactly: bool) -> Imported {
    let mut found = demand::Found::new(exactly);
    let bindings = admission_policy::bindings(documents, &mut found);
    for document in documents {
        let read = gatekeeper::read(document, &mut found)
            || kyverno::read(document, &mut found)
            || admission_policy::read(document, &bindings, &mut found)
            || kubewarden::read(document, &mut found)
            || original::read(document, &mut found);
        if !read {
            found.leave_out(&document.name());
        }
    }
    let sources = found.sources;
    let policy = assemble::assemble(found);
    let text = write::yaml(&policy);
    // Should it be no policy, whoever reads it is to see that.
    let text = imagegate_core::policy::format(&text).unwrap_or(text);
    Imported { policy: text, notes: policy.notes, sources }
}

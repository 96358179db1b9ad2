//! The patterns of a policy over registries, tags and names: how they are written, and sets of
//! them that are searched in a time that does not grow with the policy.
//!
//! Knows nothing of rules, namespaces or verdicts.

mod automaton;
pub(super) mod glob;
pub(super) mod image_set;
pub(super) mod index;
mod languages;
mod place_index;
mod regex_habit;
pub(super) mod regexes;
pub(super) mod registry_pattern;
pub(super) mod registry_set;
pub(super) mod syntax;
pub(super) mod tag_set;
mod version_range;
mod version_set;

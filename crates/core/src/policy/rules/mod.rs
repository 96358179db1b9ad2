//! The rules of a policy: every field that a policy and each of its overrides may set, declared once.
//!
//! Reading, compiling, the normal form and the differences go through [`fields::FIELDS`], so that a
//! new field is declared in one file. What a field means for an image is the matter of `judge`.

pub(super) mod fields;
pub(super) mod messages;
pub(super) mod short_names;
pub(super) mod value;

//! From documents to raw types: which form a policy is written in, and what stands where.
//!
//! Holds the syntax alone: fields, kinds of values and their places. What a value means, and
//! whether it makes sense, is the matter of [`compile`](super::compile()).

pub(super) mod documents;
pub(super) mod entries;
pub(super) mod full;
pub(super) mod selector;
pub(super) mod simple;
pub(super) mod source;
pub(super) mod values;
pub(super) mod yaml;

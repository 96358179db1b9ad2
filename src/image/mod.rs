//! Image references: the grammar and normalisation of distribution/reference, read byte by byte.
//!
//! Pure: no IO, no registry is ever asked. What this module does not accept is not a reference,
//! and its callers deny it.

mod reference;

pub use reference::{Reference, ReferenceError, fold_registry};

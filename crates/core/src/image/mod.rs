//! Image references: the grammar and normalisation of distribution/reference, read byte by byte.
//!
//! Pure: no IO, no registry is ever asked. What this module does not accept is not a reference,
//! and its callers deny it. Nothing is allocated for a reference whose host is folded as written.

mod error;
mod grammar;
mod path;
mod reference;
mod registry;

pub use error::ReferenceError;
pub use path::is_path;
pub use reference::Reference;
pub use registry::fold_registry;

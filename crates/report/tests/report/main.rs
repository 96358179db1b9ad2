//! Reports through the crate's public interface: each format, with texts that try to break out.

mod formats;
mod hostile;
mod schema;
mod summary;
mod text;

#[path = "../support/sample.rs"]
mod sample;

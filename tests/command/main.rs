//! The commands, as a person or a pipeline runs them.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod policy;
mod places;

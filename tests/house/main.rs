//! What holds the project together: structure, pages, examples, versions.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod docs;
mod docs_commands;
mod docs_propose;
mod docs_reliability;
mod examples;
mod lockfile;
mod schema;
mod style;
mod workflow;

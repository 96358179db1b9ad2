//! The parts of the webhook, each by itself.

#[path = "../support/mod.rs"]
mod support;

mod candidate;
mod guard_warnings;
mod guards;
mod migrations;
mod operator;
mod owner;
mod panic_lines;
mod routes;
mod settings;
mod telemetry;
mod volume;
mod watch;
mod workloads;

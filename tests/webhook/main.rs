//! The parts of the webhook, each by itself.

#[path = "../support/mod.rs"]
mod support;

mod guards;
mod owner;
mod routes;
mod settings;
mod telemetry;
mod watch;

//! What the test binaries share.
#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../../crates/core/tests/support/policy.rs"]
pub(crate) mod policy;

pub(crate) mod attacker;
pub(crate) mod authority;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod forwarder;
pub(crate) mod frames;
pub(crate) mod load;
pub(crate) mod process;
pub(crate) mod reload;
pub(crate) mod server;
pub(crate) mod siege;
pub(crate) mod skip;
pub(crate) mod volume;

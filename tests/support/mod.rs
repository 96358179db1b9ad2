//! What several test files share.

pub(crate) mod command;
pub(crate) mod policy;
pub(crate) mod reload;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod volume;

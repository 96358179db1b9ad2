//! The real binary over real sockets.

#[path = "../support/mod.rs"]
mod support;

mod abuse;
mod drain;
mod forgetting;
mod observed;
mod overload;
mod protocol;
mod reload;
mod siege;
mod siege_guards;
mod siege_http;
mod siege_meaning;
mod siege_observed;
mod siege_policy;
mod siege_review;
mod siege_together;
mod start;
mod stories;
mod streams;

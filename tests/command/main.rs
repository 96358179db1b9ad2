//! The commands, as a person or a pipeline runs them, and how their binary is built and installed.

#[path = "../support/mod.rs"]
mod support;

mod build_script;
mod check;
mod check_changed;
mod check_custom;
mod check_docs;
mod check_hidden;
mod check_render;
mod check_selected;
mod check_trees;
mod diff;
mod export;
mod fmt;
mod import;
mod krew;
mod makefile;
mod migrations;
mod output;
mod places;
mod playground;
mod policy;
mod propose;

//! The policy language: documents in, a checked [`Policy`] out, and its verdicts.
//!
//! Pure: no IO, no lock, no clock but the one passed in. [`compile()`] is the only way to a
//! [`Policy`]; what it accepts can be evaluated without a further check.

mod advice;
mod automaton;
mod compile;
mod difference;
mod documents;
mod evaluate;
mod exemption;
mod explain;
mod flip;
mod full;
mod glob;
mod languages;
mod message;
mod normal;
mod opt_out;
mod pattern;
mod pattern_index;
mod printable;
mod problem;
mod regex_habit;
mod regexes;
mod registry_set;
mod rules;
mod simple;
mod source;
mod subject;
mod tag_set;
mod unchanged_updates;
mod verdict;
mod yaml;

pub use compile::{Policy, compile, compile_candidate};
pub use difference::{Change, Difference};
pub use documents::{CANDIDATE_KEY, Documents, POLICY_KEY};
pub use exemption::Exemption;
pub use explain::{Explanation, Step};
pub use flip::Flip;
pub use opt_out::OptOut;
pub use printable::{is_printable, printable};
pub use problem::{Problem, Problems, Warning};
pub use simple::KEYS as SIMPLE_KEYS;
pub use subject::{ContainerImage, Excess, Field, ImageList, Subject, Workload};
pub use unchanged_updates::{MATCH_CONDITIONS, UnchangedUpdates};
pub use verdict::{
    Decision, Exempted, Mode, Rule, RuleCounts, TemplateMode, UpdateScope, Verdict, Violation,
};

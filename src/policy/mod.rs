//! The policy language: raw documents in, one checked [`Policy`] out, and verdicts from it.
//!
//! Pure: no IO, no clock but the one passed in. [`compile`] is the only way to a [`Policy`]; the
//! server, the reload task, the command line and the ConfigMap check all call it.

mod compile;
mod documents;
mod evaluate;
mod problem;
mod subject;
mod verdict;

pub use compile::{Policy, compile};
pub use documents::Documents;
pub use problem::{Problem, Problems, Warning};
pub use subject::{ContainerImage, Field, ImageList, Subject, Workload};
pub use verdict::{Decision, Mode, Rule, TemplateMode, UpdateScope, Verdict, Violation};

//! The policy language: documents in, a checked [`Policy`] out, and its verdicts.
//!
//! Pure: no IO, no lock, no clock but the one passed in. [`compile()`] is the only way to a
//! [`Policy`]; what it accepts can be evaluated without a further check.

mod compile;
mod floor;
mod format;
mod judge;
mod normal;
mod pattern;
mod printable;
mod problem;
mod read;
mod rules;

pub use compile::exemptions::end_of_exemption;
pub use compile::{compile, compile_candidate};
pub use floor::{Coverage, Extent, Floor, Validation, Variable};
pub use format::{Unformatted, format};
pub use judge::checks::{Rule, Step};
pub use judge::evaluate::Applicable;
pub use judge::exemption::Exemption;
pub use judge::explain::Explanation;
pub use judge::labels::{KnownLabels, Labels, PodLabels};
pub use judge::opt_out::OptOut;
pub use judge::outcome::Outcome;
pub(crate) use judge::outcome::Outcomes;
pub use judge::policy::{Policy, Reading};
pub use judge::pull::PullPolicy;
pub use judge::subject::{
    ContainerImage, ContainerKind, Field, ImageList, ObjectKind, Subject, Unread, WhyUnread,
    Workload,
};
pub use judge::unchanged_updates::{MATCH_CONDITIONS, UnchangedUpdates};
pub use judge::verdict::{
    Decision, Exempted, Mode, RuleCounts, TemplateMode, UpdateScope, Verdict, Violation,
};
pub use judge::workloads::{PodSpecPath, Workloads};
pub(crate) use judge::workloads::{Step as PathStep, write_key};
pub use normal::difference::{Change, Difference};
pub use normal::flip::Flip;
pub use normal::form::NormalForm;
pub(crate) use pattern::registry_pattern::names_repository;
pub use printable::{is_printable, printable};
pub use problem::{Problem, Problems, Warning, nearest};
pub use read::documents::{CANDIDATE_KEY, Documents, POLICY_KEY};
pub use read::simple::KEYS as SIMPLE_KEYS;

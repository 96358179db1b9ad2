//! Raw documents to a checked policy: the only way to a [`Policy`].
//!
//! Nothing stops at the first problem; all of them are collected and reported together.

mod exemptions;
mod lists;
mod overrides;
mod rules;

use std::collections::HashMap;

use self::lists::Lists;
pub(super) use self::lists::{groups, users};

use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::opt_out::OptOut;
use crate::policy::judge::rules::Rules;
use crate::policy::normal::form;
use crate::policy::pattern::index::PatternIndex;
use crate::policy::problem::{Problems, Report, Warning};
use crate::policy::read::documents::Documents;
use crate::policy::read::source::RawPolicy;

/// A checked, immutable policy.
#[derive(Debug)]
pub struct Policy {
    pub(super) base: Rules,
    pub(super) overrides: Vec<Override>,
    pub(super) by_namespace: PatternIndex,
    pub(super) by_name: HashMap<Box<str>, usize>,
    pub(super) exemptions: Vec<Exemption>,
    pub(super) opt_out: OptOut,
    json: String,
    hash: String,
}

/// Compiled rules for some namespaces.
#[derive(Debug)]
pub(super) struct Override {
    pub(super) name: String,
    pub(super) rules: Rules,
}

impl Policy {
    /// The first 12 hexadecimal digits of the SHA-256 of the normalised policy.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The normalised policy in full form, as JSON: every field of the base is there, and of
    /// each override the fields that it names.
    #[must_use]
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// The exemptions, in the order of the policy.
    #[must_use]
    pub fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }

    /// The names of the overrides, in the order of the policy.
    pub fn override_names(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|each| each.name.as_str())
    }

    /// Who may take a namespace out of the webhook's reach by its label.
    #[must_use]
    pub fn opt_out(&self) -> &OptOut {
        &self.opt_out
    }
}

/// Compiles documents into a policy, with warnings beside it, or says everything that is wrong.
///
/// # Errors
/// All problems at once, each with document, path, line, column and a hint.
pub fn compile(documents: &Documents) -> Result<(Policy, Vec<Warning>), Problems> {
    let mut report = Report::default();
    let raw = documents.read(&mut report);
    checked(&raw, report)
}

/// Compiles the candidate policy of the volume, if there is one.
///
/// # Errors
/// As [`compile`]; the problems are those of the candidate alone.
#[must_use]
pub fn compile_candidate(
    documents: &Documents,
) -> Option<Result<(Policy, Vec<Warning>), Problems>> {
    documents.has_candidate().then(|| {
        let mut report = Report::default();
        let raw = documents.read_candidate(&mut report).unwrap_or_default();
        checked(&raw, report)
    })
}

fn checked(raw: &RawPolicy<'_>, mut report: Report) -> Result<(Policy, Vec<Warning>), Problems> {
    let mut lists = Lists::of(raw, &mut report);
    let base = rules::base(&raw.rules, &mut lists, &mut report);
    let overrides::Compiled { overrides, by_namespace, by_name } =
        overrides::compile(&raw.overrides, &base, &mut lists, &mut report);
    let exemptions = exemptions::compile(&raw.exemptions, &mut lists, &mut report);
    let opt_out = OptOut::compile(raw.namespace_opt_out.as_ref(), &mut report);
    if report.has_problems() {
        return Err(report.into_problems());
    }
    let json = form::json(&base, &opt_out, raw);
    let hash = form::hash(&json);
    let policy = Policy { base, overrides, by_namespace, by_name, exemptions, opt_out, json, hash };
    Ok((policy, report.into_warnings()))
}

//! Raw documents to a checked policy: the only way to a [`Policy`].
//!
//! Nothing stops at the first problem; all of them are collected and reported together.

mod dns;
pub(super) mod entries;
pub(super) mod exemptions;
pub(super) mod lists;
mod opt_out;
mod overrides;
mod rules;
mod selector;
mod workloads;

use self::lists::Lists;

use crate::policy::judge::policy::{Distinguishes, Policy, label_keys};
use crate::policy::normal::form::NormalForm;
use crate::policy::problem::{Problems, Report, Warning};
use crate::policy::read::documents::Documents;
use crate::policy::read::source::RawPolicy;

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
    let overrides::Compiled { overrides, by_namespace, selecting, by_name } =
        overrides::compile(raw, &base, &mut lists, &mut report);
    let exemptions = exemptions::compile(raw, &mut lists, &mut report);
    let opt_out = opt_out::compile(raw.namespace_opt_out.as_ref(), &mut report);
    let workloads = workloads::compile(&raw.workloads, &mut report);
    let all_rules = overrides.iter().map(|each| &each.rules).chain([&base]);
    workloads::warn_if_ignored(&raw.workloads, all_rules, &mut report);
    if report.has_problems() {
        return Err(report.into_problems());
    }
    let normal_form = NormalForm::of(raw, &base, &overrides, &exemptions, &opt_out);
    let hash = normal_form.hash();
    let policy = Policy {
        distinguishes: Distinguishes::of(&base, &overrides, &exemptions),
        label_keys: label_keys(&overrides, &exemptions),
        base,
        overrides,
        by_namespace,
        selecting,
        by_name,
        exemptions,
        opt_out,
        refuse_edits_that_deny: raw.refuse_edits_that_deny,
        workloads,
        normal_form,
        hash,
    };
    Ok((policy, report.into_warnings()))
}

//! The raw material of a policy, and which of its forms was used.
//!
//! Nothing is understood here beyond the names of the keys.

use std::collections::BTreeMap;

use crate::policy::problem::{Problem, Report, nearest, shorten};
use crate::policy::read::full;
use crate::policy::read::simple;
use crate::policy::read::source::RawPolicy;

/// The key that holds a policy in full form.
pub const POLICY_KEY: &str = "policy.yaml";

/// The key that holds a candidate policy in full form.
pub const CANDIDATE_KEY: &str = "candidate.yaml";

/// Bytes of all keys together. The API server takes at most 1 MiB in a ConfigMap; a directory may
/// hold more.
const LARGEST: usize = 4 << 20;

/// Everything a policy is compiled from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// Environment variables of the process, name to value. Only policy keys are looked at.
    pub variables: BTreeMap<String, String>,
    /// The keys of the policy volume, file name to bytes; `None` where there is no volume.
    pub volume: Option<BTreeMap<String, Vec<u8>>>,
}

impl Documents {
    /// A policy in full form, and no variable.
    #[must_use]
    pub fn full_form(text: impl Into<Vec<u8>>) -> Self {
        let volume = Some([(POLICY_KEY.to_owned(), text.into())].into());
        Self { volume, ..Self::default() }
    }

    /// Whether the volume carries a candidate policy.
    #[must_use]
    pub fn has_candidate(&self) -> bool {
        self.volume.as_ref().is_some_and(|volume| volume.contains_key(CANDIDATE_KEY))
    }

    /// Reads the policy from whichever form was used; what is wrong goes to `report`.
    pub(in crate::policy) fn read(&self, report: &mut Report) -> RawPolicy<'_> {
        let Some(volume) = &self.volume else {
            return simple::read(&self.variables, const { &BTreeMap::new() }, report);
        };
        if volume.values().map(Vec::len).sum::<usize>() > LARGEST {
            report.push(Problem::of_document("policy", "the policy is larger than 4 MiB"));
            return RawPolicy::default();
        }
        for key in volume.keys() {
            if !is_known(key) {
                report.push(unknown_key(key));
            }
        }
        let simple_keys: Vec<&str> =
            simple::KEYS.iter().copied().filter(|key| volume.contains_key(*key)).collect();
        match volume.get(POLICY_KEY) {
            Some(_) if !simple_keys.is_empty() => {
                let message = format!(
                    "the policy is given in two forms, as `{POLICY_KEY}` and as `{}`",
                    simple_keys.join("`, `")
                );
                let problem = Problem::of_document(POLICY_KEY, message);
                report.push(problem.with_hint("keep one of the two forms"));
                RawPolicy::default()
            }
            Some(text) => {
                simple::warn_of_variables(&self.variables, report);
                full::read(POLICY_KEY, text, report)
            }
            None if simple_keys.is_empty() => {
                if !report.has_problems() {
                    report.push(empty_volume());
                }
                RawPolicy::default()
            }
            None => simple::read(&self.variables, volume, report),
        }
    }

    /// Reads the candidate policy, which is always in full form.
    pub(in crate::policy) fn read_candidate(&self, report: &mut Report) -> Option<RawPolicy<'_>> {
        let volume = self.volume.as_ref()?;
        let text = volume.get(CANDIDATE_KEY)?;
        // Together with the policy; larger ones are its problem.
        if volume.values().map(Vec::len).sum::<usize>() > LARGEST {
            return None;
        }
        Some(full::read(CANDIDATE_KEY, text, report))
    }
}

fn is_known(key: &str) -> bool {
    key == POLICY_KEY || key == CANDIDATE_KEY || simple::KEYS.contains(&key)
}

fn unknown_key(key: &str) -> Problem {
    let known = [POLICY_KEY, CANDIDATE_KEY].into_iter().chain(simple::KEYS);
    let problem = Problem::of_document(shorten(key), "this key is not known");
    match nearest(key, known.clone()) {
        Some(near) => problem.with_hint(format!("did you mean `{near}`?")),
        None => {
            problem.with_hint(format!("the keys are `{}`", known.collect::<Vec<_>>().join("`, `")))
        }
    }
}

fn empty_volume() -> Problem {
    let hint = format!("write `{POLICY_KEY}`, or `{}`", simple::KEYS.join("`, `"));
    Problem::of_document("policy", "the policy volume holds no policy").with_hint(hint)
}

//! A checked policy, ready to judge. Only [`compile`](crate::policy::compile()) makes one.

use std::collections::HashMap;

use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::opt_out::OptOut;
use crate::policy::judge::workloads::Workloads;
use crate::policy::normal::form::NormalForm;
use crate::policy::pattern::index::PatternIndex;
use crate::policy::rules::fields::Rules;

/// A checked, immutable policy.
#[derive(Debug)]
pub struct Policy {
    pub(in crate::policy) base: Rules,
    pub(in crate::policy) overrides: Vec<Override>,
    pub(in crate::policy) by_namespace: PatternIndex,
    pub(in crate::policy) by_name: HashMap<Box<str>, usize>,
    pub(in crate::policy) exemptions: Vec<Exemption>,
    pub(in crate::policy) opt_out: OptOut,
    pub(in crate::policy) refuse_edits_that_deny: Option<u32>,
    pub(in crate::policy) workloads: Workloads,
    pub(in crate::policy) normal_form: NormalForm,
    pub(in crate::policy) hash: String,
}

/// Compiled rules for some namespaces.
#[derive(Debug)]
pub(in crate::policy) struct Override {
    pub(in crate::policy) name: String,
    pub(in crate::policy) rules: Rules,
}

impl Policy {
    /// The first 12 hexadecimal digits of the SHA-256 of the normal form as JSON.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The policy in full form: every field of the base is there, and of each override the fields
    /// that it names. Policies are compared by it.
    #[must_use]
    pub fn normal_form(&self) -> &NormalForm {
        &self.normal_form
    }

    /// The normal form as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.normal_form.to_json()
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

    /// How many images that were seen within a day an edit of this policy may newly refuse without
    /// being confirmed; `None` where it may refuse any number.
    #[must_use]
    pub fn refuses_edits_that_deny(&self) -> Option<u32> {
        self.refuse_edits_that_deny
    }

    /// The kinds whose pod specs are judged beside the built-in ones.
    #[must_use]
    pub fn workloads(&self) -> &Workloads {
        &self.workloads
    }

    /// Who may take a namespace out of the webhook's reach by its label.
    #[must_use]
    pub fn opt_out(&self) -> &OptOut {
        &self.opt_out
    }
}

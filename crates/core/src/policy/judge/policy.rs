//! A checked policy, ready to judge. Only [`compile`](crate::policy::compile()) makes one.

use std::collections::{BTreeSet, HashMap};

use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::labels::Labels;
use crate::policy::judge::opt_out::OptOut;
use crate::policy::judge::pull::PullRule;
use crate::policy::judge::selector::{ContainerKinds, PodSelector, Selector};
use crate::policy::judge::subject::{BUILT_IN_KINDS, ObjectKind};
use crate::policy::judge::workloads::{Named, Workloads};
use crate::policy::normal::form::NormalForm;
use crate::policy::pattern::index::PatternIndex;
use crate::policy::rules::fields::Rules;

/// A checked, immutable policy.
#[derive(Debug)]
pub struct Policy {
    pub(in crate::policy) base: Rules,
    pub(in crate::policy) overrides: Vec<Override>,
    /// The overrides without a selector.
    pub(in crate::policy) by_namespace: PatternIndex,
    /// The overrides with one, by rising position.
    pub(in crate::policy) selecting: Vec<Selecting>,
    pub(in crate::policy) by_name: HashMap<Box<str>, usize>,
    pub(in crate::policy) exemptions: Vec<Exemption>,
    pub(in crate::policy) opt_out: OptOut,
    pub(in crate::policy) refuse_edits_that_deny: Option<u32>,
    pub(in crate::policy) workloads: Workloads,
    pub(in crate::policy) normal_form: NormalForm,
    pub(in crate::policy) hash: String,
    pub(in crate::policy) distinguishes: Distinguishes,
    /// The first [`MOST_LABEL_KEYS`] keys of labels that it goes by, sorted.
    pub(in crate::policy) label_keys: Box<[Box<str>]>,
}

/// Keys of labels of which it is remembered what Pods had. A policy may go by more; what those make of a
/// Pod is not known afterwards.
const MOST_LABEL_KEYS: usize = 16;

/// Compiled rules for some namespaces, Pods, containers or kinds.
#[derive(Debug)]
pub(in crate::policy) struct Override {
    pub(in crate::policy) name: String,
    pub(in crate::policy) rules: Rules,
    /// `None` where it is for every Pod, container and kind.
    pub(in crate::policy) selector: Option<Box<Selector>>,
}

/// Where an override with a selector applies.
#[derive(Debug)]
pub(in crate::policy) struct Selecting {
    /// Among the overrides.
    pub(in crate::policy) position: usize,
    /// `None` for every namespace.
    pub(in crate::policy) namespaces: Option<PatternIndex>,
}

/// What of a request a policy has to be told, because some of its rules go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<'p> {
    /// The kinds whose pod specs are judged beside the built-in ones.
    pub workloads: &'p Workloads,
    /// Whether labels are read.
    pub labels: bool,
}

/// What makes two uses of one reference differ: all that an update of an object can change beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Distinguishes {
    pub(in crate::policy) containers: bool,
    pub(in crate::policy) pull_policies: bool,
}

impl Default for Reading<'_> {
    /// As a policy wants it that names no kind and goes by no label.
    fn default() -> Self {
        Self { workloads: Workloads::none(), labels: false }
    }
}

impl Distinguishes {
    pub(in crate::policy) fn of(
        base: &Rules,
        overrides: &[Override],
        exemptions: &[Exemption],
    ) -> Self {
        let goes_by_pull_policy = |rules: &Rules| {
            let own = rules.allowed_registries.entries().filter_map(|(_, entry)| entry.pull_rule);
            own.chain([rules.pull_rule]).any(|rule| rule != PullRule::Any)
        };
        let rules = overrides.iter().map(|each| &each.rules);
        Self {
            containers: selectors(overrides, exemptions)
                .any(|each| each.containers != ContainerKinds::default()),
            pull_policies: rules.chain([base]).any(goes_by_pull_policy),
        }
    }
}

/// The keys of labels that a policy goes by, as many as are remembered.
pub(in crate::policy) fn label_keys(
    overrides: &[Override],
    exemptions: &[Exemption],
) -> Box<[Box<str>]> {
    let pods = selectors(overrides, exemptions).filter_map(|each| each.pods.as_deref());
    let keys: BTreeSet<&str> = pods.flat_map(PodSelector::keys).collect();
    keys.into_iter().take(MOST_LABEL_KEYS).map(Into::into).collect()
}

fn selectors<'p>(
    overrides: &'p [Override],
    exemptions: &'p [Exemption],
) -> impl Iterator<Item = &'p Selector> {
    let overrides = overrides.iter().filter_map(|each| each.selector.as_deref());
    overrides.chain(exemptions.iter().filter_map(|each| each.selector.as_deref()))
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

    /// The kind of object that is judged and has this name, with or without its group; `None` where nothing
    /// of that kind is.
    #[must_use]
    pub fn kind_named<'a>(&'a self, name: &str) -> Option<ObjectKind<'a>> {
        let custom = self.workloads.0.iter().map(|Named { group, kind, .. }| (&**group, &**kind));
        let mut all = BUILT_IN_KINDS
            .into_iter()
            .chain(custom)
            .map(|(group, kind)| ObjectKind { group, kind });
        let (group, kind) = match name.rsplit_once('/') {
            Some((group, kind)) => (Some(group), kind),
            None => (None, name),
        };
        all.find(|each| each.kind == kind && group.is_none_or(|group| each.group == group))
    }

    /// What has to be read of a request.
    #[must_use]
    pub fn reading(&self) -> Reading<'_> {
        Reading { workloads: &self.workloads, labels: self.pod_selectors().next().is_some() }
    }

    /// The keys of the labels by which it selects Pods, sorted: the first 16 of them.
    #[must_use]
    pub fn label_keys(&self) -> &[Box<str>] {
        &self.label_keys
    }

    /// The keys of the labels by which one of these policies selects Pods.
    #[must_use]
    pub fn label_keys_of<'p>(policies: &[&'p Self]) -> BTreeSet<&'p str> {
        policies.iter().flat_map(|policy| policy.label_keys()).map(|key| &**key).collect()
    }

    /// Whether it has the exemptions of another.
    pub(crate) fn has_exemptions_of(&self, other: &Self) -> bool {
        self.normal_form.exemptions == other.normal_form.exemptions
    }

    /// Whether Pods with these labels may be judged otherwise than Pods with those others.
    pub(crate) fn tells_apart(&self, labels: &Labels<'_>, others: &Labels<'_>) -> bool {
        labels != others
            && self.pod_selectors().any(|each| each.selects(labels) != each.selects(others))
    }

    fn pod_selectors(&self) -> impl Iterator<Item = &PodSelector> {
        let selectors = selectors(&self.overrides, &self.exemptions);
        selectors.filter_map(|each| each.pods.as_deref())
    }

    /// Who may take a namespace out of the webhook's reach by its label.
    #[must_use]
    pub fn opt_out(&self) -> &OptOut {
        &self.opt_out
    }
}

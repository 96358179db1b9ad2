//! What an override or an exemption is limited to, beside namespaces and users: the labels of Pods, the
//! kind of container, the kind of object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::policy::judge::labels::{KnownLabels, Labels, PodLabels};
use crate::policy::judge::subject::{ContainerKind, ObjectKind, Subject};

/// What is selected.
#[derive(Debug)]
pub(in crate::policy) struct Selector {
    /// `None` where labels do not matter.
    pub(in crate::policy) pods: Option<Arc<PodSelector>>,
    pub(in crate::policy) containers: ContainerKinds,
    /// `None` for every kind of object.
    pub(in crate::policy) kinds: Option<Box<[Kind]>>,
}

/// A kind of object.
#[derive(Debug)]
pub(in crate::policy) struct Kind {
    pub(in crate::policy) group: Box<str>,
    pub(in crate::policy) kind: Box<str>,
}

/// Some of the kinds of containers; by default, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct ContainerKinds([bool; ContainerKind::ALL.len()]);

/// A selector of labels, with the meaning that it has in Kubernetes: every condition has to hold.
///
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct PodSelector {
    pub(in crate::policy) match_labels: BTreeMap<Box<str>, Box<str>>,
    pub(in crate::policy) match_expressions: Vec<Requirement>,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Requirement {
    pub(in crate::policy) key: Box<str>,
    pub(in crate::policy) operator: Operator,
    /// Of `In` and `NotIn`.
    pub(in crate::policy) values: BTreeSet<Box<str>>,
}

/// What is asked of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Operator {
    /// It is there, with one of the values.
    In,
    /// It is not there, or has none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl Selector {
    /// Whether it selects containers of this kind in the subject's object. Labels that are not known
    /// are not selected, whatever is asked of them.
    pub(in crate::policy) fn selects(
        &self,
        subject: &Subject<'_>,
        container: ContainerKind,
    ) -> bool {
        let Self { pods, containers, kinds } = self;
        let has_kind = |kinds: &[Kind]| kinds.iter().any(|kind| kind.is(subject.kind));
        let selected = |pods: &PodSelector| match subject.labels {
            PodLabels::None => false,
            PodLabels::All(labels) => pods.selects(labels),
            PodLabels::Some(known, otherwise) => pods.selects_by(known).unwrap_or(otherwise),
        };
        containers.contains(container)
            && kinds.as_deref().is_none_or(has_kind)
            && pods.as_deref().is_none_or(selected)
    }
}

impl Kind {
    fn is(&self, other: ObjectKind<'_>) -> bool {
        *self.kind == *other.kind && *self.group == *other.group
    }
}

impl ContainerKinds {
    /// All of them.
    pub(in crate::policy) const ALL: Self = Self([true; ContainerKind::ALL.len()]);
    /// None of them, to begin with.
    pub(in crate::policy) const NONE: Self = Self([false; ContainerKind::ALL.len()]);

    /// With one more kind.
    pub(in crate::policy) fn with(mut self, kind: ContainerKind) -> Self {
        if let Some(has_it) = self.0.get_mut(kind as usize) {
            *has_it = true;
        }
        self
    }

    pub(in crate::policy) fn contains(self, kind: ContainerKind) -> bool {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }
}

impl Default for ContainerKinds {
    fn default() -> Self {
        Self::ALL
    }
}

impl PodSelector {
    /// Whether Pods with these labels are selected.
    pub(in crate::policy) fn selects(&self, labels: &Labels<'_>) -> bool {
        let Self { match_labels, match_expressions } = self;
        match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && match_expressions.iter().all(|each| each.holds(labels.get(&each.key)))
    }

    /// The same where some labels are known; `None` where it depends on others.
    fn selects_by(&self, known: &KnownLabels<'_>) -> Option<bool> {
        let Self { match_labels, match_expressions } = self;
        let labels = match_labels
            .iter()
            .map(|(key, value)| known.get(key).map(|found| found == Some(&**value)));
        let expressions = match_expressions
            .iter()
            .map(|each| known.get(&each.key).map(|found| each.holds(found)));
        let mut selects = Some(true);
        for condition in labels.chain(expressions) {
            match condition {
                Some(true) => {}
                // One that does not hold is enough, whatever the others are.
                Some(false) => return Some(false),
                None => selects = None,
            }
        }
        selects
    }

    /// The keys of the labels that it goes by.
    pub(in crate::policy) fn keys(&self) -> impl Iterator<Item = &str> {
        let Self { match_labels, match_expressions } = self;
        match_labels.keys().chain(match_expressions.iter().map(|each| &each.key)).map(|key| &**key)
    }
}

impl Requirement {
    /// Whether it holds for the value of its label, or for there being none.
    fn holds(&self, value: Option<&str>) -> bool {
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl Operator {
    /// Every operator.
    pub(in crate::policy) const ALL: [Self; 4] =
        [Self::In, Self::NotIn, Self::Exists, Self::DoesNotExist];

    /// As Kubernetes writes it.
    pub(in crate::policy) fn as_str(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
        }
    }

    /// Whether it goes by values.
    pub(in crate::policy) fn has_values(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }
}

impl Serialize for PodSelector {
    /// As it is written in a policy.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Written<'s> {
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            match_expressions: &'s [Requirement],
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            match_labels: &'s BTreeMap<Box<str>, Box<str>>,
        }
        let Self { match_labels, match_expressions } = self;
        Written { match_expressions, match_labels }.serialize(serializer)
    }
}

impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'s> {
            key: &'s str,
            operator: &'s str,
            #[serde(skip_serializing_if = "BTreeSet::is_empty")]
            values: &'s BTreeSet<Box<str>>,
        }
        let Self { key, operator, values } = self;
        Written { key, operator: operator.as_str(), values }.serialize(serializer)
    }
}

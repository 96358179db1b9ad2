//! Judges one image, and says what to do about it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::located::placed;
use crate::target::{Asker, Target};
use imagegate_core::policy::{
    ContainerImage, Explanation, ImageList, Labels, Policy, PullPolicy, Reading,
};
use imagegate_report::{Answer, Finding, Object};

/// Explanations that are kept: most manifests of a tree have the same few images.
const MOST_KEPT: usize = 4_096;

/// A policy with what an answer depends on besides the image.
#[derive(Debug)]
pub struct Judge<'p> {
    policy: &'p Policy,
    asker: &'p Asker,
    now: i64,
    explains: bool,
    explained: Mutex<HashMap<Subject, Arc<Explanation>>>,
}

/// A namespace, an image, and how which Pods use it.
type Subject = (Option<String>, String, ImageList, PullPolicy, Option<Arc<Labels<'static>>>);

impl<'p> Judge<'p> {
    /// Judges by a policy at a time in Unix seconds; with `explains`, findings say what to do about them.
    #[must_use]
    pub fn new(policy: &'p Policy, asker: &'p Asker, now: i64, explains: bool) -> Self {
        let explained = Mutex::new(HashMap::new());
        Self { policy, asker, now, explains, explained }
    }

    /// What becomes of an image, and what to do about it.
    #[must_use]
    pub fn finding(&self, target: &Target) -> Finding {
        let mut finding = self.unexplained(target);
        if finding.decision.is_violation() && self.explains {
            self.explain(target, &mut finding);
        }
        finding
    }

    /// What becomes of an image, for whoever only counts it.
    #[must_use]
    pub fn unexplained(&self, target: &Target) -> Finding {
        let verdict = target.judge_at(self.policy, self.asker, self.now);
        let image =
            ContainerImage { container: (&*target.container).into(), ..target.container_image() };
        let is_bare = target.place.is_none();
        let mut finding = Finding::new(&verdict, &image, object(target, self.asker));
        finding.field = (!is_bare).then(|| target.field());
        if is_bare {
            finding.container.clear();
        }
        finding
    }

    /// What the policy wants to know.
    #[must_use]
    pub fn reading(&self) -> Reading<'_> {
        self.policy.reading()
    }

    /// Whether images that get this answer may be counted and forgotten.
    #[must_use]
    pub fn is_plain(finding: &Finding) -> bool {
        finding.decision == Answer::Allow
    }

    fn explain(&self, target: &Target, finding: &mut Finding) {
        let Some(image) = &target.image else {
            finding.hint = Some(
                "if this is a patch, judge what it makes: `--kustomize DIR`, or \
                 `kustomize build DIR | imagegate check -f -`"
                    .to_owned(),
            );
            return;
        };
        if image.contains("{{") {
            finding.hint =
                Some("render the template with `helm template`, or use `--helm`".to_owned());
            return;
        }
        finding.explain(&self.explanation(target));
    }

    /// Why an image gets its verdict. It is kept, for the next of the same.
    #[must_use]
    pub fn explanation(&self, target: &Target) -> Arc<Explanation> {
        let explain = || {
            target.with_subject(self.asker, self.now, |subject| {
                Arc::new(self.policy.explain(subject, &target.container_image()))
            })
        };
        let Some(image) = target.image.as_ref().filter(|_| target.asking.is_none()) else {
            return explain();
        };
        let subject = (
            target.namespace.clone(),
            image.clone(),
            target.list,
            target.pull_policy,
            target.labels.clone(),
        );
        let mut kept = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(explanation) = kept.get(&subject) {
            return Arc::clone(explanation);
        }
        drop(kept);
        let explanation = explain();
        kept = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT {
            kept.insert(subject, Arc::clone(&explanation));
        }
        explanation
    }

    /// Who asks, unless a manifest says so.
    #[must_use]
    pub fn asker(&self) -> &Asker {
        self.asker
    }
}

/// The object of an image, as a report names it.
fn object(target: &Target, asker: &Asker) -> Object {
    let Some(place) = &target.place else {
        return Object::default();
    };
    let written = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Object {
        place: Some(placed(&place.file, place.position, place.document)),
        kind: written(&place.kind),
        namespace: target.namespace.clone().or_else(|| written(&asker.namespace)),
        name: written(&place.name),
    }
}

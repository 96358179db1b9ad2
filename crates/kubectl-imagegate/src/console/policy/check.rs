//! What an edit would do, as JSON: what is wrong with it, or what it changes and whom that hits.

use std::collections::BTreeMap;
use std::time::Duration;

use imagegate_core::policy::{Difference, Policy, Problem, Problems};
use serde_json::{Value, json};

use super::base::Base;
use super::change::{Changes, Refused};
use super::hits;
use super::wanted::Wanted;
use crate::change::{Compiled, Effect, Hits, InUse, OnTrial, Put, Tell as _};
use crate::cluster::Fault;
use crate::console::pages;

/// An edit that is valid.
#[derive(Debug)]
pub(super) struct Checked<'b> {
    base: &'b Base,
    data: BTreeMap<String, String>,
    compiled: Compiled,
}

impl<'b> Checked<'b> {
    /// Compiles it.
    pub(super) fn of(base: &'b Base, wanted: &Wanted) -> Result<Self, Problems> {
        let data = wanted.keys(base).map_err(|problem| Problems(vec![problem]))?;
        let compiled = base.compile(&data)?;
        Ok(Self { base, data, compiled })
    }

    /// The keys, and what they compile to.
    pub(super) fn into_parts(self) -> (BTreeMap<String, String>, Compiled) {
        (self.data, self.compiled)
    }

    /// Whether what is in use has to be judged for it.
    pub(super) fn needs_use(&self) -> bool {
        self.effects().iter().any(|effect| effect.old.is_some())
    }

    /// What it does. `in_use` is what could be hit, where that is asked for and known.
    pub(super) fn to_json(&self, in_use: Option<Result<&InUse, &Fault>>, floor: &[Value]) -> Value {
        let Self { base, compiled, .. } = self;
        let in_use = in_use.transpose();
        let effects = self.effects().into_iter().map(|Effect { is_of_candidate, old, new }| {
            let difference = old.map(|old| Difference::between(old, new)).unwrap_or_default();
            let changes = difference.changes.iter();
            let changes = changes.map(|it| json!({ "text": it.text, "loosens": it.loosens }));
            let hits = match (&in_use, old) {
                (Ok(Some(in_use)), Some(old)) => hits::to_json(&Hits::of(in_use, old, new)),
                _ => Value::Null,
            };
            json!({
                "of": if is_of_candidate { "candidate" } else { "policy" },
                "oldHash": old.map(Policy::hash),
                "newHash": new.hash(),
                "changes": changes.collect::<Vec<_>>(),
                "changesLeftOut": difference.left_out,
                "changesLeftOutLoosening": difference.left_out_loosening,
                "hits": hits,
            })
        });
        let gaps = match &in_use {
            Ok(Some(in_use)) => in_use.gaps.as_slice(),
            _ => &[],
        };
        json!({
            "isValid": true,
            "problems": [],
            "warnings": compiled.warnings.iter().map(|it| problem(&it.0)).collect::<Vec<_>>(),
            "resourceVersion": base.version(),
            "isSame": self.data == *base.data(),
            "policyHash": compiled.policy.hash(),
            "confirms": confirms(compiled),
            "candidate": self.on_trial(),
            "effects": effects.collect::<Vec<_>>(),
            "floor": floor,
            "gaps": gaps,
            "fault": in_use.err().map(pages::fault),
        })
    }

    fn effects(&self) -> Vec<Effect<'_>> {
        self.compiled.effects(self.base.policy(), self.on_trial().is_new())
    }

    fn on_trial(&self) -> OnTrial {
        OnTrial::between(self.base.data(), &self.data)
    }

    /// What becomes of the floor, as the prompt says it before it asks: each line, and whether it is one beside.
    pub(super) async fn floor(&self) -> Vec<Value> {
        let Base::ConfigMap(before) = self.base else { return Vec::new() };
        let (data, new) = (&self.data, &self.compiled);
        let put = Put { before, data, new, confirm: None, wait: Duration::ZERO };
        let told = Changes::default();
        if let Err(failure) = put.prepare_floor(false, &told).await {
            told.aside(&format!("error: {}", Refused::of(&failure, "").fault()));
        }
        told.lines()
    }
}

/// What is confirmed with an edit: which policy will be in force, and which candidate on trial.
pub(super) fn confirms(compiled: &Compiled) -> String {
    let candidate = compiled.candidate.as_ref().map_or("-", Policy::hash);
    format!("{}/{candidate}", compiled.policy.hash())
}

/// What is wrong with an edit.
pub(super) fn invalid(base: &Base, problems: &Problems) -> Value {
    json!({
        "isValid": false,
        "problems": problems.0.iter().map(problem).collect::<Vec<_>>(),
        "warnings": [],
        "resourceVersion": base.version(),
        "isSame": false,
        "policyHash": null,
        "confirms": null,
        "candidate": null,
        "effects": [],
        "floor": [],
        "gaps": [],
        "fault": null,
    })
}

fn problem(problem: &Problem) -> Value {
    let Problem { document, path, place, message, hint } = problem;
    json!({
        "document": document,
        "path": path,
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "message": message,
        "hint": hint,
    })
}

#[cfg(test)]
mod tests {
    use imagegate_core::policy::{Documents, compile};
    use imagegate_core::usage::{Inventory, Usage};
    use serde_json::Value;

    use super::super::base::{Base, no_cluster};
    use super::super::wanted::Wanted;
    use super::{Checked, invalid};
    use crate::change::InUse;
    use crate::gate::InForce;

    fn base(text: &str) -> Base {
        let (policy, _) = compile(&Documents::full_form(text)).unwrap();
        let in_force = InForce { policy, origin: "the policy in force".into(), notes: Vec::new() };
        Base::of_replicas(in_force, no_cluster(), None)
    }

    fn check(base: &Base, wanted: &Wanted, in_use: &InUse) -> Value {
        match Checked::of(base, wanted) {
            Ok(checked) => checked.to_json(Some(Ok(in_use)), &[]),
            Err(problems) => invalid(base, &problems),
        }
    }

    fn policy(text: &str) -> Wanted {
        Wanted::Policy(text.to_owned())
    }

    #[test]
    fn an_edit_is_told_in_words_and_by_whom_it_hits() {
        let base = base("allowedRegistries: [docker.io, quay.io]");
        let mut remembered = Inventory::default();
        for namespace in ["ci", "prod"] {
            remembered.add(&Usage::of_pod(namespace, "quay.io/acme/web:1"));
        }
        remembered.add(&Usage { count: 7, ..Usage::of_pod("ci", "quay.io/acme/agent:1") });
        remembered.add(&Usage::of_pod("ci", "gcr.io/acme/new:1"));
        let in_use = InUse::of_remembered(remembered);
        let page = check(&base, &policy("allowedRegistries: [docker.io, gcr.io]"), &in_use);
        assert_eq!((&page["isValid"], &page["isSame"]), (&true.into(), &false.into()), "{page}");
        let effect = &page["effects"][0];
        assert_eq!(
            (&effect["of"], &effect["changes"][0]["loosens"]),
            (&"policy".into(), &true.into())
        );
        let words = effect["changes"][0]["text"].as_str().unwrap();
        assert!(words.contains("+gcr.io") && words.contains("-quay.io"), "{words}");
        let denied = &effect["hits"]["newlyDenied"];
        assert_eq!((&denied["images"], &denied["allNamespaces"]), (&2.into(), &2.into()));
        assert_eq!(denied["rows"][0]["image"], "quay.io/acme/agent:1", "the most frequent first");
        assert_eq!(denied["rows"][0]["rule"], "untrusted-registry");
        assert_eq!(denied["namespaces"][0]["namespace"], "ci");
        assert_eq!(effect["hits"]["newlyAdmitted"]["images"], 1);
        assert_eq!(effect["hits"]["judged"]["uses"], 4);
        let policy_hash = page["policyHash"].as_str().unwrap();
        assert_eq!(page["confirms"], format!("{policy_hash}/-"));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let base = base("{}");
        let in_use = InUse::of_remembered(Inventory::default());
        let page = check(&base, &policy("mode: warn\nallowedRegistry: [a]\n"), &in_use);
        let problem = &page["problems"][0];
        assert_eq!(
            (&page["isValid"], &problem["document"]),
            (&false.into(), &"policy.yaml".into())
        );
        assert_eq!((&problem["line"], &problem["column"]), (&2.into(), &1.into()), "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("allowedRegistries"), "{problem}");
        let page = check(&base, &Wanted::Candidate("mode: [".to_owned()), &in_use);
        assert_eq!(page["problems"][0]["document"], "candidate.yaml", "{page}");
        for wanted in [Wanted::Promote, Wanted::Revision(0)] {
            let page = check(&base, &wanted, &in_use);
            assert_eq!(page["isValid"], false, "{wanted:?}: {page}");
        }
    }

    #[test]
    fn a_candidate_is_compared_with_the_policy_that_it_would_replace() {
        let base = base("allowedRegistries: [docker.io]");
        let mut remembered = Inventory::default();
        remembered.add(&Usage::of_pod("ci", "docker.io/acme/web:1"));
        let in_use = InUse::of_remembered(remembered);
        let candidate = "allowedRegistries: [docker.io]\nrequireDigest: true\n".to_owned();
        let page = check(&base, &Wanted::Candidate(candidate), &in_use);
        assert_eq!((&page["candidate"], &page["effects"][1]), (&"begins".into(), &Value::Null));
        let effect = &page["effects"][0];
        assert_eq!(
            (&effect["of"], &effect["hits"]["newlyDenied"]["images"]),
            (&"candidate".into(), &1.into())
        );
        assert!(!page["confirms"].as_str().unwrap().ends_with("/-"), "{page}");
        let same = check(&base, &policy("allowedRegistries:\n- docker.io\n"), &in_use);
        assert_eq!(same["effects"].as_array().unwrap().len(), 0, "the same in other words");
    }
}

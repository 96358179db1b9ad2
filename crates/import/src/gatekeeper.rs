//! Constraints of Gatekeeper's library: `K8sAllowedRepos`, `K8sAllowedReposv2`, `K8sDisallowedRepos`,
//! `K8sDisallowedTags`, `K8sImageDigests`.
//!
//! What they compare is that of the library's templates; a template of the same name that somebody
//! changed is not told apart.

use crate::demand::{Demand, Entry, Exemption, Found, Mode, Rule, Scope};
use crate::places::{Covered, Use};
use crate::read::{Document, items, texts};

const GROUP: &str = "constraints.gatekeeper.sh";

/// Reads a constraint; `false` where the document is none.
pub(crate) fn read(document: &Document, found: &mut Found) -> bool {
    if !document.is_of(GROUP) {
        return false;
    }
    let source = document.name();
    let of_pods = items(&document.value, "/spec/match/kinds").iter().any(|kinds| {
        let kinds = texts(kinds, "/kinds");
        kinds.iter().any(|kind| kind == "Pod" || kind == "*")
    });
    if !of_pods && document.value.pointer("/spec/match/kinds").is_some() {
        let nearest = "it was left out: images are judged in Pods";
        found.note(&source, "does not match Pods", nearest);
        found.sources += 1;
        return true;
    }
    let Some(rules) = rules(document, &source, found) else { return false };
    found.sources += 1;
    let scope = scope(document, &source, found);
    let mode = mode(document, &source, found);
    let lifted: Vec<_> = rules.iter().map(Rule::name).collect();
    for rule in rules {
        found.demands.push(Demand { source: source.clone(), scope: scope.clone(), mode, rule });
    }
    let exempt = document.texts("/spec/parameters/exemptImages");
    if !exempt.is_empty() {
        let place = format!("{source}, spec.parameters.exemptImages");
        let images = found.all_entries(&place, &exempt, Covered::WholeOrPrefix, Use::Allow);
        if !images.is_empty() {
            found.exemptions.push(Exemption { source, scope, images, rules: lifted });
        }
    }
    true
}

fn rules(document: &Document, source: &str, found: &mut Found) -> Option<Vec<Rule>> {
    let mut entries = |field: &str, covered, of| {
        let listed = document.texts(&format!("/spec/parameters/{field}"));
        found.all_entries(&format!("{source}, spec.parameters.{field}"), &listed, covered, of)
    };
    Some(match document.text("/kind") {
        "K8sAllowedRepos" => {
            vec![Rule::AllowRegistries(entries("repos", Covered::Prefix, Use::Allow))]
        }
        "K8sAllowedReposv2" => {
            let images = entries("allowedImages", Covered::WholeOrPrefix, Use::Allow);
            vec![Rule::AllowRegistries(images)]
        }
        "K8sDisallowedRepos" => {
            vec![Rule::BlockRegistries(entries("repos", Covered::Prefix, Use::Block))]
        }
        "K8sDisallowedTags" => {
            let place = format!("{source}, spec.parameters.tags");
            let tags = document.texts("/spec/parameters/tags");
            let tags = tags.iter().enumerate();
            let entry =
                |(index, tag): (usize, &String)| Entry::same(tag, &format!("{place}[{index}]"));
            vec![Rule::BlockTags(tags.map(entry).collect()), Rule::RequireTag(source.to_owned())]
        }
        "K8sImageDigests" => vec![Rule::RequireDigest(source.to_owned())],
        _ => return None,
    })
}

fn scope(document: &Document, source: &str, found: &mut Found) -> Scope {
    for field in ["namespaceSelector", "name", "source"] {
        if document.value.pointer(&format!("/spec/match/{field}")).is_some() {
            let what = format!("spec.match.{field} selects what it holds for");
            found.note(source, what, "it holds for all that the other fields select");
        }
    }
    let mut scope = Scope {
        namespaces: document.texts("/spec/match/namespaces"),
        excluded: document.texts("/spec/match/excludedNamespaces"),
        pods: Vec::new(),
    };
    let selector = document.value.pointer("/spec/match/labelSelector");
    scope.limit_to(selector, (source, "spec.match.labelSelector"), found);
    scope
}

fn mode(document: &Document, source: &str, found: &mut Found) -> Mode {
    match document.text("/spec/enforcementAction") {
        "" | "deny" => Mode::Enforce,
        "warn" => Mode::Warn,
        "dryrun" => Mode::Audit,
        other => {
            let what = format!("spec.enforcementAction is `{other}`");
            found.note(source, what, "a violation is refused");
            Mode::Enforce
        }
    }
}

//! Kubewarden's `trusted-repos`, in a `ClusterAdmissionPolicy`, an `AdmissionPolicy`, or as its settings
//! alone.
//!
//! That policy reads an image without a registry as Docker Hub's and one without a tag as `latest`.

use crate::demand::{Demand, Entry, Found, Mode, Rule, Scope};
use crate::places::{Covered, Use};
use crate::read::Document;

/// Reads a policy or settings; `false` where the document is neither.
pub(crate) fn read(document: &Document, found: &mut Found) -> bool {
    let of_group = document.is_of("policies.kubewarden.io");
    let is_settings = document.text("/kind").is_empty()
        && ["registries", "tags", "images"]
            .iter()
            .any(|field| document.value.get(*field).is_some_and(serde_json::Value::is_object));
    let at = match (of_group, is_settings) {
        (true, _) if document.text("/spec/module").contains("trusted-repos") => "/spec/settings",
        (false, true) => "",
        _ => return false,
    };
    found.sources += 1;
    let source = document.name();
    let mut scope = Scope::default();
    match (document.text("/kind"), document.text("/metadata/namespace")) {
        ("AdmissionPolicy", "") => {
            let what = "names no namespace, and there holds in the one that it is applied to";
            found.note(&source, what, "it holds in all of them");
        }
        ("AdmissionPolicy", namespace) => scope.namespaces.push(namespace.to_owned()),
        _ => {}
    }
    if document.value.pointer("/spec/namespaceSelector").is_some() {
        let what = "spec.namespaceSelector selects what it holds for";
        found.note(&source, what, "it holds for everything");
    }
    let selector = document.value.pointer("/spec/objectSelector");
    scope.limit_to(selector, (&source, "spec.objectSelector"), found);
    let mode = if document.text("/spec/mode") == "monitor" { Mode::Audit } else { Mode::Enforce };
    let dotted = at.trim_start_matches('/').replace('/', ".");
    let place = |field: &str| match dotted.as_str() {
        "" => format!("{source}, {field}"),
        dotted => format!("{source}, {dotted}.{field}"),
    };
    let listed = |field: &str| document.texts(&format!("{at}/{}", field.replace('.', "/")));
    let mut rules = Vec::new();

    let hosts = |field: &str, found: &mut Found, of| {
        let mut entries = found.all_entries(&place(field), &listed(field), Covered::Host, of);
        // Docker Hub's images count as such by whatever name.
        for entry in &mut entries {
            entry.short = entry.pattern == "docker.io";
        }
        entries
    };
    // An image has to pass every list, so each is a rule of its own.
    let registries = hosts("registries.allow", found, Use::Allow);
    if !listed("registries.allow").is_empty() {
        rules.push(Rule::AllowRegistries(registries));
    }
    let images = listed("images.allow");
    if !images.is_empty() {
        let place = place("images.allow");
        let images = found.all_entries(&place, &images, Covered::WholeOrPrefix, Use::Allow);
        rules.push(Rule::AllowRegistries(images));
    }
    let mut blocked = hosts("registries.reject", found, Use::Block);
    blocked.extend(found.all_entries(
        &place("images.reject"),
        &listed("images.reject"),
        Covered::WholeOrPrefix,
        Use::Block,
    ));
    if !blocked.is_empty() {
        rules.push(Rule::BlockRegistries(blocked));
    }
    let tags = listed("tags.reject");
    if !tags.is_empty() {
        let entry = |(index, tag): (usize, &String)| {
            Entry::same(tag, &format!("{}[{index}]", place("tags.reject")))
        };
        rules.push(Rule::BlockTags(tags.iter().enumerate().map(entry).collect()));
        rules.push(Rule::UntaggedIsLatest);
    }
    for rule in rules {
        found.demands.push(Demand { source: source.clone(), scope: scope.clone(), mode, rule });
    }
    true
}

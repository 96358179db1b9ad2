//! Which requests the API server asks the gate about, and so which a floor may look at: read from a
//! webhook configuration, since a floor must refuse nothing where no webhook would look.

use super::objects::set;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use imagegate_core::policy::printable;

/// The webhook of the plain manifests.
const MANIFEST: &str = include_str!("../../../deploy/templates/webhook.yaml");
/// The namespace that they are for.
const NAMESPACE: &str = "imagegate";
/// The groups of the kinds that a floor reads.
const GROUPS: [&str; 4] = ["", "apps", "batch", "*"];

/// A webhook that judges images.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) name: String,
    /// The override that its path names.
    pub(super) pinned: Option<String>,
    rules: Vec<Value>,
    pub(super) namespaces: Option<Value>,
    pub(super) objects: Option<Value>,
    pub(super) conditions: Vec<Value>,
}

/// The webhook that the manifests register.
pub(super) fn of_the_manifests() -> Result<Vec<Registered>> {
    registered(&MANIFEST.replace("@namespace@", NAMESPACE), "the manifests")
}

/// The judging webhooks of a configuration.
///
/// # Errors
/// When the text is none, or none of its webhooks judges.
pub(super) fn registered(text: &str, name: &str) -> Result<Vec<Registered>> {
    let name = printable(name);
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).with_context(|| format!("`{name}` is not YAML"))?;
    let listed = documents.iter().flat_map(|document| match document["items"].as_array() {
        Some(items) => items.iter().collect(),
        None => vec![document],
    });
    let configurations =
        listed.filter(|document| document["kind"] == "ValidatingWebhookConfiguration");
    let webhooks = configurations.filter_map(|each| each["webhooks"].as_array()).flatten();
    let found: Vec<_> = webhooks.filter_map(of).collect();
    if found.is_empty() {
        bail!(
            "`{name}` has no webhook that judges images\n\
             hint: print one with `kubectl get validatingwebhookconfiguration NAME -o yaml`"
        );
    }
    Ok(found)
}

fn of(webhook: &Value) -> Option<Registered> {
    let client = &webhook["clientConfig"];
    let path = match (&client["service"], client["url"].as_str()) {
        (Value::Object(service), _) => {
            service.get("path").and_then(Value::as_str).unwrap_or("/").to_owned()
        }
        (_, Some(url)) => {
            let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
            behind.split_once('/').map_or("/".to_owned(), |(_, path)| format!("/{path}"))
        }
        _ => return None,
    };
    let pinned = match path.trim_end_matches('/') {
        "" | "/validate" => None,
        path => Some(path.strip_prefix("/validate/")?.to_owned()),
    };
    let list = |field: &str| webhook[field].as_array().cloned().unwrap_or_default();
    let selector = |field: &str| {
        let selector = webhook[field].as_object().filter(|selector| !selector.is_empty());
        selector.map(|selector| Value::Object(selector.clone()))
    };
    Some(Registered {
        name: printable(webhook["name"].as_str().unwrap_or_default()).into_owned(),
        pinned,
        rules: list("rules"),
        namespaces: selector("namespaceSelector"),
        objects: selector("objectSelector"),
        conditions: list("matchConditions"),
    })
}

impl Registered {
    /// The rules, without resources of which a floor refuses nothing.
    pub(super) fn rules_for(&self, templates: bool) -> Vec<Value> {
        let is_refused = |resource: &str| {
            templates
                || resource.contains('*')
                || resource == "pods"
                || resource.starts_with("pods/")
        };
        let texts = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let rule = |rule: &Value| {
            let known = texts(&rule["apiGroups"]).iter().any(|it| GROUPS.contains(&it.as_str()));
            let mut resources = texts(&rule["resources"]);
            resources.retain(|resource| is_refused(resource));
            if !known || resources.is_empty() {
                return None;
            }
            let mut rule = rule.clone();
            set(&mut rule, "resources", resources.into());
            Some(rule)
        };
        self.rules.iter().filter_map(rule).collect()
    }
}

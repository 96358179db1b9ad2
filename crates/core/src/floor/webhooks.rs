//! Which requests the API server asks the gate about, and so which a floor may look at: read from a
//! webhook configuration, since a floor must refuse nothing where no webhook would look.

use serde_json::Value;

use super::objects::set;
use crate::policy::printable;

/// The groups of the kinds that a floor reads.
const GROUPS: [&str; 4] = ["", "apps", "batch", "*"];

/// A webhook that judges images, as far as a floor has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name, for people.
    pub name: String,
    /// The override that its path names.
    pub pinned: Option<String>,
    /// The namespace of the Service that it asks; `None` where it asks a URL.
    pub namespace: Option<String>,
    rules: Vec<Value>,
    pub(super) namespaces: Option<Value>,
    pub(super) objects: Option<Value>,
    pub(super) conditions: Vec<Value>,
}

impl Registered {
    /// A webhook of a `ValidatingWebhookConfiguration`; `None` where it judges no images.
    #[must_use]
    pub fn of(webhook: &Value) -> Option<Self> {
        let client = webhook.get("clientConfig")?;
        let service = client.get("service").and_then(Value::as_object);
        let text = |field: &str| service?.get(field)?.as_str().map(str::to_owned);
        let path = match (service, client.get("url").and_then(Value::as_str)) {
            (Some(_), _) => text("path").unwrap_or_else(|| "/".to_owned()),
            (None, Some(url)) => {
                let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
                behind.split_once('/').map_or("/".to_owned(), |(_, path)| format!("/{path}"))
            }
            (None, None) => return None,
        };
        let pinned = match path.trim_end_matches('/') {
            "" | "/validate" => None,
            path => Some(path.strip_prefix("/validate/")?.to_owned()),
        };
        let list = |field: &str| webhook.get(field).and_then(Value::as_array);
        let selector = |field: &str| {
            let selector = webhook.get(field).and_then(Value::as_object);
            let selector = selector.filter(|selector| !selector.is_empty());
            selector.map(|selector| Value::Object(selector.clone()))
        };
        let name = webhook.get("name").and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            name: printable(name).into_owned(),
            pinned,
            namespace: text("namespace"),
            rules: list("rules").cloned().unwrap_or_default(),
            namespaces: selector("namespaceSelector"),
            objects: selector("objectSelector"),
            conditions: list("matchConditions").cloned().unwrap_or_default(),
        })
    }

    /// What the objects of its floor are called, where those of the policy itself are called `name`.
    #[must_use]
    pub fn name_of_floor(&self, name: &str) -> String {
        self.pinned.as_ref().map_or_else(|| name.to_owned(), |pinned| format!("{name}-{pinned}"))
    }

    /// The rules, without resources of which a floor refuses nothing.
    pub(super) fn rules_for(&self, templates: bool) -> Vec<Value> {
        let is_refused = |resource: &str| {
            templates
                || resource.contains('*')
                || resource == "pods"
                || resource.starts_with("pods/")
        };
        let texts = |rule: &Value, field: &str| -> Vec<String> {
            let items = rule.get(field).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let rule = |rule: &Value| {
            let known = texts(rule, "apiGroups").iter().any(|it| GROUPS.contains(&it.as_str()));
            let mut resources = texts(rule, "resources");
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

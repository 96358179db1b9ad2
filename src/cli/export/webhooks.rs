//! The webhooks that a floor is for, read from a webhook configuration as text.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use imagegate_core::floor::Registered;
use imagegate_core::policy::printable;

/// The webhook of the plain manifests.
const MANIFEST: &str = include_str!("../../../deploy/templates/webhook.yaml");
/// The namespace that they are for.
const NAMESPACE: &str = "imagegate";

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
    let found: Vec<_> = webhooks.filter_map(Registered::of).collect();
    if found.is_empty() {
        bail!(
            "`{name}` has no webhook that judges images\n\
             hint: print one with `kubectl get validatingwebhookconfiguration NAME -o yaml`"
        );
    }
    Ok(found)
}

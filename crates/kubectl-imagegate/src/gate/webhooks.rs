//! The webhook configurations of the gate, as the API server has them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imagegate_core::floor::Registered;
use serde::Deserialize;
use serde_json::Value;

use crate::cluster::{Cluster, Fault, Kind};

const PATH: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
/// What ends the names of the gate's webhooks.
const OURS: &str = "imagegate.webhook";
/// What is missing without them.
const FORBIDDEN: &str = "not allowed to list validatingwebhookconfigurations: namespaces that the gate leaves out are judged too";

/// Every webhook of the gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Webhooks(pub(crate) Vec<Registration>);

/// One webhook, with the configuration that it is in.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// The configuration's name.
    pub(crate) configuration: String,
    pub(crate) webhook: Webhook,
}

/// A webhook, as far as it is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    pub(crate) name: String,
    client_config: ClientConfig,
    #[serde(default)]
    pub(crate) failure_policy: String,
    #[serde(default)]
    pub(crate) namespace_selector: Selector,
    #[serde(default)]
    pub(crate) timeout_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    service: Option<Service>,
    url: Option<String>,
    ca_bundle: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Service {
    namespace: String,
    name: String,
    path: Option<String>,
    port: Option<u64>,
}

/// A label selector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Selector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Deserialize)]
struct Requirement {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
struct List<W = Webhook> {
    #[serde(default = "Vec::new")]
    items: Vec<Configuration<W>>,
}

#[derive(Deserialize)]
struct Configuration<W> {
    metadata: Metadata,
    #[serde(default = "Vec::new")]
    webhooks: Vec<W>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Webhooks {
    /// Every webhook of a gate in `namespace`; of any gate where none is named. One that leads to a
    /// URL belongs to any.
    pub(crate) async fn read(cluster: &Cluster, namespace: Option<&str>) -> Result<Self, Fault> {
        let list: List = cluster.get(PATH).await?;
        Ok(Self::of(list, namespace))
    }

    /// Those that judge images, as a floor has to know them.
    pub(crate) async fn registered(
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<Vec<Registered>, Fault> {
        let list: List<Value> = cluster.get(PATH).await?;
        Ok(Self::registered_of(&list, namespace))
    }

    fn registered_of(list: &List<Value>, namespace: &str) -> Vec<Registered> {
        let each = list.items.iter().flat_map(|Configuration { metadata, webhooks }| {
            webhooks.iter().filter_map(Registered::of).filter(|webhook| {
                let elsewhere = webhook.namespace.as_deref().is_some_and(|it| it != namespace);
                metadata.is_ours(&webhook.name) && !elsewhere
            })
        });
        each.collect()
    }

    /// The same for whoever can do without: where it is not allowed, `None` and why, in words.
    pub(crate) async fn read_if_allowed(
        cluster: &Cluster,
        namespace: Option<&str>,
    ) -> Result<(Option<Self>, Option<String>), Fault> {
        Self::if_allowed(Self::read(cluster, namespace).await)
    }

    fn if_allowed(read: Result<Self, Fault>) -> Result<(Option<Self>, Option<String>), Fault> {
        match read {
            Ok(webhooks) => Ok((Some(webhooks), None)),
            Err(fault) if fault.kind == Kind::Forbidden => Ok((None, Some(FORBIDDEN.to_owned()))),
            Err(fault) => Err(fault),
        }
    }

    fn of(list: List, namespace: Option<&str>) -> Self {
        let mut found = Vec::new();
        for Configuration { metadata, webhooks } in list.items {
            for webhook in webhooks {
                let elsewhere = webhook.client_config.service.as_ref().is_some_and(|service| {
                    namespace.is_some_and(|namespace| service.namespace != namespace)
                });
                if metadata.is_ours(&webhook.name) && !elsewhere {
                    found.push(Registration { configuration: metadata.name.clone(), webhook });
                }
            }
        }
        Self(found)
    }

    /// Those that judge images.
    pub(crate) fn gates(&self) -> impl Iterator<Item = &Webhook> {
        self.0.iter().map(|each| &each.webhook).filter(|webhook| webhook.judges())
    }
}

impl Metadata {
    /// Whether a webhook of this name is the gate's, in the configuration that this is the metadata of.
    fn is_ours(&self, webhook: &str) -> bool {
        let name = self.labels.get("app.kubernetes.io/name");
        name.is_some_and(|name| name == "imagegate") || webhook.ends_with(OURS)
    }
}

impl Webhook {
    /// Whether images are judged there, and not an edit of the policy or of a namespace.
    pub(crate) fn judges(&self) -> bool {
        let path = self.path();
        matches!(path, "" | "/") || path == "/validate" || path.starts_with("/validate/")
    }

    /// The override that the path names.
    pub(crate) fn pinned(&self) -> Option<&str> {
        self.path().strip_prefix("/validate/").filter(|name| !name.is_empty())
    }

    /// Where the API server asks.
    pub(crate) fn address(&self) -> String {
        match (&self.client_config.service, &self.client_config.url) {
            (Some(Service { namespace, name, .. }), _) => format!("{name}.{namespace}.svc"),
            (None, Some(url)) => url.clone(),
            (None, None) => "nowhere".to_owned(),
        }
    }

    /// Namespace, name and port of the Service that is asked; `None` for a URL.
    pub(crate) fn service(&self) -> Option<(&str, &str, u64)> {
        let service = self.client_config.service.as_ref()?;
        Some((&service.namespace, &service.name, service.port.unwrap_or(443)))
    }

    /// The name that the certificate must have; `None` for a URL.
    pub(crate) fn server_name(&self) -> Option<String> {
        self.client_config.service.as_ref().map(|_| self.address())
    }

    /// The certificates that the API server trusts here, as PEM; `None` where it trusts its host's.
    pub(crate) fn ca_bundle(&self) -> Option<Vec<u8>> {
        let text = self.client_config.ca_bundle.as_deref().filter(|text| !text.is_empty())?;
        STANDARD.decode(text).ok()
    }

    fn path(&self) -> &str {
        let ClientConfig { service, url, .. } = &self.client_config;
        match (service, url) {
            (Some(service), _) => service.path.as_deref().unwrap_or_default(),
            (None, Some(url)) => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
            }
            (None, None) => "",
        }
    }
}

impl Selector {
    /// The key of the requirement that keeps out an object with these labels; `None` where it is
    /// selected.
    ///
    /// Source: `labels.Requirement.Matches` of `k8s.io/apimachinery/pkg/labels`: a label that is not
    /// there is not in any list.
    pub(crate) fn kept_out_by(&self, labels: &BTreeMap<String, String>) -> Option<&str> {
        let unmet = self.match_expressions.iter().find(|requirement| !requirement.is_met(labels));
        let unequal = self.match_labels.iter().find(|(key, value)| labels.get(*key) != Some(value));
        unmet.map(|requirement| requirement.key.as_str()).or(unequal.map(|(key, _)| key.as_str()))
    }
}

impl Requirement {
    fn is_met(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::{List, Selector, Webhooks};

    fn labels(text: &str) -> BTreeMap<String, String> {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_selector_selects_as_the_api_server_does() {
        let selector: Selector = serde_json::from_str(
            r#"{"matchLabels":{"a":"1"},"matchExpressions":[
                {"key":"name","operator":"NotIn","values":["kube-system"]},
                {"key":"off","operator":"NotIn","values":["true"]},
                {"key":"b","operator":"DoesNotExist"}]}"#,
        )
        .unwrap();
        for (written, kept_out_by) in [
            ("a=1", None),
            ("a=1 name=web off=false", None),
            ("a=2", Some("a")),
            ("", Some("a")),
            ("a=1 name=kube-system", Some("name")),
            ("a=1 off=true", Some("off")),
            ("a=1 b=", Some("b")),
        ] {
            let labels = labels(written);
            assert_eq!(selector.kept_out_by(&labels), kept_out_by, "{written}");
        }
        assert_eq!(Selector::default().kept_out_by(&labels("")), None);
    }

    #[test]
    fn the_webhooks_of_the_gate_are_told_from_others() {
        let list = |service: &str| -> List {
            serde_json::from_str(&format!(
                r#"{{"items":[{{"metadata":{{"name":"com.imagegate.webhook"}},"webhooks":[
                    {{"name":"com.imagegate.webhook","clientConfig":{{"service":{service}}}}},
                    {{"name":"config.imagegate.webhook","clientConfig":{{"url":"https://h:1/validate-config"}}}}]}},
                    {{"metadata":{{"name":"else"}},"webhooks":[{{"name":"a.b.c","clientConfig":{{}}}}]}}]}}"#
            ))
            .unwrap()
        };
        let here = r#"{"namespace":"g","name":"s","path":"/validate/strict"}"#;
        let webhooks = Webhooks::of(list(here), Some("g"));
        assert_eq!(webhooks.0.len(), 2);
        let gates: Vec<_> = webhooks.gates().collect();
        assert_eq!(gates.len(), 1);
        assert_eq!((gates[0].address().as_str(), gates[0].pinned()), ("s.g.svc", Some("strict")));
        assert_eq!(Webhooks::of(list(here), Some("other")).0.len(), 1);
    }

    #[test]
    fn a_floor_is_for_the_webhooks_of_the_gate_that_judge() {
        let list: List<Value> = serde_json::from_str(
            r#"{"items":[
                {"metadata":{"name":"a"},"webhooks":[
                    {"name":"x.imagegate.webhook","clientConfig":{"service":{"namespace":"g","name":"s","path":"/validate"}}},
                    {"name":"y.imagegate.webhook","clientConfig":{"service":{"namespace":"h","name":"s"}}},
                    {"name":"z.imagegate.webhook","clientConfig":{"url":"https://h:1/validate/strict"}},
                    {"name":"config.imagegate.webhook","clientConfig":{"url":"https://h:1/validate-config"}}]},
                {"metadata":{"name":"b"},"webhooks":[{"name":"a.b.c","clientConfig":{"url":"https://h:1/"}}]},
                {"metadata":{"name":"c"}}]}"#,
        )
        .unwrap();
        let found = Webhooks::registered_of(&list, "g");
        let found: Vec<_> = found.iter().map(|it| (&*it.name, it.pinned.as_deref())).collect();
        assert_eq!(found, [("x.imagegate.webhook", None), ("z.imagegate.webhook", Some("strict"))]);
    }
}

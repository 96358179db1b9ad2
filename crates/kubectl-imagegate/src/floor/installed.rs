//! The floor in the cluster: the admission policies that were made of the gate's policy, as they are there.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use imagegate_core::floor::{
    API_VERSION, COMPONENT, GATE_NAMESPACE, KINDS, OVERRIDE, USUAL_NAME, policy_hash,
};
use imagegate_core::policy::printable;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Fault, Kind, Scope, escaped, path};
use crate::gate::keeper;

/// The collections of both kinds, in the order of [`KINDS`].
const COLLECTIONS: [&str; 2] = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];
/// What a binding does that refuses.
const DENY: &str = "Deny";
/// The name that the written fields are kept under.
const MANAGER: &str = "kubectl-imagegate";
/// What `kubectl apply` compares a file with. Left as it was, the next file would leave parts of this floor
/// in place.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is known of a floor.
#[derive(Debug)]
pub(crate) enum InCluster {
    /// The API server has no such kinds.
    Unsupported,
    /// They may not be listed.
    Unseen(Fault),
    /// These are there.
    Seen(Installed),
}

/// The objects of a floor, perhaps none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Installed {
    pub(super) policies: Vec<Value>,
    pub(super) bindings: Vec<Value>,
}

#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    resources: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl InCluster {
    /// Reads the floor of the gate in `gate_namespace`, or of any gate. An object that names no gate may be
    /// of this one.
    pub(crate) async fn read(
        cluster: &Cluster,
        gate_namespace: Option<&str>,
    ) -> Result<Self, Fault> {
        // Whoever may not list a kind is told so before it is looked whether there is one.
        let known: Result<Known, Fault> = cluster.get(&format!("/apis/{API_VERSION}")).await;
        let [policies, bindings] = COLLECTIONS;
        match known {
            Ok(known) if !known.resources.iter().any(|each| each.name == policies) => {
                return Ok(Self::Unsupported);
            }
            Err(fault) if fault.kind == Kind::NotFound => return Ok(Self::Unsupported),
            Err(fault) if fault.kind != Kind::Forbidden => return Err(fault),
            Ok(_) | Err(_) => {}
        }
        let listed = tokio::try_join!(
            list(cluster, policies, gate_namespace),
            list(cluster, bindings, gate_namespace)
        );
        match listed {
            Ok((policies, bindings)) => Ok(Self::Seen(Installed { policies, bindings })),
            Err(fault) if fault.kind == Kind::Forbidden => Ok(Self::Unseen(fault)),
            Err(fault) if fault.kind == Kind::NotFound => Ok(Self::Unsupported),
            Err(fault) => Err(fault),
        }
    }
}

async fn list(
    cluster: &Cluster,
    collection: &str,
    gate_namespace: Option<&str>,
) -> Result<Vec<Value>, Fault> {
    let (component, value) = COMPONENT;
    let selector = escaped(&format!("app.kubernetes.io/name=imagegate,{component}={value}"));
    let collection = path(API_VERSION, collection, &Scope::Everywhere);
    let list: Value = cluster.get(&format!("{collection}?labelSelector={selector}")).await?;
    let items = list.get("items").and_then(Value::as_array).into_iter().flatten();
    let is_of_gate = |object: &&Value| {
        let named = annotation(object, GATE_NAMESPACE);
        named.is_none() || gate_namespace.is_none() || named == gate_namespace
    };
    Ok(items.filter(is_of_gate).cloned().collect())
}

impl Installed {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.bindings.is_empty()
    }

    /// Whether it refuses anything: a policy without a binding is not in force.
    pub(crate) fn is_in_force(&self) -> bool {
        self.bindings.iter().any(denies)
    }

    /// The hashes of the policies that its admission policies were made of; one, unless somebody was
    /// interrupted.
    pub(crate) fn hashes(&self) -> BTreeSet<&str> {
        self.policies.iter().filter_map(policy_hash).collect()
    }

    /// Whether all of it is of the policy with this hash.
    pub(crate) fn is_of(&self, hash: &str) -> bool {
        self.policies.iter().all(|each| policy_hash(each) == Some(hash))
    }

    /// `8a8df72b731a`
    pub(crate) fn hashes_in_words(&self) -> String {
        let hashes: Vec<String> =
            self.hashes().into_iter().map(|hash| printable(hash).into_owned()).collect();
        if hashes.is_empty() { "no known policy".to_owned() } else { hashes.join(" and ") }
    }

    /// The tool that will put it back as its source says, in words. A file that somebody applies is none: it
    /// was printed by `imagegate export vap`, and is printed again.
    pub(crate) fn keeper(&self) -> Option<String> {
        let texts = |object: &Value, field: &str| -> BTreeMap<String, String> {
            let fields = object.pointer("/metadata").and_then(|it| it.get(field));
            serde_json::from_value(fields.cloned().unwrap_or_default()).unwrap_or_default()
        };
        self.policies.iter().chain(&self.bindings).find_map(|object| {
            let (mut annotations, labels) = (texts(object, "annotations"), texts(object, "labels"));
            annotations.remove(LAST_APPLIED);
            let by_helm = labels.get("app.kubernetes.io/managed-by").is_some_and(|it| it == "Helm");
            keeper(&annotations, &labels).or_else(|| by_helm.then(|| "a Helm release".to_owned()))
        })
    }

    /// Fails where a tool keeps it.
    pub(super) fn unless_kept(&self, hint: &str) -> Result<(), Fault> {
        let Some(keeper) = self.keeper() else { return Ok(()) };
        let message = format!("the floor belongs to {keeper}, which would put it back");
        Err(Fault::usage(&message).with_hint(hint))
    }

    /// All of its objects, each with its kind, which the items of a list do not say.
    pub(super) fn objects(&self) -> Vec<Value> {
        let [policy, binding] = KINDS;
        let with = |kind: &'static str| {
            move |object: &Value| {
                let mut object = object.clone();
                if let Some(fields) = object.as_object_mut() {
                    fields.insert("kind".to_owned(), kind.into());
                }
                object
            }
        };
        let policies = self.policies.iter().map(with(policy));
        policies.chain(self.bindings.iter().map(with(binding))).collect()
    }

    /// What the objects of the policy itself are called.
    pub(super) fn base_name(&self) -> String {
        let base = self.policies.iter().chain(&self.bindings).find_map(|object| {
            let name = name(object);
            match annotation(object, OVERRIDE) {
                None => Some(name),
                Some(pinned) => name.strip_suffix(pinned)?.strip_suffix('-'),
            }
        });
        base.unwrap_or(USUAL_NAME).to_owned()
    }

    /// The object of the kind and the name that `wanted` has.
    pub(super) fn like(&self, wanted: &Value) -> Option<&Value> {
        let of_kind = if is_binding(wanted) { &self.bindings } else { &self.policies };
        of_kind.iter().find(|each| name(each) == name(wanted))
    }
}

/// Writes an object in place of the one that was found, or as a new one. What others have set on it stays,
/// and what somebody wrote meanwhile is not overwritten.
pub(super) async fn write(
    cluster: &Cluster,
    found: Option<&Value>,
    wanted: &Value,
    dry_run: bool,
) -> Result<Value, Fault> {
    let collection = collection(wanted);
    let query = format!("?fieldManager={MANAGER}{}", if dry_run { "&dryRun=All" } else { "" });
    let (method, path, body) = match found {
        None => (Method::POST, format!("{collection}{query}"), wanted.clone()),
        Some(found) => {
            let path = format!("{collection}/{}{query}", escaped(name(wanted)));
            (Method::PUT, path, merged(found, wanted))
        }
    };
    let body = ("application/json", body.to_string().into_bytes());
    let bytes =
        cluster.send(method, &path, Some(body)).await.map_err(|fault| told(fault, wanted))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Fault::unreadable(&format!("{}: {error}", name(wanted))))
}

/// Takes an object away, unless it is gone already.
pub(super) async fn delete(cluster: &Cluster, object: &Value) -> Result<(), Fault> {
    let path = format!("{}/{}", collection(object), escaped(name(object)));
    match cluster.send(Method::DELETE, &path, None).await {
        Err(fault) if fault.kind != Kind::NotFound => Err(told(fault, object)),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn told(fault: Fault, object: &Value) -> Fault {
    match fault.kind {
        Kind::Conflict => {
            let message =
                format!("somebody changed {} meanwhile: {}", name(object), fault.message());
            Fault::usage(&message)
        }
        _ => fault,
    }
}

fn collection(object: &Value) -> String {
    let [policies, bindings] = COLLECTIONS;
    let collection = if is_binding(object) { bindings } else { policies };
    path(API_VERSION, collection, &Scope::Everywhere)
}

/// The found object with what is wanted of it.
fn merged(found: &Value, wanted: &Value) -> Value {
    let mut object = found.clone();
    let part = |field: &str| wanted.get(field).cloned().unwrap_or_default();
    let Some(fields) = object.as_object_mut() else { return wanted.clone() };
    fields.remove("status");
    for field in ["apiVersion", "kind"] {
        fields.insert(field.to_owned(), part(field));
    }
    let spec = match (is_binding(wanted), fields.get("spec"), part("spec")) {
        // Somebody may have narrowed it.
        (true, Some(Value::Object(found)), Value::Object(wanted)) => {
            Value::Object(found.clone().into_iter().chain(wanted).collect())
        }
        (.., wanted) => wanted,
    };
    fields.insert("spec".to_owned(), spec);
    for field in ["labels", "annotations"] {
        let wanted = part("metadata").get(field).and_then(Value::as_object).cloned();
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        let found = metadata.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut all = found;
        all.extend(wanted.unwrap_or_default());
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert(field.to_owned(), Value::Object(all));
        }
    }
    // What is no manifest changes little, and for a while.
    let is_manifest = wanted.pointer("/metadata/resourceVersion").is_none();
    let applied =
        object.pointer_mut("/metadata/annotations").and_then(|it| it.get_mut(LAST_APPLIED));
    if let Some(applied) = applied.filter(|_| is_manifest) {
        *applied = format!("{wanted}\n").into();
    }
    object
}

/// Whether an object is a binding, by what it names: items of a list do not say their kind.
pub(super) fn is_binding(object: &Value) -> bool {
    let [_, binding] = KINDS;
    object
        .get("kind")
        .map_or_else(|| object.pointer("/spec/policyName").is_some(), |kind| kind == binding)
}

/// Whether a binding refuses.
pub(super) fn denies(binding: &Value) -> bool {
    let actions = binding.pointer("/spec/validationActions").and_then(Value::as_array);
    actions.is_some_and(|actions| actions.iter().any(|action| action == DENY))
}

/// A binding that does something else than before.
pub(super) fn with_action(binding: &Value, action: &str) -> Value {
    let mut changed = binding.clone();
    if let Some(actions) = changed.pointer_mut("/spec/validationActions") {
        *actions = json!([action]);
    }
    let [_, kind] = KINDS;
    if let Some(fields) = changed.as_object_mut() {
        fields.insert("apiVersion".to_owned(), API_VERSION.into());
        fields.insert("kind".to_owned(), kind.into());
    }
    changed
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

fn annotation<'o>(object: &'o Value, name: &str) -> Option<&'o str> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Installed, LAST_APPLIED, denies, merged, with_action};

    fn policy(name: &str, metadata: &Value) -> Value {
        let mut object = json!({"metadata": metadata, "spec": {"variables": [1]}});
        object["metadata"]["name"] = name.into();
        object
    }

    fn binding(actions: &Value) -> Value {
        json!({"metadata": {"name": "f"}, "spec": {"policyName": "f", "validationActions": actions}})
    }

    #[test]
    fn a_floor_is_in_force_by_a_binding_that_denies() {
        let with = |bindings| Installed { policies: vec![policy("f", &json!({}))], bindings };
        assert!(!with(vec![]).is_in_force());
        assert!(!with(vec![binding(&json!(["Audit", "Warn"]))]).is_in_force());
        assert!(with(vec![binding(&json!(["Audit", "Deny"]))]).is_in_force());
        let lifted = with_action(&binding(&json!(["Deny"])), "Audit");
        assert!(!denies(&lifted));
        assert_eq!(lifted["kind"], "ValidatingAdmissionPolicyBinding");
    }

    #[test]
    fn the_name_of_the_policys_own_floor_is_told_from_any_of_them() {
        let of = |name: &str, pinned: Option<&str>| {
            let annotations = pinned.map_or(json!({}), |it| json!({"imagegate/override": it}));
            let policies = vec![policy(name, &json!({"annotations": annotations}))];
            Installed { policies, bindings: Vec::new() }.base_name()
        };
        assert_eq!(of("f", None), "f");
        assert_eq!(of("f-production", Some("production")), "f");
        assert_eq!(of("fproduction", Some("production")), "imagegate-floor");
        assert_eq!(Installed::default().base_name(), "imagegate-floor");
    }

    #[test]
    fn a_tool_keeps_it_and_a_file_that_was_applied_does_not() {
        for (metadata, keeper) in [
            (json!({}), None),
            (json!({"annotations": {LAST_APPLIED: "{}"}}), None),
            (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), Some("a Helm release")),
            (json!({"annotations": {"argocd.argoproj.io/tracking-id": "a"}}), Some("Argo CD")),
        ] {
            let policies = vec![policy("f", &metadata)];
            let installed = Installed { policies, bindings: Vec::new() };
            assert_eq!(installed.keeper().as_deref(), keeper, "{metadata}");
        }
    }

    #[test]
    fn what_others_set_on_an_object_stays() {
        let found = policy(
            "f",
            &json!({
                "resourceVersion": "7",
                "annotations": {"theirs": "1", "imagegate/policy-hash": "old", LAST_APPLIED: "{}"},
            }),
        );
        let wanted = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "f", "labels": {"a": "b"}, "annotations": {"imagegate/policy-hash": "new"}},
            "spec": {"validations": [2]},
        });
        let object = merged(&found, &wanted);
        assert_eq!(object["spec"], wanted["spec"]);
        assert_eq!(object["kind"], wanted["kind"]);
        let metadata = &object["metadata"];
        assert_eq!(metadata["resourceVersion"], "7");
        assert_eq!(metadata["labels"], wanted["metadata"]["labels"]);
        assert_eq!(metadata["annotations"]["theirs"], "1");
        assert_eq!(metadata["annotations"]["imagegate/policy-hash"], "new");
        assert_eq!(metadata["annotations"][LAST_APPLIED], format!("{wanted}\n"));

        let mut found = binding(&json!(["Audit"]));
        found["spec"]["matchResources"] = json!({"namespaceSelector": {}});
        let mut wanted = binding(&json!(["Deny"]));
        wanted["kind"] = "ValidatingAdmissionPolicyBinding".into();
        let object = merged(&found, &wanted);
        assert!(denies(&object) && object["spec"]["matchResources"].is_object(), "{object}");
    }
}

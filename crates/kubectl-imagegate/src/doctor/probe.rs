//! A Pod, created with server dry-run: what the API server does against what the policy says.

use http::Method;
use imagegate_core::policy::{ContainerImage, Decision, Policy, Subject};
use serde_json::json;
use time::OffsetDateTime;

use super::{Outcome, messages};
use crate::cluster::{Cluster, Fault, Kind, escaped};
use crate::gate::{InForce, Reach};
use crate::status::Seen;

/// Images of which most policies admit one and refuse another; both names are reserved by RFC 2606, or
/// are never pulled.
const IMAGES: [&str; 2] =
    ["docker.io/library/imagegate-doctor:1", "registry.invalid/imagegate-doctor:latest"];

/// Tries both images in the namespace of `-n`.
pub(super) async fn try_pods(cluster: &Cluster, seen: &Seen) -> Vec<Outcome> {
    let in_force = match InForce::of_replicas(&seen.replicas) {
        Ok(in_force) => in_force,
        Err(fault) => return vec![Outcome::Unknown(fault.to_string())],
    };
    let namespace = cluster.namespace();
    let reach =
        seen.webhooks.as_ref().ok().map(|webhooks| seen.namespaces.reach(webhooks, namespace));
    let mut outcomes = Vec::new();
    for image in IMAGES {
        let said = create(cluster, namespace, image).await;
        let expected = match (&reach, &in_force) {
            (Some(Reach::Judged(pins)), Some(InForce { policy, .. })) => {
                let refused =
                    pins.iter().any(|pin| refuses(policy, namespace, pin.as_deref(), image));
                Some(refused)
            }
            (Some(Reach::OptedOut | Reach::Excluded(_) | Reach::Unregistered), _) => Some(false),
            _ => None,
        };
        outcomes.push(outcome(image, namespace, expected, said));
    }
    outcomes
}

/// What came of it, by whether the policy refuses the image; `None` where that is not known.
fn outcome(
    image: &str,
    namespace: &str,
    refuses: Option<bool>,
    said: Result<(), Fault>,
) -> Outcome {
    match (said, refuses) {
        (Ok(()), Some(true)) => Outcome::Wrong(
            format!("{image} is admitted in {namespace}, and the policy refuses it"),
            "the API server may have another webhook configuration, or fail open: see `kubectl imagegate status`"
                .to_owned(),
        ),
        (Ok(()), _) => Outcome::Fine(format!("{image} is admitted in {namespace}")),
        (Err(fault), _) if is_refusal(&fault) => match refuses {
            Some(false) => Outcome::Wrong(
                format!("{image} is refused in {namespace}, and the policy admits it: {}", fault.message()),
                "look which webhook refuses it".to_owned(),
            ),
            _ => Outcome::Fine(format!("{image} is refused in {namespace}")),
        },
        (Err(fault), _) => match messages::row(fault.message()) {
            Some(row) => Outcome::Wrong(
                format!("{image}: {}: {}", row.cause, fault.message()),
                row.cure.to_owned(),
            ),
            None if fault.kind == Kind::Forbidden || fault.kind == Kind::NotFound => {
                Outcome::Unknown(fault.message().to_owned())
            }
            None => Outcome::Wrong(
                format!("{image}: {}", fault.message()),
                "see the log of the API server".to_owned(),
            ),
        },
    }
}

fn is_refusal(fault: &Fault) -> bool {
    fault.kind == Kind::Refused && fault.message().contains("denied the request")
}

fn refuses(policy: &Policy, namespace: &str, pinned: Option<&str>, image: &str) -> bool {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let subject = Subject { namespace, pinned, now, ..Subject::default() };
    let image = ContainerImage {
        container: "doctor".into(),
        image: Some(image.into()),
        ..ContainerImage::default()
    };
    policy.evaluate(&subject, [&image]).decision == Decision::Deny
}

/// A Pod that Pod security `restricted` has nothing against; it is never stored.
async fn create(cluster: &Cluster, namespace: &str, image: &str) -> Result<(), Fault> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "generateName": "imagegate-doctor-" },
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 64535, "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "doctor",
                "image": image,
                "resources": {
                    "requests": { "cpu": "1m", "memory": "1Mi" },
                    "limits": { "cpu": "1m", "memory": "1Mi" },
                },
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    });
    let path = format!("/api/v1/namespaces/{}/pods?dryRun=All", escaped(namespace));
    let body = ("application/json", pod.to_string().into_bytes());
    cluster.send(Method::POST, &path, Some(body)).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{Outcome, outcome};
    use crate::cluster::Fault;

    #[test]
    fn what_the_api_server_does_is_held_against_the_policy() {
        let fault = |code: u16, text: &str| {
            let body = serde_json::json!({ "message": text }).to_string();
            Err(Fault::of_status(StatusCode::from_u16(code).unwrap(), body.as_bytes()))
        };
        let denied = || fault(403, r#"admission webhook "a" denied the request: b"#);
        let failed = || {
            fault(
                500,
                r#"failed calling webhook "a": x509: certificate signed by unknown authority"#,
            )
        };
        for (said, refuses, fine) in [
            (Ok(()), Some(false), Some(true)),
            (Ok(()), Some(true), Some(false)),
            (Ok(()), None, Some(true)),
            (denied(), Some(true), Some(true)),
            (denied(), Some(false), Some(false)),
            (failed(), Some(true), Some(false)),
            (fault(403, "pods is forbidden: no"), Some(true), None),
        ] {
            let got = match outcome("i", "n", refuses, said) {
                Outcome::Fine(_) => Some(true),
                Outcome::Wrong(..) => Some(false),
                Outcome::Unknown(_) => None,
            };
            assert_eq!(got, fine);
        }
    }
}

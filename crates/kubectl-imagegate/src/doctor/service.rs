//! The Service between the API server and the replicas.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Outcome;
use crate::cluster::{Cluster, Fault, Kind, escaped};
use crate::status::Seen;

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    ports: Vec<Port>,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    port: u64,
    target_port: Option<Value>,
}

#[derive(Deserialize)]
struct Endpoints {
    #[serde(default)]
    subsets: Vec<Subset>,
}

#[derive(Deserialize)]
struct Subset {
    #[serde(default)]
    addresses: Vec<Value>,
}

/// Every Service that a webhook names: that it is there, leads to the webhook port, and to somebody.
pub(super) async fn check(cluster: &Cluster, seen: &Seen) -> Vec<Outcome> {
    let mut services: BTreeSet<(&str, &str, u64)> = BTreeSet::new();
    for registration in seen.webhooks.iter().flat_map(|webhooks| &webhooks.0) {
        services.extend(registration.webhook.service());
    }
    let admin_port =
        seen.replicas.iter().find_map(|replica| Some(replica.pod.as_ref()?.admin_port));
    let mut outcomes = Vec::new();
    for (namespace, name, port) in services {
        let title = format!("{name}.{namespace}");
        let outcome = match read(cluster, namespace, name).await {
            Err(fault) if fault.kind == Kind::NotFound => Outcome::Wrong(
                format!("the Service {title} does not exist"),
                "create it, or kubectl delete validatingwebhookconfiguration com.imagegate.webhook"
                    .to_owned(),
            ),
            Err(fault) => Outcome::Unknown(fault.message().to_owned()),
            Ok((service, addresses)) => judge(&title, port, admin_port, &service, addresses),
        };
        outcomes.push(outcome);
    }
    outcomes
}

/// The Service, and how many addresses are ready behind it; `None` where that may not be asked.
async fn read(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<(Service, Option<usize>), Fault> {
    let base = format!("/api/v1/namespaces/{}", escaped(namespace));
    let name = escaped(name);
    let service = cluster.get(&format!("{base}/services/{name}")).await?;
    let endpoints: Result<Endpoints, Fault> =
        cluster.get(&format!("{base}/endpoints/{name}")).await;
    let count = |endpoints: Endpoints| {
        endpoints.subsets.iter().map(|subset| subset.addresses.len()).sum::<usize>()
    };
    Ok((service, endpoints.ok().map(count)))
}

fn judge(
    title: &str,
    port: u64,
    admin_port: Option<u16>,
    service: &Service,
    addresses: Option<usize>,
) -> Outcome {
    let wrong = |text: String, cure: &str| Outcome::Wrong(text, cure.to_owned());
    let Some(found) = service.spec.ports.iter().find(|each| each.port == port) else {
        if service.spec.kind == "ExternalName" {
            return Outcome::Fine(format!("{title} leads out of the cluster, at port {port}"));
        }
        return wrong(
            format!("{title} has no port {port}, at which the webhook asks"),
            "give the Service that port, with targetPort: webhook",
        );
    };
    let target = found.target_port.as_ref();
    let to_admin = target
        .is_some_and(|target| *target == "admin" || target.as_u64() == admin_port.map(u64::from));
    if to_admin {
        return wrong(
            format!("port {port} of {title} leads to the admin port, which speaks no TLS"),
            "targetPort: webhook in the Service",
        );
    }
    match addresses {
        Some(0) if service.spec.kind != "ExternalName" => wrong(
            format!("{title} leads to nobody: no replica is ready"),
            "docs/operations/break-glass.md, step 2",
        ),
        Some(count) => Outcome::Fine(format!("{title} leads to {count} ready addresses")),
        None => Outcome::Fine(format!("{title} has the port; its endpoints were not looked at")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, judge};

    #[test]
    fn a_service_leads_to_the_webhook_port_of_somebody() {
        let service = |text: &str| serde_json::from_str(text).unwrap();
        let good = r#"{"spec":{"ports":[{"port":443,"targetPort":"webhook"}]}}"#;
        let admin = r#"{"spec":{"ports":[{"port":443,"targetPort":8080}]}}"#;
        let other = r#"{"spec":{"ports":[{"port":80}]}}"#;
        let outside = r#"{"spec":{"type":"ExternalName"}}"#;
        for (text, addresses, fine) in [
            (good, Some(2), true),
            (good, None, true),
            (good, Some(0), false),
            (admin, Some(2), false),
            (other, Some(2), false),
            (outside, Some(0), true),
        ] {
            let outcome = judge("s.n", 443, Some(8080), &service(text), addresses);
            assert_eq!(matches!(outcome, Outcome::Fine(_)), fine, "{text} {outcome:?}");
        }
    }
}

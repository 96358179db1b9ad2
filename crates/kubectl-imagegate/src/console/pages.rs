//! The JSON of the page, besides what [`super::watch`] and [`super::feed`] say.

use std::borrow::Cow;

use imagegate_core::image::Reference;
use imagegate_core::policy::Subject;
use imagegate_core::usage::Usage;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::cluster::{Cluster, Fault};
use crate::connection::Connection;
use crate::explain::Answer;
use crate::gate::{Found, InForce, Operator, PolicyFault, Reach, Remembering, Replica};
use crate::images::moment;

/// All uses of images.
#[derive(Debug, Serialize)]
struct Page<'a> {
    at: i64,
    /// Whose memory it is and since when.
    notes: &'a [String],
    /// What is missing.
    gaps: &'a [String],
    images: Vec<Row<'a>>,
}

/// One use of an image, as a replica remembers it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    /// As written.
    image: &'a str,
    /// `None` where the image is no reference.
    registry: Option<String>,
    repository: Option<String>,
    /// As written; `None` where there is none.
    tag: Option<String>,
    pinned: bool,
    namespace: &'a str,
    /// `Job/nightly`; empty where it is not known.
    owner: String,
    user: &'a str,
    count: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    /// Whether it was refused when it was last seen.
    refused: bool,
}

/// What all replicas remember, merged, as JSON.
pub(super) async fn images(cluster: &Cluster, connection: &Connection) -> Result<Vec<u8>, Fault> {
    let operators = match connection.endpoint.as_slice() {
        [] => {
            let gate = Found::find(cluster, connection.gate_namespace.as_deref()).await?;
            Operator::of_gate(&gate)
        }
        endpoints => Operator::at(endpoints),
    };
    let namespace = connection.namespace.as_deref();
    let is_wanted = |usage: &Usage<'_>| namespace.is_none_or(|name| name == usage.namespace);
    let remembering = Remembering::ask(cluster, &operators, is_wanted).await;
    Ok(rendered(&remembering, OffsetDateTime::now_utc().unix_timestamp()))
}

/// Apart from the asking, so that tests can look at it.
pub(super) fn rendered(remembering: &Remembering, now: i64) -> Vec<u8> {
    let Remembering { gathered, notes, gaps } = remembering;
    let used = gathered.used.usages().map(|usage| (usage, false));
    let refused = gathered.refused.usages().map(|usage| (usage, true));
    let images: Vec<_> = used.chain(refused).collect();
    let images = images.iter().map(|(usage, refused)| Row::of(usage, *refused)).collect();
    let page = Page { at: now, notes, gaps, images };
    serde_json::to_vec(&page).unwrap_or_default()
}

impl<'a> Row<'a> {
    fn of(usage: &Usage<'a>, refused: bool) -> Self {
        let reference = Reference::parse(usage.image.trim()).ok();
        let reference = reference.as_ref();
        let owner = usage.owner.map(|owner| format!("{}/{}", owner.kind, owner.name));
        Self {
            image: usage.image,
            registry: reference.map(|reference| reference.registry().to_owned()),
            repository: reference.map(|reference| reference.repository().into_owned()),
            tag: reference.and_then(Reference::tag).map(str::to_owned),
            pinned: reference.is_some_and(|reference| reference.digest().is_some()),
            namespace: usage.namespace,
            owner: owner.unwrap_or_default(),
            user: usage.user,
            count: usage.count,
            first_seen: usage.first_seen.and_then(moment),
            last_seen: usage.last_seen.and_then(moment),
            refused,
        }
    }
}

/// Why an image gets the verdict that it gets, by the policy that the replicas enforce.
pub(super) fn explanation(
    replicas: &[Replica],
    asked: &Asked<'_>,
    reach: Option<&Reach>,
) -> Result<Value, Fault> {
    let in_force = match InForce::of_replicas(replicas) {
        Ok(Some(in_force)) => in_force,
        Ok(None) => return Err(Fault::lost("no replica says which policy it enforces")),
        Err(PolicyFault::Unread(fault)) => return Err(fault),
        Err(fault @ PolicyFault::Invalid { .. }) => {
            return Err(Fault::unreadable(&fault.to_string()));
        }
    };
    let pinned = match reach {
        Some(Reach::Judged(pins)) => pins.iter().flatten().next().map(String::as_str),
        _ => None,
    };
    let subject = Subject {
        namespace: &asked.namespace,
        user: &asked.user,
        pinned,
        now: OffsetDateTime::now_utc().unix_timestamp(),
        ..Subject::default()
    };
    let answer = Answer::of(&in_force.policy, &subject, &asked.image);
    Ok(answer.to_json(&in_force, reach))
}

/// What is to be explained, of the query of a request.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    image: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
    user: Cow<'a, str>,
}

impl<'a> Asked<'a> {
    /// `None` where there is no image in it.
    pub(super) fn of(query: &'a str) -> Option<Self> {
        let mut asked = Self::default();
        let mut any = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "image" => (asked.image, any) = (value, true),
                "namespace" => asked.namespace = value,
                "user" => asked.user = value,
                _ => {}
            }
        }
        any.then_some(asked)
    }
}

/// An error, as the page shows it.
pub(super) fn fault(fault: &Fault) -> Value {
    json!({ "message": fault.message(), "hint": fault.hint() })
}

#[cfg(test)]
mod tests {
    use imagegate_core::policy::{Documents, compile};
    use imagegate_core::usage::{Owner, Usage};
    use serde_json::{Value, json};

    use super::{Asked, explanation, rendered};
    use crate::gate::{Remembering, Replica, Said};

    #[test]
    fn each_use_is_a_row_with_what_its_image_says() {
        let mut remembering = Remembering::default();
        let digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let pinned = format!("quay.io/acme/web:1@{digest}");
        let owner = Some(Owner { kind: "Job", name: "<img onerror=alert(1)>" });
        let usage = Usage { owner, user: "kim", ..Usage::of_pod("ci", &pinned) };
        remembering.gathered.used.add(&usage);
        let broken = Usage { count: 3, last_seen: Some(0), ..Usage::of_pod("ci", "a b\u{202e}") };
        remembering.gathered.refused.add(&broken);
        remembering.gathered.refused.add(&Usage::of_pod("ci", "nginx"));
        remembering.gaps.push("two is not known".to_owned());
        let page: Value = serde_json::from_slice(&rendered(&remembering, 7)).unwrap();
        assert_eq!((&page["at"], &page["gaps"][0]), (&7.into(), &"two is not known".into()));
        let rows = page["images"].as_array().unwrap();
        let find = |image: &str| rows.iter().find(|row| row["image"] == image).unwrap();
        let web = find(&pinned);
        assert_eq!(web["registry"], "quay.io");
        assert_eq!((&web["tag"], &web["pinned"]), (&"1".into(), &true.into()));
        assert_eq!(web["owner"], "Job/<img onerror=alert(1)>");
        let broken = find("a b\u{202e}");
        assert!(broken["registry"].is_null(), "{broken}");
        assert_eq!(broken["lastSeen"], "1970-01-01T00:00:00Z");
        assert_eq!((&broken["refused"], &broken["count"]), (&true.into(), &3.into()));
        let nginx = find("nginx");
        assert_eq!(
            (&nginx["registry"], &nginx["repository"]),
            (&"docker.io".into(), &"library/nginx".into())
        );
        assert!(nginx["tag"].is_null());
    }

    #[test]
    fn an_image_is_explained_by_the_policy_that_is_enforced() {
        let asked = Asked::of("image=evil.example%2Fx%3A1&namespace=ci&user=kim&new=1").unwrap();
        assert!(Asked::of("namespace=ci").is_none());
        let none = explanation(&[], &asked, None).unwrap_err();
        assert_eq!(none.message(), "no replica says which policy it enforces");
        let text = "allowedRegistries: [docker.io]\n";
        let (policy, _) = compile(&Documents::full_form(text)).unwrap();
        let page = json!({ "hash": policy.hash(), "policy": policy.normal_form() });
        let said = Said { page: serde_json::from_value(page).unwrap(), ..Said::default() };
        let replica = Replica { name: "one".to_owned(), pod: None, said: Ok(said) };
        let explained = explanation(&[replica], &asked, None).unwrap();
        assert_eq!(explained["verdict"], "deny");
        assert_eq!((&explained["namespace"], &explained["user"]), (&"ci".into(), &"kim".into()));
        let failed =
            explained["steps"].as_array().unwrap().iter().find(|step| step["passed"] == false);
        assert_eq!(failed.unwrap()["rule"], "untrusted-registry");
        assert!(explained["messages"][0].as_str().unwrap().contains("untrusted registry"));
        assert!(!explained["remedies"].as_array().unwrap().is_empty(), "{explained}");
    }
}

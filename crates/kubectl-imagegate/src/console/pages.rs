//! Why an image gets its verdict, and errors, as the page shows them.

use std::borrow::Cow;

use imagegate_core::policy::Subject;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::cluster::Fault;
use crate::explain::Answer;
use crate::gate::{InForce, Reach, Replica};

/// Why an image gets the verdict that it gets, by the policy that the replicas enforce.
pub(super) fn explanation(
    replicas: &[Replica],
    asked: &Asked<'_>,
    reach: Option<&Reach>,
) -> Result<Value, Fault> {
    let in_force = InForce::of_replicas(replicas)?
        .ok_or_else(|| Fault::lost("no replica says which policy it enforces"))?;
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
    use serde_json::json;

    use super::{Asked, explanation};
    use crate::gate::{Replica, Said};

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

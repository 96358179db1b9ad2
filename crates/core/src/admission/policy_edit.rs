//! An edit of the ConfigMap that holds the policy, judged before it is stored.
//!
//! What is not the policy (no label `imagegate/policy=true`, neither now nor before) is accepted
//! unseen.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bad_review::BadReview;
use super::envelope::Envelope;
use super::guard::Guarded;
use super::operation::{ApiVersion, Operation};
use super::strict::{Object, Text};
use crate::policy::{
    Difference, Documents, Policy, Problem, Problems, Warning, compile, compile_candidate,
};

/// The label of the ConfigMap that holds the policy.
pub const POLICY_LABEL: &str = "imagegate/policy";

/// A parsed request to create or update a ConfigMap.
#[derive(Debug)]
pub struct PolicyEdit<'a> {
    version: ApiVersion,
    uid: Text<'a>,
    user: Text<'a>,
    /// The keys that would be mounted; `None` where there is nothing to judge.
    keys: Option<BTreeMap<String, Vec<u8>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigMap {
    metadata: Option<Object<Metadata>>,
    data: Option<Object<BTreeMap<String, String>>>,
    binary_data: Option<Object<BTreeMap<String, String>>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    labels: Option<Object<BTreeMap<String, String>>>,
}

impl<'a> PolicyEdit<'a> {
    /// Parses a request body.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview of a ConfigMap.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        let Envelope { version, operation, request } = Envelope::<'a, ConfigMap>::parse(body)?;
        let user = request.user_info.map(|Object(user)| user).unwrap_or_default();
        let keys = match (operation, request.object) {
            (Operation::Create | Operation::Update, None) => return Err(BadReview::NoObject),
            // Taking the label away in the same edit does not take the edit out of sight.
            (Operation::Create | Operation::Update, Some(Object(object))) => {
                let old = request.old_object.as_deref();
                let is_policy = object.is_policy() || old.is_some_and(ConfigMap::is_policy);
                is_policy.then(|| object.keys())
            }
            (Operation::Connect | Operation::Delete, _) => None,
        };
        let uid = request.uid.unwrap_or_default();
        Ok(Self { version, uid, user: user.username.unwrap_or_default(), keys })
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Compiles the edit. A loosening one is accepted with a warning that names what it loosens;
    /// `variables` are those of the process, `in_force` is what it would replace.
    #[must_use]
    pub fn judge(
        self,
        variables: &BTreeMap<String, String>,
        in_force: Option<&Policy>,
    ) -> (Guarded, Vec<u8>) {
        let Self { version, uid, user: _, keys } = self;
        let guarded = match keys {
            None => Guarded::Accepted(Vec::new()),
            Some(keys) => {
                let documents = Documents { variables: variables.clone(), volume: Some(keys) };
                judge(&documents, in_force)
            }
        };
        let answer = guarded.render(version, &uid);
        (guarded, answer)
    }
}

impl ConfigMap {
    fn is_policy(&self) -> bool {
        let labels = self.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
        labels.and_then(|labels| labels.get(POLICY_LABEL)).is_some_and(|value| value == "true")
    }

    fn keys(self) -> BTreeMap<String, Vec<u8>> {
        let data = self.data.map(|Object(data)| data).unwrap_or_default();
        // Mounted too, as bytes that no policy is written in.
        let binary = self.binary_data.map(|Object(data)| data).unwrap_or_default();
        let mut keys: BTreeMap<_, _> =
            data.into_iter().map(|(key, text)| (key, text.into_bytes())).collect();
        keys.extend(binary.into_keys().map(|key| (key, vec![0xff])));
        keys
    }
}

fn judge(documents: &Documents, in_force: Option<&Policy>) -> Guarded {
    let (policy, mut warnings) = match compile(documents) {
        Ok(compiled) => compiled,
        Err(problems) => return refused("policy", &problems),
    };
    match compile_candidate(documents) {
        None => {}
        Some(Ok((_, of_candidate))) => warnings.extend(of_candidate),
        Some(Err(problems)) => return refused("candidate policy", &problems),
    }
    let mut texts = Vec::new();
    if let Some(in_force) = in_force {
        let difference = Difference::between(in_force, &policy);
        let loosening = difference.changes.into_iter().filter(|change| change.loosens);
        texts.extend(loosening.map(|change| format!("this loosens the policy: {}", change.text)));
    }
    // A warning of the API server is one line, so the hint stays behind.
    let without_hint = |Warning(warning)| Problem { hint: None, ..warning }.to_string();
    texts.extend(warnings.into_iter().map(without_hint));
    Guarded::Accepted(texts)
}

fn refused(what: &str, problems: &Problems) -> Guarded {
    Guarded::Refused(format!("the {what} is not valid:\n{problems}"))
}

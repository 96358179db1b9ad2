//! An edit of the ConfigMap that holds the policy, judged before it is stored.
//!
//! What is not the policy (no label `imagegate/policy=true`, neither now nor before) is accepted
//! unseen.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bad_review::BadReview;
use super::envelope::Envelope;
use super::guard::{Guarded, MOST_WARNINGS};
use super::operation::{ApiVersion, Operation};
use super::strict::{Object, Text};
use crate::policy::{
    Difference, Documents, Policy, Problem, Problems, Warning, compile, compile_candidate,
};

/// The label of the ConfigMap that holds the policy.
pub const POLICY_LABEL: &str = "imagegate/policy";

/// Bytes of all keys together: the API server refuses a ConfigMap that is larger, `MaxSecretSize`
/// of `pkg/apis/core/types.go`. So what is larger was not sent by it.
const LARGEST: usize = 1 << 20;

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
            Some(keys) if keys.values().map(Vec::len).sum::<usize>() > LARGEST => {
                Guarded::Refused("a ConfigMap holds at most 1 MiB".to_owned())
            }
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
        let left_out = difference.left_out_loosening;
        let loosening = difference.changes.into_iter().filter(|change| change.loosens);
        texts.extend(loosening.map(|change| format!("this loosens the policy: {}", change.text)));
        // One place for the count of those, and one for that of the warnings below.
        cut(&mut texts, MOST_WARNINGS - 1, left_out, "loosening changes");
    }
    // A warning of the API server is one line, so the hint stays behind.
    let without_hint = |Warning(warning)| Problem { hint: None, ..warning }.to_string();
    texts.extend(warnings.into_iter().map(without_hint));
    cut(&mut texts, MOST_WARNINGS, 0, "warnings");
    Guarded::Accepted(texts)
}

/// Cuts `texts` to `most`, the last of which counts what is not shown, with `more` that never were
/// among them.
fn cut(texts: &mut Vec<String>, most: usize, more: usize, what: &str) {
    if texts.len() <= most && more == 0 {
        return;
    }
    let shown = texts.len().min(most - 1);
    let left_out = texts.len() - shown + more;
    texts.truncate(shown);
    texts.push(format!("and {left_out} more {what}"));
}

fn refused(what: &str, problems: &Problems) -> Guarded {
    Guarded::Refused(format!("the {what} is not valid:\n{problems}"))
}

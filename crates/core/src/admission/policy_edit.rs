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
use super::overwritten;
use super::strict::{Object, Text};
use crate::policy::{
    Difference, Documents, MATCH_CONDITIONS, Policy, Problem, Problems, UnchangedUpdates, Warning,
    compile, compile_candidate,
};

/// The label of the ConfigMap that holds the policy.
pub const POLICY_LABEL: &str = "imagegate/policy";

/// A parsed request to create or update a ConfigMap.
#[derive(Debug)]
pub struct PolicyEdit<'a> {
    version: ApiVersion,
    uid: Text<'a>,
    user: Text<'a>,
    /// `None` where there is nothing to judge.
    edited: Option<Edited>,
}

/// What an edit leaves behind.
#[derive(Debug)]
struct Edited {
    /// The keys that would be mounted.
    keys: BTreeMap<String, Vec<u8>>,
    unchanged_updates: UnchangedUpdates,
    /// Who will overwrite it.
    overwritten: Vec<String>,
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
    annotations: Option<Object<BTreeMap<String, String>>>,
}

impl<'a> PolicyEdit<'a> {
    /// Parses a request body.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview of a ConfigMap.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        let Envelope { version, operation, request } = Envelope::<'a, ConfigMap>::parse(body)?;
        let user = request.user_info.map(|Object(user)| user).unwrap_or_default();
        let edited = match (operation, request.object) {
            (Operation::Create | Operation::Update, None) => return Err(BadReview::NoObject),
            // Taking the label away in the same edit does not take the edit out of sight.
            (Operation::Create | Operation::Update, Some(Object(object))) => {
                let old = request.old_object.map(|Object(old)| old);
                let is_policy =
                    object.is_policy() || old.as_ref().is_some_and(ConfigMap::is_policy);
                is_policy.then(|| Edited::new(object, old))
            }
            (Operation::Connect | Operation::Delete, _) => None,
        };
        let uid = request.uid.unwrap_or_default();
        Ok(Self { version, uid, user: user.username.unwrap_or_default(), edited })
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
        let Self { version, uid, user: _, edited } = self;
        let guarded = edited.map_or(Guarded::Accepted(Vec::new()), |edited| {
            edited.judge(variables.clone(), in_force)
        });
        let answer = guarded.render(version, &uid);
        (guarded, answer)
    }
}

impl ConfigMap {
    fn is_policy(&self) -> bool {
        let labels = self.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
        labels.and_then(|labels| labels.get(POLICY_LABEL)).is_some_and(|value| value == "true")
    }

    fn annotations(&self) -> Option<&BTreeMap<String, String>> {
        let Object(annotations) = self.metadata.as_ref()?.annotations.as_ref()?;
        Some(annotations)
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

impl Edited {
    /// `old` is what an update replaces. An owner that makes the ConfigMap anew is told nothing, nor
    /// is whoever leaves the keys as they were.
    fn new(object: ConfigMap, old: Option<ConfigMap>) -> Self {
        let annotations = object.annotations().cloned().unwrap_or_default();
        let annotation = annotations.get(MATCH_CONDITIONS).map(String::as_str);
        let unchanged_updates = UnchangedUpdates::of(annotation);
        let keys = object.keys();
        let changed = old.is_some_and(|old| old.keys() != keys);
        let overwritten =
            if changed { overwritten::warnings(&annotations, &keys) } else { Vec::new() };
        Self { keys, unchanged_updates, overwritten }
    }

    fn judge(self, variables: BTreeMap<String, String>, in_force: Option<&Policy>) -> Guarded {
        let Self { keys, unchanged_updates, overwritten } = self;
        let documents = Documents { variables, volume: Some(keys) };
        let (policy, mut warnings) = match compile(&documents) {
            Ok(compiled) => compiled,
            Err(problems) => return refused("policy", &problems),
        };
        match compile_candidate(&documents) {
            None => {}
            Some(Ok((_, of_candidate))) => warnings.extend(of_candidate),
            Some(Err(problems)) => return refused("candidate policy", &problems),
        }
        let mut texts = overwritten;
        texts.extend(unchanged_updates.warning(&policy).map(str::to_owned));
        if let Some(in_force) = in_force {
            let difference = Difference::between(in_force, &policy);
            let loosening = difference.changes.into_iter().filter(|change| change.loosens);
            texts.extend(
                loosening.map(|change| format!("this loosens the policy: {}", change.text)),
            );
        }
        // A warning of the API server is one line, so the hint stays behind.
        let without_hint = |Warning(warning)| Problem { hint: None, ..warning }.to_string();
        texts.extend(warnings.into_iter().map(without_hint));
        Guarded::Accepted(texts)
    }
}

fn refused(what: &str, problems: &Problems) -> Guarded {
    Guarded::Refused(format!("the {what} is not valid:\n{problems}"))
}

//! An edit of a namespace, judged by who may exempt a namespace from the webhook.
//!
//! Only the opt-out label matters: an edit that does not change it is accepted.

use std::borrow::Cow;

use serde::Deserialize;

use super::bad_review::BadReview;
use super::envelope::Envelope;
use super::guard::Guarded;
use super::label::{LabelName, Metadata};
use super::operation::{ApiVersion, Operation};
use super::strict::{Object, Text};
use crate::policy::OptOut;

/// The label that exempts a namespace from the webhook.
pub const OPT_OUT_LABEL: &str = "imagegate/disable-filtering";

/// A parsed request to create or update a namespace.
#[derive(Debug)]
pub struct NamespaceEdit<'a> {
    version: ApiVersion,
    uid: Text<'a>,
    name: Text<'a>,
    user: Text<'a>,
    groups: Vec<Cow<'a, str>>,
    touches_label: bool,
}

#[derive(Debug, Deserialize)]
struct Namespace<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Metadata<'a, OptOutLabel>>>,
}

#[derive(Debug)]
struct OptOutLabel;

impl LabelName for OptOutLabel {
    const NAME: &'static str = OPT_OUT_LABEL;
}

impl<'a> NamespaceEdit<'a> {
    /// Parses a request body.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview of a namespace.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        let Envelope { version, operation, request } = Envelope::<'a, Namespace<'a>>::parse(body)?;
        let user = request.user_info.map(|Object(user)| user).unwrap_or_default();
        let touches_label = match operation {
            Operation::Create | Operation::Update => {
                let object = request.object.ok_or(BadReview::NoObject)?;
                let old = request.old_object.as_deref().and_then(Namespace::label);
                object.label() != old
            }
            Operation::Connect | Operation::Delete => false,
        };
        let groups = user.groups.into_iter().flat_map(|groups| groups.listed);
        Ok(Self {
            version,
            uid: request.uid.unwrap_or_default(),
            name: request.name.unwrap_or_default(),
            user: user.username.unwrap_or_default(),
            groups: groups.map(|Text(group)| group).collect(),
            touches_label,
        })
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The namespace's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses a change of the label by anyone whom the policy does not name.
    #[must_use]
    pub fn judge(&self, opt_out: &OptOut) -> (Guarded, Vec<u8>) {
        let guarded = if self.touches_label && !opt_out.permits(&self.user, &self.groups) {
            Guarded::Refused(format!(
                "the label `{OPT_OUT_LABEL}` may be set and removed only by those whom \
                 `namespaceOptOut` of the image policy names"
            ))
        } else {
            Guarded::Accepted(Vec::new())
        };
        let answer = guarded.render(self.version, &self.uid);
        (guarded, answer)
    }
}

impl Namespace<'_> {
    /// The value of the opt-out label.
    fn label(&self) -> Option<&str> {
        Metadata::label(self.metadata.as_ref()).map(AsRef::as_ref)
    }
}

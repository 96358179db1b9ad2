//! AdmissionReview bytes in, images out; a verdict in, AdmissionReview bytes out.
//!
//! Pure: no IO, no clock but the one passed in.

use crate::policy::{Policy, Verdict};

/// The `admission.k8s.io` versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// `admission.k8s.io/v1`
    V1,
    /// `admission.k8s.io/v1beta1`
    V1Beta1,
}

/// What is being done to the object. A closed set: anything else is a bad review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `CONNECT`
    Connect,
    /// `CREATE`
    Create,
    /// `DELETE`
    Delete,
    /// `UPDATE`
    Update,
}

impl Operation {
    /// The name used by Kubernetes, in metrics and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Update => "UPDATE",
        }
    }
}

/// Why a body is not an admission review that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stub")]
pub struct BadReview;

/// A parsed admission request that borrows from its body.
#[derive(Debug)]
pub struct Review<'a> {
    uid: std::borrow::Cow<'a, str>,
}

impl<'a> Review<'a> {
    /// Parses a request body.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview with a request that names its uid.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        // SKELETON: replaced by the admission worker.
        let _ = body;
        Ok(Self { uid: "".into() })
    }

    /// The request's uid, echoed in the answer.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// What is being done.
    #[must_use]
    pub fn operation(&self) -> Operation {
        Operation::Create
    }

    /// The namespace; empty for a cluster-wide object.
    #[must_use]
    pub fn namespace(&self) -> &str {
        ""
    }

    /// The object's name; empty where the server has yet to generate it.
    #[must_use]
    pub fn name(&self) -> &str {
        ""
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        ""
    }

    /// The object's kind, for logs: `Pod`, `Deployment`, ….
    #[must_use]
    pub fn kind(&self) -> &str {
        ""
    }

    /// Whether nothing will be stored.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        false
    }

    /// Judges the request by `policy`: the images in reach, narrowed to what an update changed.
    /// `pinned` is the override that the request's path names; `now` is in Unix seconds.
    #[must_use]
    pub fn judge<'p>(&self, policy: &'p Policy, pinned: Option<&str>, now: i64) -> Verdict<'p> {
        // SKELETON: replaced by the admission worker.
        let _ = (pinned, now, self);
        let subject = crate::policy::Subject {
            namespace: "",
            user: "",
            groups: &[],
            workload: crate::policy::Workload::Pod,
            pinned,
            now,
        };
        policy.evaluate(&subject, [])
    }

    /// Renders the answer: same apiVersion and uid, a denial as 403 Forbidden with its causes.
    #[must_use]
    pub fn answer(&self, verdict: &Verdict<'_>) -> Vec<u8> {
        // SKELETON: replaced by the admission worker.
        let _ = (self, verdict);
        Vec::new()
    }
}

//! A request, judged and answered.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use smallvec::SmallVec;

use super::bad_review::BadReview;
use super::envelope::{Envelope, Request};
use super::operation::{ApiVersion, Operation};
use super::pod_spec::Images;
use super::reach::Reach;
use super::response;
use super::strict::{Object, Text};
use super::workload::{WorkloadKind, WorkloadObject};
use crate::policy::{
    ContainerImage, Field, ImageList, Policy, Subject, UpdateScope, Verdict, Workload,
};

/// A parsed admission request that borrows from its body.
#[derive(Debug)]
pub struct Review<'a> {
    version: ApiVersion,
    uid: Cow<'a, str>,
    operation: Operation,
    kind: Cow<'a, str>,
    namespace: Cow<'a, str>,
    name: Cow<'a, str>,
    user: Cow<'a, str>,
    groups: SmallVec<[Cow<'a, str>; 4]>,
    dry_run: bool,
    workload: Workload,
    images: Images<'a>,
    /// The references of the object that is updated; `None` where there is none.
    old_references: Option<Vec<Cow<'a, str>>>,
}

impl<'a> Review<'a> {
    /// Parses a request body.
    ///
    /// Images are looked for in the built-in workloads, on CREATE and UPDATE. The subresources
    /// `status` and `resize` carry a workload and cannot change an image; any other that carries
    /// one is judged, since a later version of Kubernetes may add one that can.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview with a request that names its uid and its kind, or
    /// holds no object where one is judged, or one that may name images and is of no known kind.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        match Envelope::<WorkloadObject<'a>>::parse(body) {
            Ok(envelope) => Self::of(envelope),
            Err(error @ BadReview::Malformed { .. }) => {
                // An object of another kind may give the same fields another type; nothing of it
                // is judged, so nothing of it has to be understood.
                let envelope = Envelope::<IgnoredAny>::parse(body).map_err(|_| error.clone())?;
                match Reach::of(envelope.operation, &envelope.request)? {
                    Reach::NoImages => Ok(Self::without_images(envelope)),
                    Reach::Doubtful | Reach::Judged(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The request's uid, echoed in the answer.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The version in which the answer must be given.
    #[must_use]
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// What is being done.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The namespace; empty for a cluster-wide object.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The object's name; empty where the server has yet to generate it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's groups.
    #[must_use]
    pub fn groups(&self) -> &[Cow<'a, str>] {
        &self.groups
    }

    /// The object's kind, for logs: `Pod`, `Deployment`, ….
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether nothing will be stored.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Every image in reach, before an update's scope is looked at; of a longer list the first 1,000.
    #[must_use]
    pub fn images(&self) -> &[ContainerImage<'a>] {
        &self.images.listed
    }

    /// Judges the request by `policy`: the images in reach, narrowed to what an update changed.
    /// `pinned` is the override that the request's path names; `now` is in Unix seconds.
    #[must_use]
    pub fn judge<'p>(&self, policy: &'p Policy, pinned: Option<&str>, now: i64) -> Verdict<'p> {
        let subject = Subject {
            namespace: &self.namespace,
            user: &self.user,
            groups: &self.groups,
            workload: self.workload,
            pinned,
            now,
        };
        let applicable = policy.applicable(&subject);
        let old = match applicable.update_scope() {
            UpdateScope::All => None,
            UpdateScope::Changed => self.old_references.as_ref(),
        };
        let is_new = |image: &&ContainerImage<'_>| match (&image.image, old) {
            (Some(image), Some(old)) => old.binary_search(image).is_err(),
            _ => true,
        };
        let Images { listed, excess } = &self.images;
        applicable.evaluate(listed.iter().filter(is_new), excess)
    }

    /// Renders the answer: same apiVersion and uid, a denial as 403 with its causes.
    #[must_use]
    pub fn answer(&self, verdict: &Verdict<'_>) -> Vec<u8> {
        response::render(self.version, &self.uid, verdict)
    }

    fn of(mut envelope: Envelope<'a, WorkloadObject<'a>>) -> Result<Self, BadReview> {
        let request = &mut envelope.request;
        let kind = match Reach::of(envelope.operation, request)? {
            Reach::Judged(kind) => kind,
            Reach::NoImages => return Ok(Self::without_images(envelope)),
            Reach::Doubtful => {
                let object = request.object.take();
                if object.is_some_and(|Object(object)| object.names_images()) {
                    return Err(BadReview::UnknownKind);
                }
                return Ok(Self::without_images(envelope));
            }
        };
        let Object(object) = request.object.take().ok_or(BadReview::NoObject)?;
        let mut images = kind.images(object);
        let old_references = match envelope.operation {
            Operation::Update => {
                let old = request.old_object.take().map(|Object(object)| kind.images(object));
                let references =
                    old.map(|old| old.listed.into_iter().filter_map(|each| each.image));
                references.map(|references| {
                    let mut references: Vec<_> = references.collect();
                    references.sort_unstable();
                    references
                })
            }
            _ => None,
        };
        if kind == WorkloadKind::Pod && images.listed.is_empty() {
            images.listed.push(missing_container(request));
        }
        let mut review = Self::without_images(envelope);
        review.workload = kind.workload();
        review.images = images;
        review.old_references = old_references;
        Ok(review)
    }

    fn without_images<O>(envelope: Envelope<'a, O>) -> Self {
        let Envelope { version, operation, request } = envelope;
        let user = request.user_info.map(|Object(user)| user).unwrap_or_default();
        let kind = request.kind.map(|Object(kind)| kind).unwrap_or_default();
        let groups = user.groups.map(|groups| groups.listed).unwrap_or_default();
        let groups = groups.into_iter().map(|Text(group)| group).collect();
        Self {
            version,
            uid: request.uid.unwrap_or_default().0,
            operation,
            kind: kind.kind.unwrap_or_default().0,
            namespace: request.namespace.unwrap_or_default().0,
            name: request.name.unwrap_or_default().0,
            user: user.username.unwrap_or_default().0,
            groups,
            dry_run: request.dry_run.unwrap_or(false),
            workload: Workload::Pod,
            images: Images::default(),
            old_references: None,
        }
    }
}

/// Stands for the container that a Pod must have.
fn missing_container<'a, O>(request: &Request<'a, O>) -> ContainerImage<'a> {
    let name = request.name.as_ref().filter(|name| !name.is_empty());
    ContainerImage {
        container: name.map_or(Cow::Borrowed("pod"), |Text(name)| name.clone()),
        image: None,
        field: Field { pod_spec: "spec", list: ImageList::Containers, index: 0 },
    }
}

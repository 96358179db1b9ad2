//! An admission request: parsed, judged and answered.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::bad_review::BadReview;
use super::envelope::{Envelope, Request};
use super::named;
use super::operation::{ApiVersion, Operation};
use super::pod_spec::Images;
use super::reach::Reach;
use super::response;
use super::strict::{Object, Text};
use super::workload::{WorkloadKind, WorkloadObject};
use crate::policy::{
    ContainerImage, Field, ImageList, PodSpecPath, Policy, Subject, Unread, UpdateScope, Verdict,
    WhyUnread, Workload, Workloads,
};
use crate::usage::Owner;

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
    /// Kind and name of the controller that owns the object.
    controller: Option<(Cow<'a, str>, Cow<'a, str>)>,
    images: Images<'a>,
    /// What the old object of an update has; `None` if there is none.
    old: Option<Old<'a>>,
    /// Whether a policy decides which of the object's images are judged, by naming its kind.
    is_custom: bool,
}

/// The images of an object before an update.
#[derive(Debug)]
struct Old<'a> {
    /// The references, sorted.
    references: Vec<Cow<'a, str>>,
    /// What was no pod spec before either.
    unread: Vec<Unread>,
}

impl<'a> Review<'a> {
    /// Parses a request body; images are those of the built-in workloads.
    ///
    /// # Errors
    /// As [`Review::parse_with`].
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        Self::parse_with(body, Workloads::none())
    }

    /// Parses a request body.
    ///
    /// Images are collected from the built-in workloads and from `workloads`, those that the policy
    /// names, on CREATE and UPDATE. The subresources
    /// `status` and `resize` carry a workload but cannot change an image. Any other subresource
    /// that carries one is judged, since a later version of Kubernetes may add one that can.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview with a uid and a kind, lacks an object that has to
    /// be judged, or holds an object of unknown kind that may name images.
    pub fn parse_with(body: &'a [u8], workloads: &Workloads) -> Result<Self, BadReview> {
        match Envelope::<WorkloadObject<'a>>::parse(body) {
            Ok(envelope) => match Reach::of(envelope.operation, &envelope.request, workloads)? {
                Reach::Judged(kind) => Self::of(envelope, kind),
                Reach::Doubtful => Self::doubtful(envelope),
                Reach::NoImages => Ok(Self::custom(envelope)),
                Reach::Named(pod_specs) => Self::named(body, pod_specs),
            },
            Err(error @ BadReview::Malformed { .. }) => {
                // Another kind of object may have the same fields with other types. It is not
                // judged, so it need not be understood.
                let envelope = Envelope::<IgnoredAny>::parse(body).map_err(|_| error.clone())?;
                match Reach::of(envelope.operation, &envelope.request, workloads)? {
                    Reach::NoImages => Ok(Self::custom(envelope)),
                    Reach::Doubtful | Reach::Judged(_) => Err(error),
                    Reach::Named(pod_specs) => Self::named(body, pod_specs),
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

    /// The version that the answer must have.
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

    /// The object's name; empty if the server has yet to generate it.
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

    /// What the policy takes the images' owner for.
    #[must_use]
    pub fn workload(&self) -> Workload {
        self.workload
    }

    /// Whether the workloads that a policy names decide which images the request has.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.is_custom
    }

    /// The controller that owns the object, or else the object itself. For people: nobody checks
    /// what an object says of its owner.
    #[must_use]
    pub fn owner(&self) -> Owner<'_> {
        match &self.controller {
            Some((kind, name)) => Owner { kind, name },
            None => Owner { kind: &self.kind, name: &self.name },
        }
    }

    /// Whether this is a dry run, which stores nothing.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Every image to be judged, regardless of an update's scope; of a longer list, the first
    /// 1,000.
    #[must_use]
    pub fn images(&self) -> &[ContainerImage<'a>] {
        &self.images.listed
    }

    /// Judges the request by `policy`: its images, narrowed to those that an update changed.
    /// `pinned` is the override that the request's path names; `now` is in Unix seconds.
    #[must_use]
    pub fn judge<'p>(&self, policy: &'p Policy, pinned: Option<&str>, now: i64) -> Verdict<'p> {
        let subject = self.subject(pinned, now);
        let applicable = policy.applicable(&subject);
        let scope = applicable.update_scope();
        let old = self.old_in(scope);
        // What was no pod spec before, and is the same still, must not keep labels and finalizers from
        // changing.
        let is_new = |part: &&Unread| old.is_none_or(|old| !old.unread.contains(*part));
        applicable.evaluate(self.in_scope(scope), self.images.unread.iter().filter(is_new))
    }

    /// The images that [`Review::judge`] looks at, of each list at most the first 1,000: all of
    /// them, or those that an update changed. On a DELETE there are none.
    pub fn judged<'s>(
        &'s self,
        policy: &Policy,
        pinned: Option<&str>,
    ) -> impl Iterator<Item = &'s ContainerImage<'s>> + use<'s, 'a> {
        // The scope of an update does not depend on the time.
        self.in_scope(policy.applicable(&self.subject(pinned, 0)).update_scope())
    }

    fn in_scope<'s>(
        &'s self,
        scope: UpdateScope,
    ) -> impl Iterator<Item = &'s ContainerImage<'s>> + use<'s, 'a> {
        let old = self.old_in(scope);
        let listed = self.images.listed.iter().map(|image| -> &ContainerImage<'s> { image });
        listed.filter(move |image| match (&image.image, old) {
            (Some(image), Some(old)) => old.references.binary_search(image).is_err(),
            _ => true,
        })
    }

    /// What an update of this scope is compared with.
    fn old_in(&self, scope: UpdateScope) -> Option<&Old<'a>> {
        match scope {
            UpdateScope::All => None,
            UpdateScope::Changed => self.old.as_ref(),
        }
    }

    fn subject<'s>(&'s self, pinned: Option<&'s str>, now: i64) -> Subject<'s> {
        Subject {
            namespace: &self.namespace,
            user: &self.user,
            groups: &self.groups,
            workload: self.workload,
            pinned,
            now,
        }
    }

    /// Renders the answer, with the same apiVersion and uid. A denial is a 403 with its causes.
    #[must_use]
    pub fn answer(&self, verdict: &Verdict<'_>) -> Vec<u8> {
        response::render(self.version, &self.uid, verdict)
    }

    fn of(
        mut envelope: Envelope<'a, WorkloadObject<'a>>,
        kind: WorkloadKind,
    ) -> Result<Self, BadReview> {
        let request = &mut envelope.request;
        let Object(mut object) = request.object.take().ok_or(BadReview::NoObject)?;
        let controller = object.take_controller();
        let mut images = kind.images(object);
        let old = match envelope.operation {
            Operation::Update => request.old_object.take().map(|Object(old)| kind.images(old)),
            _ => None,
        };
        if kind == WorkloadKind::Pod && images.listed.is_empty() {
            images.listed.push(missing_container(request));
        }
        let mut review = Self::without_images(envelope);
        review.workload = kind.workload();
        review.controller = controller;
        review.images = images;
        review.old = old.map(Old::of);
        Ok(review)
    }

    /// A kind that is not known, of a resource that does not rule out images.
    fn doubtful(mut envelope: Envelope<'a, WorkloadObject<'a>>) -> Result<Self, BadReview> {
        let object = envelope.request.object.take();
        if object.is_some_and(|Object(object)| object.names_images()) {
            return Err(BadReview::UnknownKind);
        }
        Ok(Self::without_images(envelope))
    }

    /// A kind that the policy names. The body is read once more, since the place of its images was
    /// not known the first time.
    fn named(body: &'a [u8], pod_specs: &[PodSpecPath]) -> Result<Self, BadReview> {
        let mut envelope = Envelope::<&'a RawValue>::parse(body)?;
        let request = &mut envelope.request;
        let Object(object) = request.object.take().ok_or(BadReview::NoObject)?;
        let old = match envelope.operation {
            Operation::Update => request.old_object.take(),
            _ => None,
        };
        let mut review = Self::custom(envelope);
        review.workload = Workload::Template;
        review.images = named::images(object, pod_specs);
        review.old = old.map(|Object(old)| Old::of(named::images(old, pod_specs)));
        Ok(review)
    }

    /// A request of a kind that is not built in.
    fn custom<O>(envelope: Envelope<'a, O>) -> Self {
        Self { is_custom: true, ..Self::without_images(envelope) }
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
            controller: None,
            images: Images::default(),
            old: None,
            is_custom: false,
        }
    }
}

impl<'a> Old<'a> {
    fn of(images: Images<'a>) -> Self {
        let Images { listed, mut unread } = images;
        let mut references: Vec<_> = listed.into_iter().filter_map(|each| each.image).collect();
        references.sort_unstable();
        unread.retain(|part| matches!(part.why, WhyUnread::NoPodSpec(_)));
        Self { references, unread }
    }
}

/// Stands in for the container that every Pod must have.
fn missing_container<'a, O>(request: &Request<'a, O>) -> ContainerImage<'a> {
    let name = request.name.as_ref().filter(|name| !name.is_empty());
    ContainerImage {
        container: name.map_or(Cow::Borrowed("pod"), |Text(name)| name.clone()),
        image: None,
        field: Field { pod_spec: "spec".into(), list: ImageList::Containers, index: 0 },
    }
}

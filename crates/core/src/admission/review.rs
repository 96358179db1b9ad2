//! An admission request: parsed, judged and answered.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::bad_review::BadReview;
use super::envelope::{Envelope, Request};
use super::labels;
use super::named::{self, Pods};
use super::operation::{ApiVersion, Operation};
use super::pod_spec::Images;
use super::reach::Reach;
use super::response;
use super::strict::{Object, Text};
use super::workload::{WorkloadKind, WorkloadObject};
use crate::policy::{
    Applicable, ContainerImage, Field, ImageList, Labels, ObjectKind, PodLabels, PodSpecPath,
    Policy, PullPolicy, Reading, Subject, Unread, UpdateScope, Verdict, WhyUnread, Workload,
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
    /// The images by the labels of their Pods; empty where no policy goes by labels.
    pods: Vec<Pods<'a>>,
    /// The labels of a built-in workload before an update.
    old_labels: Option<Labels<'a>>,
    /// The group of the object's kind.
    group: Cow<'a, str>,
    /// Whether a policy decides which of the object's images are judged, by naming its kind.
    is_custom: bool,
}

/// The images of an object before an update.
#[derive(Debug)]
struct Old<'a> {
    /// The references, sorted, each with how it was used.
    references: Vec<(Cow<'a, str>, ImageList, PullPolicy)>,
    /// What was no pod spec before either.
    unread: Vec<Unread>,
}

impl<'a> Review<'a> {
    /// Parses a request body; images are those of the built-in workloads.
    ///
    /// # Errors
    /// As [`Review::parse_with`].
    pub fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        Self::parse_with(body, Reading::default())
    }

    /// Parses a request body as far as policies want to know, which [`Policy::reading`] says.
    ///
    /// Images are collected from the built-in workloads and from those that the policy names, on CREATE
    /// and UPDATE. The subresources
    /// `status` and `resize` carry a workload but cannot change an image. Any other subresource
    /// that carries one is judged, since a later version of Kubernetes may add one that can.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview with a uid and a kind, lacks an object that has to
    /// be judged, or holds an object of unknown kind that may name images.
    pub fn parse_with(body: &'a [u8], reading: Reading<'_>) -> Result<Self, BadReview> {
        let Reading { workloads, labels } = reading;
        match Envelope::<WorkloadObject<'a>>::parse(body) {
            Ok(envelope) => match Reach::of(envelope.operation, &envelope.request, workloads)? {
                Reach::Judged(kind) => {
                    let mut review = Self::of(envelope, kind)?;
                    if labels {
                        review.read_labels(body, kind)?;
                    }
                    Ok(review)
                }
                Reach::Doubtful => Self::doubtful(envelope),
                Reach::NoImages => Ok(Self::custom(envelope)),
                Reach::Named(pod_specs) => Self::named(body, pod_specs, labels),
            },
            Err(error @ BadReview::Malformed { .. }) => {
                // Another kind of object may have the same fields with other types. It is not
                // judged, so it need not be understood.
                let envelope = Envelope::<IgnoredAny>::parse(body).map_err(|_| error.clone())?;
                match Reach::of(envelope.operation, &envelope.request, workloads)? {
                    Reach::NoImages => Ok(Self::custom(envelope)),
                    Reach::Doubtful | Reach::Judged(_) => Err(error),
                    Reach::Named(pod_specs) => Self::named(body, pod_specs, labels),
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

    /// The kind of object that has the images, as a policy selects by it.
    #[must_use]
    pub fn object_kind(&self) -> ObjectKind<'_> {
        match self.workload {
            // Of the subresource of a Pod, too.
            Workload::Pod => ObjectKind::default(),
            Workload::Template => ObjectKind { group: &self.group, kind: &self.kind },
        }
    }

    /// The labels of the Pods of the object; `None` where it has several, where they were not read, or
    /// where there are none to be read.
    #[must_use]
    pub fn labels(&self) -> Option<&Labels<'a>> {
        match self.pods.as_slice() {
            [Pods { labels, end }] if *end == self.images.listed.len() => labels.as_ref(),
            _ => None,
        }
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
        let is_relabelled = self.is_relabelled(policy);
        let mut verdict: Option<Verdict<'p>> = None;
        for (labels, images) in self.pods() {
            let subject = Subject { labels: labels.into(), ..self.subject(pinned, now) };
            let applicable = policy.applicable(&subject);
            let verdict = verdict.get_or_insert_with(|| applicable.admitting());
            let judged =
                images.iter().filter(|image| self.is_judged(image, &applicable, is_relabelled));
            applicable.judge_all(judged, verdict);
        }
        let verdict = match verdict {
            Some(verdict) if self.images.unread.is_empty() => return verdict,
            verdict => verdict,
        };
        // What stands in the place of a pod spec has no labels.
        let subject = self.subject(pinned, now);
        let applicable = policy.applicable(&subject);
        let mut verdict = verdict.unwrap_or_else(|| applicable.admitting());
        let is_new = |part: &&Unread| {
            // What was no pod spec before, and is the same still, must not keep labels and finalizers from
            // changing.
            let scope = applicable.update_scope(part.first.list.containers());
            self.old_in(scope).is_none_or(|old| !old.unread.contains(*part))
        };
        applicable.refuse_all(self.images.unread.iter().filter(is_new), &mut verdict);
        verdict
    }

    /// The images that [`Review::judge`] looks at, of each list at most the first 1,000: all of
    /// them, or those that an update changed. On a DELETE there are none.
    pub fn judged<'s>(
        &'s self,
        policy: &Policy,
        pinned: Option<&str>,
    ) -> impl Iterator<Item = &'s ContainerImage<'a>> + use<'s, 'a> {
        // Without an update there is nothing to look up.
        let all = self.old.is_none().then(|| self.images.listed.iter());
        let narrowed = self.old.is_some().then(|| self.narrowed(policy, pinned));
        all.into_iter().flatten().chain(narrowed.into_iter().flatten())
    }

    /// The images that an update has to answer for.
    fn narrowed(
        &self,
        policy: &Policy,
        pinned: Option<&str>,
    ) -> SmallVec<[&ContainerImage<'a>; 2]> {
        let is_relabelled = self.is_relabelled(policy);
        let mut judged = SmallVec::new();
        for (labels, images) in self.pods() {
            // The scope of an update does not depend on the time.
            let subject = Subject { labels: labels.into(), ..self.subject(pinned, 0) };
            let applicable = policy.applicable(&subject);
            judged.extend(
                images.iter().filter(|image| self.is_judged(image, &applicable, is_relabelled)),
            );
        }
        judged
    }

    /// The images by the labels of their Pods, as far as those are known.
    fn pods(&self) -> impl Iterator<Item = (Option<&Labels<'a>>, &[ContainerImage<'a>])> {
        let mut start = 0;
        let all = self.images.listed.len();
        let last = self.pods.last().map_or(0, |last| last.end);
        let pods = self.pods.iter().map(|Pods { labels, end }| (labels.as_ref(), *end));
        let rest = (last < all || self.pods.is_empty()).then_some((None, all));
        pods.chain(rest).map(move |(labels, end)| {
            let images = self.images.listed.get(start..end).unwrap_or_default();
            start = end;
            (labels, images)
        })
    }

    /// Whether an update gave the Pods labels by which they are judged otherwise. Then what was admitted
    /// because of the old ones has to be judged again.
    fn is_relabelled(&self, policy: &Policy) -> bool {
        let labels = self.pods.first().and_then(|pods| pods.labels.as_ref());
        labels.zip(self.old_labels.as_ref()).is_some_and(|(new, old)| policy.tells_apart(old, new))
    }

    fn is_judged(
        &self,
        image: &ContainerImage<'_>,
        applicable: &Applicable<'_, '_>,
        is_relabelled: bool,
    ) -> bool {
        let scope = applicable.update_scope(image.field.list.containers());
        match (&image.image, self.old_in(scope)) {
            (Some(reference), Some(old)) if !is_relabelled => !old
                .had(reference, |list, pull_policy| {
                    applicable.judges_alike(image, list, pull_policy)
                }),
            _ => true,
        }
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
            kind: self.object_kind(),
            labels: PodLabels::None,
            pinned,
            now,
        }
    }

    /// Renders the answer, with the same apiVersion and uid. A denial is a 403 with its causes.
    #[must_use]
    pub fn answer(&self, verdict: &Verdict<'_>) -> Vec<u8> {
        response::render(self.version, &self.uid, verdict)
    }

    /// Reads the labels by which the images of a built-in workload are judged.
    fn read_labels(&mut self, body: &'a [u8], kind: WorkloadKind) -> Result<(), BadReview> {
        let Some((new, old)) = labels::of_request(body, kind)? else { return Ok(()) };
        if new.is_cut {
            let pod_spec = kind.labels_path().into();
            let first = Field { pod_spec, list: ImageList::Whole, index: 0 };
            self.images.unread.push(Unread { first, count: 1, why: WhyUnread::ManyLabels });
        }
        self.pods.push(Pods { labels: Some(new.labels), end: self.images.listed.len() });
        self.old_labels = old.map(|old| old.labels);
        Ok(())
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
    fn named(
        body: &'a [u8],
        pod_specs: &[PodSpecPath],
        with_labels: bool,
    ) -> Result<Self, BadReview> {
        let mut envelope = Envelope::<&'a RawValue>::parse(body)?;
        let request = &mut envelope.request;
        let Object(object) = request.object.take().ok_or(BadReview::NoObject)?;
        let old = match envelope.operation {
            Operation::Update => request.old_object.take(),
            _ => None,
        };
        let mut review = Self::custom(envelope);
        review.workload = Workload::Template;
        if with_labels {
            (review.images, review.pods) = named::images_and_pods(object, pod_specs);
        } else {
            review.images = named::images(object, pod_specs);
        }
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
            group: kind.group.unwrap_or_default().0,
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
            pods: Vec::new(),
            old_labels: None,
            is_custom: false,
        }
    }
}

impl<'a> Old<'a> {
    fn of(images: Images<'a>) -> Self {
        let Images { listed, mut unread } = images;
        let used =
            |each: ContainerImage<'a>| Some((each.image?, each.field.list, each.pull_policy));
        let mut references: Vec<_> = listed.into_iter().filter_map(used).collect();
        references.sort_unstable_by(|(left, ..), (right, ..)| left.cmp(right));
        unread.retain(|part| matches!(part.why, WhyUnread::NoPodSpec(_)));
        Self { references, unread }
    }

    /// Whether the reference was there, in a use that is judged alike.
    fn had(&self, reference: &str, is_alike: impl Fn(ImageList, PullPolicy) -> bool) -> bool {
        let from = self.references.partition_point(|(each, ..)| **each < *reference);
        let same = self.references.iter().skip(from).take_while(|(each, ..)| *each == reference);
        same.into_iter().any(|(_, list, pull_policy)| is_alike(*list, *pull_policy))
    }
}

/// Stands in for the container that every Pod must have.
fn missing_container<'a, O>(request: &Request<'a, O>) -> ContainerImage<'a> {
    let name = request.name.as_ref().filter(|name| !name.is_empty());
    ContainerImage {
        container: name.map_or(Cow::Borrowed("pod"), |Text(name)| name.clone()),
        ..ContainerImage::default()
    }
}

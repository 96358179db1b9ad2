//! One image that is judged, and who asks for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use imagegate_core::manifest::Position;
use imagegate_core::policy::{
    ContainerImage, Field, ImageList, Labels, ObjectKind, Policy, PullPolicy, Subject, Verdict,
    Workload,
};

/// Who asks, and where.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Namespace for images, and for manifests without one.
    pub namespace: String,
    /// The user who creates the Pod, for exemptions; empty for nobody.
    pub user: String,
    /// The groups of that user.
    pub groups: Vec<String>,
}

/// One image with its place.
#[derive(Clone, Debug)]
pub struct Target {
    /// The file it was read from, and the object there.
    pub place: Option<Place>,
    /// The namespace that the manifest says.
    pub namespace: Option<String>,
    /// The name of the container; empty where it has none.
    pub container: String,
    /// The image as written; `None` where it is left out.
    pub image: Option<String>,
    /// The path of the container: `spec.containers[0]`.
    pub entry: String,
    /// The path of the image below it.
    pub leaf: &'static str,
    /// The kind of container that the image is for.
    pub list: ImageList,
    /// The pull policy of the container.
    pub pull_policy: PullPolicy,
    /// Those of the Pod, where they are known.
    pub labels: Option<Arc<Labels<'static>>>,
    /// The kind of object whose template is judged, as a policy writes it with its group; `None` for a Pod,
    /// or for the Pod that a template makes.
    pub template: Option<String>,
    /// Who asks, where the manifest says so.
    pub asking: Option<Asking>,
}

/// Who makes a request, as an `AdmissionReview` says.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The name; empty where there is none.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// Where in some manifests an image was found.
#[derive(Clone, Debug)]
pub struct Place {
    /// How the source is named.
    pub file: String,
    /// Where the image is written in it.
    pub position: Position,
    /// The document in the file, from 0.
    pub document: usize,
    /// The kind of the object.
    pub kind: String,
    /// Its name; empty where it has none.
    pub name: String,
    /// Kind and name of what made the object, where it says so.
    pub controller: Option<(String, String)>,
}

impl Asker {
    /// Whether nobody was named.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.user.is_empty() && self.groups.is_empty()
    }

    /// The groups, as a subject borrows them.
    #[must_use]
    pub fn groups(&self) -> Vec<Cow<'_, str>> {
        self.groups.iter().map(|group| group.as_str().into()).collect()
    }

    /// Who asks for a Pod, at a time in Unix seconds.
    #[must_use]
    pub fn subject<'a>(&'a self, groups: &'a [Cow<'a, str>], now: i64) -> Subject<'a> {
        let Self { namespace, user, groups: _ } = self;
        Subject { namespace, user, groups, now, ..Subject::default() }
    }
}

impl Target {
    /// An image of a Pod that is named like the image.
    #[must_use]
    pub fn of_image(image: &str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split([':', '@']).next().unwrap_or(name);
        Self {
            place: None,
            namespace: None,
            container: if name.is_empty() { "image" } else { name }.to_owned(),
            image: Some(image.to_owned()),
            entry: "spec.containers[0]".to_owned(),
            leaf: "image",
            list: ImageList::Containers,
            pull_policy: PullPolicy::Unset,
            labels: None,
            template: None,
            asking: None,
        }
    }

    /// Judges the image as the Pod that holds it, or that its template makes, would be judged at a time in
    /// Unix seconds.
    #[must_use]
    pub fn judge_at<'p>(&self, policy: &'p Policy, asker: &Asker, at: i64) -> Verdict<'p> {
        self.with_subject(asker, at, |subject| policy.evaluate(subject, [&self.container_image()]))
    }

    /// The image as a policy judges it.
    #[must_use]
    pub fn container_image(&self) -> ContainerImage<'_> {
        // The path of a custom resource is none that a field has; without a name, it is the name.
        let named = [self.container.as_str(), self.entry.as_str()];
        let container = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        ContainerImage {
            container: container.into(),
            image: self.image.as_deref().map(Into::into),
            field: Field { list: self.list, ..Field::default() },
            pull_policy: self.pull_policy,
        }
    }

    /// The path of the image: `spec.containers[0].image`.
    #[must_use]
    pub fn field(&self) -> String {
        format!("{}.{}", self.entry, self.leaf)
    }

    /// The user who asks for the image, with the groups: `asker`, unless that is nobody and the
    /// manifest says who it is.
    #[must_use]
    pub fn asked_by<'a>(&'a self, asker: &'a Asker) -> (&'a str, Vec<Cow<'a, str>>) {
        match self.asking.as_ref().filter(|_| asker.is_nobody()) {
            Some(Asking { user, groups }) => {
                (user, groups.iter().map(|group| group.as_str().into()).collect())
            }
            None => (&asker.user, asker.groups()),
        }
    }

    /// Who asks for the image, and where.
    pub fn with_subject<T>(
        &self,
        asker: &Asker,
        at: i64,
        judge: impl FnOnce(&Subject<'_>) -> T,
    ) -> T {
        let (user, groups) = self.asked_by(asker);
        let mut subject = asker.subject(&groups, at);
        subject.user = user;
        subject.labels = self.labels.as_deref().into();
        if let Some(kind) = &self.template {
            (subject.workload, subject.kind) = (Workload::Template, ObjectKind::of(kind));
        }
        if let Some(namespace) = &self.namespace {
            subject.namespace = namespace;
        }
        judge(&subject)
    }
}

/// The template that a kind of object means, as [`Target`] has it.
///
/// # Errors
/// When a policy judges nothing of that kind.
pub fn template(policy: &Policy, kind: &str) -> Result<Option<String>, String> {
    let Some(found) = policy.kind_named(kind) else {
        return Err(
            "write a kind that is judged: `Pod`, `Deployment`, …, or one of `workloads`".to_owned()
        );
    };
    Ok((found != ObjectKind::default()).then(|| found.to_string()))
}

/// The labels of a Pod; of those that are there twice, the last counts.
pub fn labels<'l>(written: impl IntoIterator<Item = &'l (String, String)>) -> Arc<Labels<'static>> {
    let labels: BTreeMap<String, String> = written.into_iter().cloned().collect();
    let owned = labels.into_iter().map(|(key, value)| (Cow::Owned(key), Cow::Owned(value)));
    Arc::new(Labels::new(owned.collect()))
}

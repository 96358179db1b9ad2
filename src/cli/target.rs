//! One image that a command judges, and who asks for it.

use std::borrow::Cow;

use crate::clock;
use imagegate_core::policy::{
    ContainerImage, Field, ImageList, Policy, Subject, Verdict, Workload,
};

/// Who asks, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Asker {
    /// Namespace for images, and for manifests without one
    #[arg(short, long, default_value = "default")]
    pub(super) namespace: String,
    /// The user who creates the Pod, for exemptions
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) user: String,
    /// A group of that user; can be repeated
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Vec<String>,
}

/// One image with its place.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The file it was read from, and the object there.
    pub(super) place: Option<Place>,
    pub(super) namespace: Option<String>,
    pub(super) container: String,
    pub(super) image: Option<String>,
    pub(super) field: Field,
}

/// Where in some manifests an image was found.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) kind: String,
    pub(super) name: String,
}

impl Place {
    /// The object: `Pod web`, or `Pod` where it has no name.
    pub(super) fn object(&self) -> String {
        if self.name.is_empty() {
            self.kind.clone()
        } else {
            format!("{} {}", self.kind, self.name)
        }
    }
}

impl Asker {
    /// The groups, as a subject borrows them.
    pub(super) fn groups(&self) -> Vec<Cow<'_, str>> {
        self.group.iter().map(|group| group.as_str().into()).collect()
    }

    /// Who asks for a Pod, at a time in Unix seconds.
    pub(super) fn subject<'a>(&'a self, groups: &'a [Cow<'a, str>], now: i64) -> Subject<'a> {
        let Self { namespace, user, group: _ } = self;
        Subject { namespace, user, groups, workload: Workload::Pod, pinned: None, now }
    }
}

impl Target {
    /// An image of a Pod that is named like the image.
    pub(super) fn of_image(image: &str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split([':', '@']).next().unwrap_or(name);
        Self {
            place: None,
            namespace: None,
            container: if name.is_empty() { "image" } else { name }.to_owned(),
            image: Some(image.to_owned()),
            field: Field { pod_spec: "spec", list: ImageList::Containers, index: 0 },
        }
    }

    /// Judges the image as the Pod that holds it, or that its template makes, would be judged.
    pub(super) fn judge<'p>(&self, policy: &'p Policy, asker: &Asker) -> Verdict<'p> {
        self.judge_at(policy, asker, clock::unix_seconds())
    }

    /// As [`Target::judge`], at a time in Unix seconds.
    pub(super) fn judge_at<'p>(&self, policy: &'p Policy, asker: &Asker, at: i64) -> Verdict<'p> {
        let groups = asker.groups();
        let mut subject = asker.subject(&groups, at);
        if let Some(namespace) = &self.namespace {
            subject.namespace = namespace;
        }
        let image = ContainerImage {
            container: self.container.as_str().into(),
            image: self.image.as_deref().map(Into::into),
            field: self.field,
        };
        policy.evaluate(&subject, [&image])
    }
}

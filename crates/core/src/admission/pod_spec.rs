//! Specs, and the parts of a pod spec that name images.
//!
//! Source: the PodSpec of
//! <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>. `null` is an
//! empty list, as it is for the API server. The types go no deeper than the deepest template of a
//! workload, and each list keeps [`MOST_LISTED`] entries, so that the size of a review is bounded.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use smallvec::SmallVec;

use super::bounded::{self, Bounded, MOST_LISTED};
use super::strict::{Object, Text};
use crate::policy::{ContainerImage, Field, ImageList, PullPolicy, Unread, WhyUnread};

/// Images with their places. Most Pods have one or two.
#[derive(Debug, Default)]
pub(super) struct Images<'a> {
    pub(super) listed: SmallVec<[ContainerImage<'a>; 2]>,
    /// What is refused unread.
    pub(super) unread: Vec<Unread>,
}

/// The spec of any built-in workload: a pod spec, or one that holds a template of another spec.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec<'a> {
    #[serde(borrow)]
    containers: Option<Containers<'a>>,
    init_containers: Option<FurtherContainers<'a>>,
    ephemeral_containers: Option<FurtherContainers<'a>>,
    volumes: Option<ImageVolumes<'a>>,
    template: Option<Object<Template<PodSpec<'a>>>>,
    job_template: Option<Object<Template<JobSpec<'a>>>>,
}

/// The lists of a pod spec.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec<'a> {
    #[serde(borrow)]
    containers: Option<Containers<'a>>,
    init_containers: Option<FurtherContainers<'a>>,
    ephemeral_containers: Option<FurtherContainers<'a>>,
    volumes: Option<ImageVolumes<'a>>,
}

/// The spec of a Job that a CronJob creates.
#[derive(Debug, Default, Deserialize)]
struct JobSpec<'a> {
    #[serde(borrow)]
    template: Option<Object<Template<PodSpec<'a>>>>,
}

/// A template, of which the spec is read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Template<S> {
    spec: Option<Box<Object<S>>>,
}

/// The list that every Pod has.
type Containers<'a> = Bounded<SmallVec<[Object<Container<'a>>; 2]>>;
/// The lists that few Pods have.
pub(super) type FurtherContainers<'a> = Bounded<Vec<Object<Container<'a>>>>;

/// A container of any of the three lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    image: Option<Text<'a>>,
    image_pull_policy: Option<Pulled>,
}

/// A pull policy. Nothing of its text is kept.
#[derive(Debug)]
struct Pulled(PullPolicy);

/// The image volumes, with their positions among all volumes. Few Pods have one, while every Pod
/// has other volumes.
#[derive(Debug)]
struct ImageVolumes<'a> {
    listed: Vec<(usize, Volume<'a>)>,
    /// How many volumes follow the last image volume that is kept; they are skipped.
    more: usize,
}

#[derive(Debug, Deserialize)]
struct Volume<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    image: Option<Object<ImageVolume<'a>>>,
}

/// An image that is mounted as a volume.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageVolume<'a> {
    #[serde(borrow)]
    reference: Option<Text<'a>>,
    pull_policy: Option<Pulled>,
}

impl<S: Default> Template<S> {
    /// The spec, or an empty one if it is left out.
    pub(super) fn into_spec(template: Option<Object<Self>>) -> S {
        template.and_then(|Object(template)| template.spec).map_or_else(S::default, |spec| spec.0)
    }
}

impl<'a> Spec<'a> {
    /// Each pod spec that this may be or contain.
    pub(super) fn into_pod_specs(self) -> [PodSpec<'a>; 3] {
        let Self {
            containers,
            init_containers,
            ephemeral_containers,
            volumes,
            template,
            job_template,
        } = self;
        [
            PodSpec { containers, init_containers, ephemeral_containers, volumes },
            Template::into_spec(template),
            Template::into_spec(Template::into_spec(job_template).template),
        ]
    }

    /// The spec itself, read as that of a Pod.
    pub(super) fn into_pod_spec(self) -> PodSpec<'a> {
        let [own, ..] = self.into_pod_specs();
        own
    }

    /// The pod spec of `template`.
    pub(super) fn template(self) -> PodSpec<'a> {
        let [_, template, _] = self.into_pod_specs();
        template
    }

    /// The pod spec of the template of `jobTemplate`.
    pub(super) fn job_template(self) -> PodSpec<'a> {
        let [.., job] = self.into_pod_specs();
        job
    }
}

#[expect(clippy::ptr_arg, reason = "cloned for each field: without a copy for a built-in kind")]
impl<'a> PodSpec<'a> {
    /// Every image of a pod spec that stands at the path `pod_spec`: those of containers, init
    /// containers, ephemeral containers and volumes, each in the order of its list.
    pub(super) fn images(self, pod_spec: &Cow<'static, str>) -> Images<'a> {
        let mut images = Images::default();
        images.append(self.containers, pod_spec, ImageList::Containers);
        images.append(self.init_containers, pod_spec, ImageList::InitContainers);
        images.append(self.ephemeral_containers, pod_spec, ImageList::EphemeralContainers);
        if let Some(volumes) = self.volumes {
            images.append_volumes(volumes, pod_spec);
        }
        images
    }
}

#[expect(clippy::ptr_arg, reason = "cloned for each field: without a copy for a built-in kind")]
impl<'a> Images<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.unread.is_empty()
    }

    /// Appends the images of one list of containers.
    pub(super) fn append<C>(
        &mut self,
        containers: Option<Bounded<C>>,
        pod_spec: &Cow<'static, str>,
        list: ImageList,
    ) where
        C: IntoIterator<Item = Object<Container<'a>>>,
    {
        let Some(Bounded { listed, more }) = containers else { return };
        for (index, Object(container)) in listed.into_iter().enumerate() {
            self.listed.push(ContainerImage {
                container: container.name.unwrap_or_default().0,
                image: container.image.map(|Text(image)| image),
                field: Field { pod_spec: pod_spec.clone(), list, index },
                pull_policy: Pulled::or_unset(container.image_pull_policy),
            });
        }
        if more > 0 {
            let first = Field { pod_spec: pod_spec.clone(), list, index: MOST_LISTED };
            self.unread.push(Unread { first, count: more, why: WhyUnread::LongList });
        }
    }

    fn append_volumes(&mut self, volumes: ImageVolumes<'a>, pod_spec: &Cow<'static, str>) {
        let mut next = 0;
        for (index, volume) in volumes.listed {
            next = index + 1;
            if let Some(Object(image)) = volume.image {
                self.listed.push(ContainerImage {
                    container: volume.name.unwrap_or_default().0,
                    image: image.reference.map(|Text(reference)| reference),
                    field: Field { pod_spec: pod_spec.clone(), list: ImageList::Volumes, index },
                    pull_policy: Pulled::or_unset(image.pull_policy),
                });
            }
        }
        if volumes.more > 0 {
            let pod_spec = pod_spec.clone();
            let first = Field { pod_spec, list: ImageList::Volumes, index: next };
            self.unread.push(Unread { first, count: volumes.more, why: WhyUnread::LongList });
        }
    }
}

impl Pulled {
    fn or_unset(pulled: Option<Self>) -> PullPolicy {
        pulled.map_or(PullPolicy::Unset, |Self(pull_policy)| pull_policy)
    }
}

impl<'de> Deserialize<'de> for Pulled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Pulled;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, written: &str) -> Result<Pulled, E> {
                Ok(Pulled(PullPolicy::of(written)))
            }
        }

        deserializer.deserialize_str(Written)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ImageVolumes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = ImageVolumes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut listed = Vec::new();
                let mut index = 0;
                while listed.len() < MOST_LISTED {
                    let Some(Object(volume)) = seq.next_element::<Object<Volume<'de>>>()? else {
                        return Ok(ImageVolumes { listed, more: 0 });
                    };
                    if volume.image.is_some() {
                        listed.push((index, volume));
                    }
                    index += 1;
                }
                Ok(ImageVolumes { listed, more: bounded::skip(&mut seq)? })
            }
        }

        deserializer.deserialize_seq(All)
    }
}

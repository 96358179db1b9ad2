//! Specs, and the parts of a pod spec that name images.
//!
//! Source: the PodSpec of <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>.
//! `null` is an empty list, as the API server reads it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use smallvec::SmallVec;

use super::strict::{Object, Text};
use crate::policy::{ContainerImage, Field, ImageList};

/// Images with their places. Most Pods have one or two.
pub(super) type Images<'a> = SmallVec<[ContainerImage<'a>; 2]>;

/// A spec of any built-in workload: a pod spec, or one that holds a template of another spec.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec<'a> {
    #[serde(borrow)]
    containers: Option<SmallVec<[Object<Container<'a>>; 2]>>,
    init_containers: Option<Vec<Object<Container<'a>>>>,
    ephemeral_containers: Option<Vec<Object<Container<'a>>>>,
    volumes: Option<ImageVolumes<'a>>,
    template: Option<Object<Template<'a>>>,
    job_template: Option<Object<Template<'a>>>,
}

/// A template: whatever else it holds, its spec.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Template<'a> {
    #[serde(borrow)]
    spec: Option<Box<Object<Spec<'a>>>>,
}

/// A container of any of the three lists.
#[derive(Debug, Deserialize)]
pub(super) struct Container<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    image: Option<Text<'a>>,
}

/// The volumes that are images, with their positions among all. Few Pods have one, while every Pod
/// has some other volume.
#[derive(Debug)]
struct ImageVolumes<'a>(Vec<(usize, Volume<'a>)>);

#[derive(Debug, Deserialize)]
struct Volume<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    image: Option<Object<ImageVolume<'a>>>,
}

/// An image that is mounted as a volume.
#[derive(Debug, Deserialize)]
struct ImageVolume<'a> {
    #[serde(borrow)]
    reference: Option<Text<'a>>,
}

impl<'a> Template<'a> {
    /// The spec; an empty one where it is left out.
    pub(super) fn into_spec(template: Option<Object<Self>>) -> Spec<'a> {
        template
            .and_then(|Object(template)| template.spec)
            .map_or_else(Spec::default, |spec| spec.0)
    }
}

impl<'a> Spec<'a> {
    /// The spec of `template`.
    pub(super) fn template(self) -> Self {
        Template::into_spec(self.template)
    }

    /// The spec of `jobTemplate`.
    pub(super) fn job_template(self) -> Self {
        Template::into_spec(self.job_template)
    }

    /// Every image of a pod spec that stands at the path `pod_spec`: those of containers, init
    /// containers, ephemeral containers and volumes, each in the order of its list.
    pub(super) fn images(self, pod_spec: &'static str) -> Images<'a> {
        let mut images = Images::new();
        append(self.containers, pod_spec, ImageList::Containers, &mut images);
        append(self.init_containers, pod_spec, ImageList::InitContainers, &mut images);
        append(self.ephemeral_containers, pod_spec, ImageList::EphemeralContainers, &mut images);
        let volumes = self.volumes.map(|ImageVolumes(volumes)| volumes);
        for (index, volume) in volumes.into_iter().flatten() {
            if let Some(Object(image)) = volume.image {
                images.push(ContainerImage {
                    container: owned(volume.name),
                    image: image.reference.map(|Text(reference)| reference),
                    field: Field { pod_spec, list: ImageList::Volumes, index },
                });
            }
        }
        images
    }
}

/// Appends the images of one list of containers.
pub(super) fn append<'a>(
    containers: Option<impl IntoIterator<Item = Object<Container<'a>>>>,
    pod_spec: &'static str,
    list: ImageList,
    images: &mut Images<'a>,
) {
    for (index, Object(container)) in containers.into_iter().flatten().enumerate() {
        images.push(ContainerImage {
            container: owned(container.name),
            image: container.image.map(|Text(image)| image),
            field: Field { pod_spec, list, index },
        });
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
                let mut volumes = Vec::new();
                let mut index = 0;
                while let Some(Object(volume)) = seq.next_element::<Object<Volume<'de>>>()? {
                    if volume.image.is_some() {
                        volumes.push((index, volume));
                    }
                    index += 1;
                }
                Ok(ImageVolumes(volumes))
            }
        }

        deserializer.deserialize_seq(All)
    }
}

fn owned(text: Option<Text<'_>>) -> Cow<'_, str> {
    text.map_or(Cow::Borrowed(""), |Text(text)| text)
}

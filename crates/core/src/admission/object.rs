//! The images of a bare object, outside of any request.

use std::borrow::Cow;

use serde::Deserialize;

use super::bad_review::BadReview;
use super::labels::Labelled;
use super::strict::{Object, Text};
use super::workload::{WorkloadKind, WorkloadObject};
use crate::policy::{ContainerImage, Labels, Workload};

/// A Kubernetes object and its images.
#[derive(Debug)]
pub struct ObjectImages<'a> {
    /// `Pod`, `Deployment`, ….
    pub kind: Cow<'a, str>,
    /// Empty where the object leaves it to the server.
    pub name: Cow<'a, str>,
    /// Empty where the object does not say.
    pub namespace: Cow<'a, str>,
    /// What the images belong to.
    pub workload: Workload,
    /// The labels of the Pod, or those that the template gives its Pods; `None` where they are not known,
    /// or are more than are read.
    pub labels: Option<Labels<'a>>,
    /// Every image, with its field path; empty for a kind that holds none.
    pub images: Vec<ContainerImage<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    metadata: Option<Object<Metadata<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    generate_name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
}

/// The images of one object in JSON, as in a manifest.
///
/// # Errors
/// When the text is not a JSON object with a `kind`, a workload of another shape, or one with more
/// than 1,000 containers in a list.
pub fn images_of_object(json: &[u8]) -> Result<ObjectImages<'_>, BadReview> {
    let mut header = header(json)?;
    let Text(kind) = header.kind.take().unwrap_or_default();
    let version = header.api_version.take();
    header.images(json, version.as_deref().unwrap_or_default(), kind)
}

/// The images of one item of a list, which leaves version and kind to the list: `apps/v1`,
/// `Deployment`.
///
/// # Errors
/// As [`images_of_object`].
pub fn images_of_item<'a>(
    version: &str,
    kind: &'a str,
    json: &'a [u8],
) -> Result<ObjectImages<'a>, BadReview> {
    header(json)?.images(json, version, kind.into())
}

fn header(json: &[u8]) -> Result<Header<'_>, BadReview> {
    let header: Result<Object<Header<'_>>, _> = serde_json::from_slice(json);
    header.map(|Object(header)| header).map_err(|error| BadReview::malformed(&error))
}

impl<'a> Header<'a> {
    fn images(
        self,
        json: &'a [u8],
        version: &str,
        kind: Cow<'a, str>,
    ) -> Result<ObjectImages<'a>, BadReview> {
        let metadata = self.metadata.map(|Object(metadata)| metadata).unwrap_or_default();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let workload_kind = WorkloadKind::of(group, &kind);
        let (images, labels) = match workload_kind {
            None => (Vec::new(), None),
            Some(workload_kind) => {
                let object: Object<WorkloadObject<'_>> =
                    serde_json::from_slice(json).map_err(|error| BadReview::malformed(&error))?;
                let images = workload_kind.images(object.0);
                if !images.unread.is_empty() {
                    return Err(BadReview::TooManyImages);
                }
                let labelled: Object<Labelled<'_>> =
                    serde_json::from_slice(json).map_err(|error| BadReview::malformed(&error))?;
                let labels = workload_kind.labels(labelled.0);
                (images.listed.into_vec(), (!labels.is_cut).then_some(labels.labels))
            }
        };
        let Text(name) = metadata.name.or(metadata.generate_name).unwrap_or_default();
        let Text(namespace) = metadata.namespace.unwrap_or_default();
        let workload = workload_kind.map_or(Workload::Pod, WorkloadKind::workload);
        Ok(ObjectImages { kind, name, namespace, workload, labels, images })
    }
}

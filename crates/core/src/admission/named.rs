//! The images of a custom resource, at the paths that a policy names for its kind.
//!
//! The object is gone through once for each path; what is not on the way is skipped. What stands in the
//! place of a pod spec, or of something that leads to one, and is of another type is not read but
//! refused, in that place alone. What is left out is no fault, as in a built-in pod template: an
//! operator fills it in, and the Pods that it makes are judged.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::bounded::{MOST_LISTED, skip};
use super::labels::{Key, LabelMap, MOST_LABELS, Metadata};
use super::pod_spec::{Images, PodSpec};
use super::strict::Object;
use crate::policy::{
    Field, ImageList, Labels, PathStep, PodSpecPath, Unread, WhyUnread, write_key,
};

/// Places that are not read; what is beyond is counted. A verdict describes no more.
const MOST_UNREAD: usize = 32;
/// Values that the walk may enter; no object that is stored has room for as many pod specs.
const MOST_ENTERED: usize = 16_384;
const MANY: WhyUnread = WhyUnread::ManyImages;

/// Every image of an object at these paths, with its place; at most the first 1,000.
pub(super) fn images<'a>(object: &'a RawValue, pod_specs: &[PodSpecPath]) -> Images<'a> {
    walked(object, pod_specs, None).images
}

/// Every image, and of which Pods they are.
pub(super) fn images_and_pods<'a>(
    object: &'a RawValue,
    pod_specs: &[PodSpecPath],
) -> (Images<'a>, Vec<Pods<'a>>) {
    let walk = walked(object, pod_specs, Some(LabelsRead::default()));
    (walk.images, walk.labels.map(|labels| labels.pods).unwrap_or_default())
}

fn walked<'a>(
    object: &'a RawValue,
    pod_specs: &[PodSpecPath],
    labels: Option<LabelsRead<'a>>,
) -> Walk<'a> {
    let mut walk = Walk { path: String::new(), entered: 0, images: Images::default(), labels };
    for pod_spec in pod_specs {
        walk.path.clear();
        walk.follow(object, pod_spec.steps());
    }
    walk
}

/// The Pods of one pod spec.
#[derive(Debug)]
pub(super) struct Pods<'a> {
    /// `None` where they are not known.
    pub(super) labels: Option<Labels<'a>>,
    /// The images from those of the Pods before on, up to this position, are theirs.
    pub(super) end: usize,
}

/// What was read of labels.
#[derive(Debug, Default)]
struct LabelsRead<'a> {
    /// Those of the pod spec that is read next.
    next: Option<Labels<'a>>,
    pods: Vec<Pods<'a>>,
    /// How many labels there are in all.
    count: usize,
}

struct Walk<'a> {
    /// The way to where the walk is, as it is shown.
    path: String,
    entered: usize,
    images: Images<'a>,
    /// `None` where no policy goes by labels.
    labels: Option<LabelsRead<'a>>,
}

impl<'a> Walk<'a> {
    fn follow(&mut self, value: &'a RawValue, steps: &[PathStep]) {
        let Some((step, rest)) = steps.split_first() else { return self.pod_spec(value) };
        // Each value has been parsed once already, and is JSON.
        let mut json = serde_json::Deserializer::from_str(value.get());
        if json.deserialize_any(Entries { walk: self, step, rest }).is_err() {
            self.no_pod_spec(value);
        }
    }

    fn pod_spec(&mut self, value: &'a RawValue) {
        let Ok(pod_spec) = serde_json::from_str::<Option<Object<PodSpec<'a>>>>(value.get()) else {
            return self.no_pod_spec(value);
        };
        let Some(Object(pod_spec)) = pod_spec else { return };
        let Images { listed, unread } = pod_spec.images(&Cow::Owned(self.path.clone()));
        for image in listed.into_iter().filter(|image| image.image.is_some()) {
            if self.images.listed.len() < MOST_LISTED {
                self.images.listed.push(image);
            } else {
                self.refuse(Unread { first: image.field, count: 1, why: MANY });
            }
        }
        for part in unread {
            self.refuse(part);
        }
        let end = self.images.listed.len();
        if let Some(LabelsRead { next, pods, .. }) = &mut self.labels {
            let labels = next.take();
            if pods.last().map_or(0, |last| last.end) < end {
                pods.push(Pods { labels, end });
            }
        }
    }

    fn forget_labels(&mut self) {
        if let Some(read) = &mut self.labels {
            read.next = None;
        }
    }

    /// Reads the labels of the pod spec that comes next from the metadata beside it. Those that are none
    /// are not known; those that are too many are refused, since more of them may stand behind.
    fn read_labels(&mut self, metadata: Option<&'a RawValue>) {
        let Some(read) = &mut self.labels else { return };
        let map =
            metadata.map_or_else(|| Ok(LabelMap::default()), |it| Metadata::labels_of(it.get()));
        let Ok(LabelMap { labels, is_cut }) = map else { return };
        read.count += labels.len();
        if is_cut || read.count > MOST_LABELS {
            return self.unread(WhyUnread::ManyLabels, 1);
        }
        read.next = Some(labels);
    }

    /// Whether there is more than is read: then the object is refused, whatever follows.
    fn is_over(&self) -> bool {
        self.entered >= MOST_ENTERED || self.images.unread.iter().any(|part| part.why == MANY)
    }

    fn no_pod_spec(&mut self, value: &RawValue) {
        // What is refused in any case need not be told apart.
        let content = || Sha256::digest(value.get()).into();
        let why = if self.is_over() { MANY } else { WhyUnread::NoPodSpec(content()) };
        self.unread(why, 1);
    }

    /// What stands where the walk is, is not read.
    fn unread(&mut self, why: WhyUnread, count: usize) {
        let path = if self.path.is_empty() { "object" } else { &self.path };
        let pod_spec = Cow::Owned(path.to_owned());
        let first = Field { pod_spec, list: ImageList::Whole, index: 0 };
        self.refuse(Unread { first, count, why });
    }

    fn refuse(&mut self, part: Unread) {
        let unread = &mut self.images.unread;
        let why = if unread.len() >= MOST_UNREAD { MANY } else { part.why };
        match unread.last_mut() {
            Some(last) if (why, last.why) == (MANY, MANY) => last.count += part.count,
            _ => unread.push(Unread { why, ..part }),
        }
    }

    /// Refuses so many values, below the place where the walk is, that it does not enter.
    fn beyond(&mut self, count: usize) {
        if count > 0 {
            self.unread(MANY, count);
        }
    }

    /// Goes one step further, and back.
    fn enter(
        &mut self,
        write: impl FnOnce(&mut String) -> fmt::Result,
        value: &'a RawValue,
        rest: &[PathStep],
    ) {
        self.entered += 1;
        let length = self.path.len();
        // Writing to a text cannot fail.
        let _ = write(&mut self.path);
        self.follow(value, rest);
        self.path.truncate(length);
    }
}

/// What one step leads to.
struct Entries<'w, 's, 'a> {
    walk: &'w mut Walk<'a>,
    step: &'s PathStep,
    rest: &'s [PathStep],
}

impl<'a> Visitor<'a> for Entries<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    /// `null` is what is left out.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { walk, step, rest } = self;
        let is_first = walk.path.is_empty();
        let mut is_found = false;
        let mut beyond = 0;
        // What is beside the pod spec of a template may follow it.
        let is_template = walk.labels.is_some() && rest.is_empty() && step.leads_only_to("spec");
        let (mut metadata, mut pod_spec) = (None, None);
        while let Some(key) = map.next_key_seed(Key)? {
            if *step == PathStep::Every && walk.is_over() {
                map.next_value::<IgnoredAny>()?;
                beyond += 1;
                continue;
            }
            if !step.leads_to(&key) {
                if is_template && key == "metadata" {
                    metadata = Some(map.next_value::<&'a RawValue>()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
                continue;
            }
            if *step != PathStep::Every && std::mem::replace(&mut is_found, true) {
                return Err(serde::de::Error::custom("a key is there twice"));
            }
            let value = map.next_value::<&'a RawValue>()?;
            if is_template {
                pod_spec = Some(value);
            } else {
                walk.enter(|path| write_key(path, &key, is_first), value, rest);
            }
        }
        if let Some(value) = pod_spec {
            walk.read_labels(metadata);
            walk.enter(|path| write_key(path, "spec", is_first), value, rest);
            // Where the pod spec is left out, nobody took them.
            walk.forget_labels();
        }
        walk.beyond(beyond);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { walk, step, rest } = self;
        if *step != PathStep::Every {
            return Err(serde::de::Error::custom("a list in place of a mapping"));
        }
        let mut index = 0;
        while !walk.is_over()
            && let Some(value) = seq.next_element::<&'a RawValue>()?
        {
            walk.enter(|path| fmt::Write::write_fmt(path, format_args!("[{index}]")), value, rest);
            index += 1;
        }
        walk.beyond(skip(&mut seq)?);
        Ok(())
    }
}

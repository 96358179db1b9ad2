//! What one request leaves behind.
//!
//! It is made on the way of a request, so it copies a few texts into one allocation and does nothing
//! else. Its size has a bound: what does not fit is lost, and counted.

use smallvec::SmallVec;

use super::recent::Recent;
use crate::telemetry::ImageDecision;
use imagegate_core::admission::Review;
use imagegate_core::policy::{Flip, Policy, Rule, Verdict, Workload};

/// Images of one request that are remembered. The first violations of a verdict are described, and
/// these are among them.
const MOST_IMAGES: usize = 32;
/// Bytes of an image. A reference that can be pulled has fewer; a longer one is refused by any policy.
const LONGEST_IMAGE: usize = 1024;
/// Bytes of a namespace or of an override's name. Kubernetes allows 63 and 253.
const LONGEST_NAME: usize = 253;
/// Bytes of a user. Somebody's name cut short is somebody else.
const LONGEST_USER: usize = 512;
/// Bytes of an owner's kind and name; what is longer is cut.
const LONGEST_OWNER: usize = 320;
/// Bytes of all groups of a user; those that do not fit are left out.
const ALL_GROUPS: usize = 2048;
/// Bytes of all images of one request.
const ALL_IMAGES: usize = 8192;
/// Bytes that most requests leave behind.
const USUAL: usize = 384;

/// What a request was and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a, 'b> {
    /// The request.
    pub review: &'a Review<'b>,
    /// The policy that judged it.
    pub policy: &'a Policy,
    /// The override that its path pinned.
    pub pinned: Option<&'a str>,
    /// The verdict that was sent.
    pub verdict: &'a Verdict<'a>,
    /// Where the candidate would decide otherwise.
    pub flip: Option<Flip>,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// The owned, bounded form of [`Noted`].
#[derive(Debug)]
pub(super) struct Note {
    /// Namespace, user, override, owner; then the groups, then the images.
    texts: String,
    /// Where each of the first four ends.
    ends: [u16; 4],
    group_ends: SmallVec<[u16; 4]>,
    images: SmallVec<[NotedImage; 2]>,
    has_override: bool,
    pub(super) workload: Workload,
    pub(super) is_dry_run: bool,
    pub(super) at: i64,
    pub(super) recent: Option<Box<Recent>>,
    /// Images that the request had and that are not here.
    pub(super) lost: Lost,
}

/// Images that are not remembered, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// A text is longer than is kept.
    pub(super) too_long: u32,
    /// The request has more than are kept.
    pub(super) too_many: u32,
}

#[derive(Clone, Copy, Debug)]
struct NotedImage {
    end: u16,
    decision: ImageDecision,
    rule: Option<Rule>,
}

impl Note {
    /// `None` where a request leaves nothing behind.
    pub(super) fn of(noted: &Noted<'_, '_>, with_images: bool) -> Option<Self> {
        let recent = Recent::of(noted).map(Box::new);
        let Noted { review, now, .. } = noted;
        let mut note = Self {
            texts: String::new(),
            ends: [0; 4],
            group_ends: SmallVec::new(),
            images: SmallVec::new(),
            has_override: noted.pinned.is_some(),
            workload: review.workload(),
            is_dry_run: review.is_dry_run(),
            at: *now,
            recent,
            lost: Lost::default(),
        };
        if with_images {
            note.add_images(noted);
        }
        let is_empty = note.images.is_empty() && note.recent.is_none();
        (!is_empty || note.lost != Lost::default()).then_some(note)
    }

    fn add_images(&mut self, noted: &Noted<'_, '_>) {
        let Noted { review, policy, pinned, verdict, .. } = noted;
        let judged = review.judged(policy, *pinned);
        let mut images = judged.filter_map(|each| Some((each, each.image.as_deref()?))).peekable();
        if images.peek().is_none() {
            return;
        }
        let pinned = pinned.unwrap_or_default();
        let longest = review.namespace().len().max(pinned.len());
        if longest > LONGEST_NAME || review.user().len() > LONGEST_USER {
            self.lost.too_long = u32::try_from(images.count()).unwrap_or(u32::MAX);
            return;
        }
        self.texts.reserve_exact(USUAL);
        let owner = review.owner();
        let kind = cut(owner.kind, LONGEST_OWNER / 4);
        let own = [review.namespace(), review.user(), pinned, kind];
        for (text, end) in own.into_iter().zip(&mut self.ends) {
            self.texts.push_str(text);
            *end = position(&self.texts);
        }
        if !owner.name.is_empty() {
            self.texts.push('/');
            self.texts.push_str(cut(owner.name, LONGEST_OWNER - LONGEST_OWNER / 4 - 1));
            self.ends[3] = position(&self.texts);
        }
        let groups = self.texts.len() + ALL_GROUPS;
        for group in review.groups() {
            if self.texts.len() + group.len() <= groups {
                self.texts.push_str(group);
                self.group_ends.push(position(&self.texts));
            }
        }
        let most = self.texts.len() + ALL_IMAGES;
        for (image, text) in images {
            if text.len() > LONGEST_IMAGE {
                self.lost.too_long += 1;
            } else if self.images.len() == MOST_IMAGES || self.texts.len() + text.len() > most {
                self.lost.too_many += 1;
            } else {
                let (decision, rule) = ImageDecision::of(image, verdict);
                self.texts.push_str(text);
                self.images.push(NotedImage { end: position(&self.texts), decision, rule });
            }
        }
    }

    /// Bytes that the note takes while it waits.
    pub(super) fn bytes(&self) -> usize {
        let recent = self.recent.as_ref().map_or(0, |recent| recent.bytes());
        size_of::<Self>() + self.texts.capacity() + recent + self.group_ends.len() * 2
    }

    pub(super) fn namespace(&self) -> &str {
        self.text(0, self.ends[0])
    }

    pub(super) fn user(&self) -> &str {
        self.text(self.ends[0], self.ends[1])
    }

    pub(super) fn pinned(&self) -> Option<&str> {
        self.has_override.then(|| self.text(self.ends[1], self.ends[2]))
    }

    /// Kind and name with a slash between them.
    pub(super) fn owner(&self) -> &str {
        self.text(self.ends[2], self.ends[3])
    }

    pub(super) fn groups(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = self.ends[3];
        self.group_ends.iter().map(move |end| self.text(std::mem::replace(&mut start, *end), *end))
    }

    pub(super) fn images(&self) -> impl Iterator<Item = (&str, ImageDecision, Option<Rule>)> {
        let mut start = self.group_ends.last().copied().unwrap_or(self.ends[3]);
        self.images.iter().map(move |NotedImage { end, decision, rule }| {
            (self.text(std::mem::replace(&mut start, *end), *end), *decision, *rule)
        })
    }

    fn text(&self, start: u16, end: u16) -> &str {
        self.texts.get(usize::from(start)..usize::from(end)).unwrap_or_default()
    }
}

/// All texts together are far below 64 KiB.
fn position(texts: &str) -> u16 {
    u16::try_from(texts.len()).unwrap_or(u16::MAX)
}

/// At most so many bytes of a text.
pub(super) fn cut(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest)).unwrap_or(text)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use serde_json::{Value, json};

    use super::{LONGEST_IMAGE, Lost, MOST_IMAGES, Note, Noted};
    use crate::telemetry::ImageDecision;
    use imagegate_core::admission::Review;
    use imagegate_core::policy::{Documents, Policy, Rule, Workload, compile};

    static POLICY: LazyLock<Policy> = LazyLock::new(|| compile(&Documents::default()).unwrap().0);

    /// A Pod of these images, by `user` in `namespace`.
    pub(in crate::observed) fn review(namespace: &str, user: &str, images: &[&str]) -> Value {
        let containers: Vec<_> =
            images.iter().map(|image| json!({"name": "web", "image": image})).collect();
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "1",
                "kind": {"group": "", "version": "v1", "kind": "Pod"},
                "operation": "CREATE",
                "namespace": namespace,
                "name": "web",
                "userInfo": {"username": user, "groups": ["one", "two"]},
                "object": {"spec": {"containers": containers}},
            },
        })
    }

    /// What it leaves behind at `now`, judged by the default policy.
    pub(in crate::observed) fn note_of(review: &Value, now: i64) -> Option<Note> {
        let body = review.to_string();
        let review = Review::parse(body.as_bytes()).unwrap();
        let policy = &*POLICY;
        let verdict = review.judge(policy, None, now);
        let noted =
            Noted { review: &review, policy, pinned: None, verdict: &verdict, flip: None, now };
        Note::of(&noted, true)
    }

    #[test]
    fn a_note_holds_what_a_policy_looks_at() {
        let mut body = review("ci", "bob", &["docker.io/a:1", "quay.io/b:1"]);
        let note = note_of(&body, 7).unwrap();
        assert_eq!((note.namespace(), note.user(), note.pinned()), ("ci", "bob", None));
        assert_eq!(note.groups().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!((note.owner(), note.at, note.is_dry_run), ("Pod/web", 7, false));
        assert_eq!(note.workload, Workload::Pod);
        let expected = [
            ("docker.io/a:1", ImageDecision::Allow, None),
            ("quay.io/b:1", ImageDecision::Deny, Some(Rule::UntrustedRegistry)),
        ];
        assert_eq!(note.images().collect::<Vec<_>>(), expected);
        assert_eq!(note.recent.as_ref().unwrap().image.as_ref(), "quay.io/b:1");
        body["request"]["object"]["metadata"] = json!({"ownerReferences": [
            {"kind": "Node", "name": "n"},
            {"kind": "ReplicaSet", "name": "web-7d", "controller": true},
        ]});
        body["request"]["dryRun"] = json!(true);
        let note = note_of(&body, 7).unwrap();
        assert_eq!((note.owner(), note.is_dry_run), ("ReplicaSet/web-7d", true));
    }

    #[test]
    fn what_was_not_judged_leaves_nothing_behind() {
        let mut body = review("ci", "bob", &["docker.io/a:1"]);
        body["request"]["operation"] = json!("UPDATE");
        body["request"]["oldObject"] = body["request"]["object"].clone();
        assert!(note_of(&body, 0).is_none(), "it is not new");
        body["request"]["operation"] = json!("DELETE");
        body["request"]["object"] = Value::Null;
        assert!(note_of(&body, 0).is_none());
    }

    #[test]
    fn what_is_too_long_or_too_many_is_counted_and_not_kept() {
        let lost = |too_long, too_many| Lost { too_long, too_many };
        let image = |length: usize| format!("docker.io/{}", "a".repeat(length - 10));
        let (longest, longer) = (image(LONGEST_IMAGE), image(LONGEST_IMAGE + 1));
        let (name, user) = ("n".repeat(254), "u".repeat(513));
        let many = vec!["docker.io/a:1"; MOST_IMAGES + 2];
        let large = vec![longest.as_str(); 10];
        for (body, kept, expected) in [
            (review("ci", "bob", &[&longest]), 1, lost(0, 0)),
            (review("ci", "bob", &[&longer, "docker.io/a:1"]), 1, lost(1, 0)),
            (review(&name, "bob", &["docker.io/a:1", "docker.io/b:1"]), 0, lost(2, 0)),
            (review("ci", &user, &["docker.io/a:1"]), 0, lost(1, 0)),
            (review("ci", "bob", &many), MOST_IMAGES, lost(0, 2)),
            (review("ci", "bob", &large), 8, lost(0, 2)),
        ] {
            let note = note_of(&body, 0).unwrap();
            assert_eq!((note.images().count(), note.lost), (kept, expected));
            assert!(note.bytes() < 32 << 10, "{}", note.bytes());
        }
    }
}

//! What one request leaves behind.
//!
//! It is made on the way of a request, so it copies a few texts into one allocation and does nothing
//! else. Its size has a bound: what does not fit is lost, and counted.

use std::fmt::Write as _;

use smallvec::SmallVec;

use super::recent::Recent;
use crate::telemetry::ImageDecision;
use imagegate_core::admission::Review;
use imagegate_core::policy::{ContainerKind, Flip, Policy, PullPolicy, Rule, Verdict, Workload};

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
/// Bytes of the kind of an object with its group. Kubernetes allows 63 and 253.
const LONGEST_KIND: usize = 320;
/// Bytes of all labels that policies select by, keys and values; those that do not fit are not known.
const ALL_LABELS: usize = 2048;
/// Bytes that most requests leave behind.
const USUAL: usize = 384;

/// What a request was and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a, 'b> {
    /// The request.
    pub review: &'a Review<'b>,
    /// The policy that judged it.
    pub policy: &'a Policy,
    /// The candidate beside it.
    pub candidate: Option<&'a Policy>,
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
    /// Namespace, user, override, kind, owner; then the groups, the labels and the images.
    texts: String,
    /// Where each of the first five ends.
    ends: [u16; 5],
    group_ends: SmallVec<[u16; 4]>,
    /// Where each label that a policy selects by has the end of its key, and of its value unless there is
    /// no such label.
    label_ends: Vec<(u16, Option<u16>)>,
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
    container: ContainerKind,
    pull_policy: PullPolicy,
    decision: ImageDecision,
    rule: Option<Rule>,
}

/// One image of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OfNote<'n> {
    pub(super) image: &'n str,
    pub(super) container: ContainerKind,
    pub(super) pull_policy: PullPolicy,
    pub(super) decision: ImageDecision,
    pub(super) rule: Option<Rule>,
}

impl Note {
    /// `None` where a request leaves nothing behind.
    pub(super) fn of(noted: &Noted<'_, '_>, with_images: bool) -> Option<Self> {
        let recent = Recent::of(noted).map(Box::new);
        let Noted { review, now, .. } = noted;
        let mut note = Self {
            texts: String::new(),
            ends: [0; 5],
            group_ends: SmallVec::new(),
            label_ends: Vec::new(),
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
        let Noted { review, policy, candidate, pinned, verdict, .. } = noted;
        let judged = review.judged(policy, *pinned);
        let mut images = judged.filter_map(|each| Some((each, each.image.as_deref()?))).peekable();
        if images.peek().is_none() {
            return;
        }
        let pinned = pinned.unwrap_or_default();
        let longest = review.namespace().len().max(pinned.len());
        let kind = review.object_kind();
        if longest > LONGEST_NAME
            || review.user().len() > LONGEST_USER
            || kind.group.len() + kind.kind.len() > LONGEST_KIND
        {
            self.lost.too_long = u32::try_from(images.count()).unwrap_or(u32::MAX);
            return;
        }
        self.texts.reserve_exact(USUAL);
        let owner = review.owner();
        let own = [review.namespace(), review.user(), pinned];
        for (text, end) in own.into_iter().zip(&mut self.ends) {
            self.texts.push_str(text);
            *end = position(&self.texts);
        }
        // A Pod is the usual kind, and says it by being one.
        if self.workload == Workload::Template {
            let _ = write!(self.texts, "{kind}");
        }
        self.ends[3] = position(&self.texts);
        self.texts.push_str(cut(owner.kind, LONGEST_OWNER / 4));
        if !owner.name.is_empty() {
            self.texts.push('/');
            self.texts.push_str(cut(owner.name, LONGEST_OWNER - LONGEST_OWNER / 4 - 1));
        }
        self.ends[4] = position(&self.texts);
        let groups = self.texts.len() + ALL_GROUPS;
        for group in review.groups() {
            if self.texts.len() + group.len() <= groups {
                self.texts.push_str(group);
                self.group_ends.push(position(&self.texts));
            }
        }
        self.add_labels(review, policy, *candidate);
        let most = self.texts.len() + ALL_IMAGES;
        for (image, text) in images {
            if text.len() > LONGEST_IMAGE {
                self.lost.too_long += 1;
            } else if self.images.len() == MOST_IMAGES || self.texts.len() + text.len() > most {
                self.lost.too_many += 1;
            } else {
                let (decision, rule) = ImageDecision::of(image, verdict);
                self.texts.push_str(text);
                self.images.push(NotedImage {
                    end: position(&self.texts),
                    container: image.field.list.containers(),
                    pull_policy: image.pull_policy,
                    decision,
                    rule,
                });
            }
        }
    }

    /// What the Pods have of the labels that a policy selects by. Where an object has several Pods, or none
    /// whose labels were read, nothing is known.
    fn add_labels(&mut self, review: &Review<'_>, policy: &Policy, candidate: Option<&Policy>) {
        let keys = policy.label_keys();
        let more = candidate.map(Policy::label_keys).unwrap_or_default();
        if keys.is_empty() && more.is_empty() {
            return;
        }
        let Some(labels) = review.labels() else { return };
        let most = self.texts.len() + ALL_LABELS;
        let mut keys: SmallVec<[&str; 32]> = keys.iter().chain(more).map(|key| &**key).collect();
        // The same labels look the same, whichever policy asks for them.
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let value = labels.get(key);
            if self.texts.len() + key.len() + value.map_or(0, str::len) > most {
                continue;
            }
            self.texts.push_str(key);
            let end = position(&self.texts);
            let end_of_value = value.map(|value| {
                self.texts.push_str(value);
                position(&self.texts)
            });
            self.label_ends.push((end, end_of_value));
        }
    }

    /// Bytes that the note takes while it waits.
    pub(super) fn bytes(&self) -> usize {
        let recent = self.recent.as_ref().map_or(0, |recent| recent.bytes());
        size_of::<Self>()
            + self.texts.capacity()
            + recent
            + self.group_ends.len() * 2
            + self.label_ends.len() * size_of::<(u16, Option<u16>)>()
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

    /// The kind of object, as a policy writes it; empty for a Pod.
    pub(super) fn kind(&self) -> &str {
        self.text(self.ends[2], self.ends[3])
    }

    /// Kind and name with a slash between them.
    pub(super) fn owner(&self) -> &str {
        self.text(self.ends[3], self.ends[4])
    }

    pub(super) fn groups(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = self.ends[4];
        self.group_ends.iter().map(move |end| self.text(std::mem::replace(&mut start, *end), *end))
    }

    /// The labels that are known, each with its value.
    pub(super) fn labels(&self) -> impl ExactSizeIterator<Item = (&str, Option<&str>)> {
        let mut start = self.end_of_groups();
        self.label_ends.iter().map(move |(end, end_of_value)| {
            let key = self.text(start, *end);
            let value = end_of_value.map(|end_of_value| self.text(*end, end_of_value));
            start = end_of_value.unwrap_or(*end);
            (key, value)
        })
    }

    /// Their keys and values as one text.
    pub(super) fn text_of_labels(&self) -> &str {
        self.text(self.end_of_groups(), self.end_of_labels())
    }

    pub(super) fn images(&self) -> impl Iterator<Item = OfNote<'_>> {
        let mut start = self.end_of_labels();
        self.images.iter().map(move |noted| {
            let NotedImage { end, container, pull_policy, decision, rule } = *noted;
            let image = self.text(std::mem::replace(&mut start, end), end);
            OfNote { image, container, pull_policy, decision, rule }
        })
    }

    fn end_of_groups(&self) -> u16 {
        self.group_ends.last().copied().unwrap_or(self.ends[4])
    }

    fn end_of_labels(&self) -> u16 {
        let last = self.label_ends.last().map(|(end, end_of_value)| end_of_value.unwrap_or(*end));
        last.unwrap_or_else(|| self.end_of_groups())
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
    use imagegate_core::policy::{
        ContainerKind, Documents, Policy, PullPolicy, Rule, Workload, compile,
    };

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
        note_by(&POLICY, review, now)
    }

    /// The policy of a full form.
    pub(in crate::observed) fn policy(yaml: &str) -> Policy {
        compile(&Documents::full_form(yaml)).unwrap().0
    }

    /// What it leaves behind at `now`, judged by a policy.
    pub(in crate::observed) fn note_by(policy: &Policy, review: &Value, now: i64) -> Option<Note> {
        let body = review.to_string();
        let review = Review::parse_with(body.as_bytes(), policy.reading()).unwrap();
        let verdict = review.judge(policy, None, now);
        let noted = Noted {
            review: &review,
            policy,
            candidate: None,
            pinned: None,
            verdict: &verdict,
            flip: None,
            now,
        };
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
        let images = note.images().map(|each| (each.image, each.decision, each.rule));
        assert_eq!(images.collect::<Vec<_>>(), expected);
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
    fn a_note_holds_the_labels_that_a_policy_selects_by_and_no_others() {
        let selecting = policy(
            "overrides: [{name: o, mode: warn, podSelector: {matchLabels: {team: a}, \
             matchExpressions: [{key: tier, operator: Exists}]}}]",
        );
        let mut body = review("ci", "bob", &["docker.io/a:1"]);
        body["request"]["object"]["metadata"] =
            json!({"labels": {"team": "b", "pod-template-hash": "7d"}});
        let labels = |policy: &Policy, body: &Value| {
            let note = note_by(policy, body, 0).unwrap();
            let owned = |value: Option<&str>| value.map(str::to_owned);
            let labels = note.labels().map(|(key, value)| (key.to_owned(), owned(value)));
            assert_eq!(note.images().next().unwrap().image, "docker.io/a:1");
            labels.collect::<Vec<_>>()
        };
        let both = [("team".to_owned(), Some("b".to_owned())), ("tier".to_owned(), None)];
        assert_eq!(labels(&selecting, &body), both);
        assert_eq!(labels(&POLICY, &body), []);
        // What is too long is not known, instead of cut.
        body["request"]["object"]["metadata"]["labels"]["team"] = json!("x".repeat(3000));
        assert_eq!(labels(&selecting, &body), [("tier".to_owned(), None)]);
    }

    #[test]
    fn a_note_says_how_each_container_uses_its_image() {
        let mut body = review("ci", "bob", &["docker.io/a:1"]);
        body["request"]["object"]["spec"]["initContainers"] =
            json!([{"name": "i", "image": "docker.io/a:1", "imagePullPolicy": "Always"}]);
        let forms = |body: &Value| {
            let note = note_of(body, 0).unwrap();
            let forms = note.images().map(|each| (each.container, each.pull_policy));
            (note.kind().to_owned(), forms.collect::<Vec<_>>())
        };
        let (kind, mut found) = forms(&body);
        found.sort_unstable();
        let expected = [
            (ContainerKind::Regular, PullPolicy::Unset),
            (ContainerKind::Init, PullPolicy::Always),
        ];
        assert_eq!((kind.as_str(), found.as_slice()), ("", &expected[..]));
        let spec = body["request"]["object"]["spec"].clone();
        body["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
        body["request"]["object"] = json!({"spec": {"template": {"spec": spec}}});
        assert_eq!(forms(&body).0, "apps/Deployment");
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

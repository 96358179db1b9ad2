//! The proposal, and its text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cover::{Entry, Fit, cover};
use super::evidence::{Evidence, counted, examples};
use super::scalar::{comment, scalar};
use super::tags::{BY_DEFAULT, MOVING};
use crate::image::Reference;
use crate::policy::names_repository;
use crate::usage::Usage;

/// A policy in full form that refuses none of the uses it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    yaml: String,
    /// The images that it refuses all the same, as written: texts that are no references, and images whose
    /// repository no pattern names.
    pub left_out: Vec<String>,
}

/// There is no use to make a policy from, or none that a policy can admit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing in use that a policy could admit")]
pub struct NothingUsed;

/// A use with its reference.
struct Used<'a> {
    usage: Usage<'a>,
    reference: Reference<'a>,
    /// `host/path`, folded.
    repository: String,
}

impl Proposal {
    /// The cheapest policy that covers `usages`; `cover` says what that means.
    ///
    /// # Errors
    /// When no policy can admit any of the images.
    pub fn of<'a>(
        usages: impl IntoIterator<Item = Usage<'a>>,
        fit: Fit,
    ) -> Result<Self, NothingUsed> {
        let (mut used, mut left_out) = (Vec::new(), BTreeSet::new());
        for usage in usages {
            match Used::of(usage) {
                Some(usage) => used.push(usage),
                None => {
                    left_out.insert(usage.image);
                }
            }
        }
        if used.is_empty() {
            return Err(NothingUsed);
        }
        let mut yaml = head(&used, &left_out, fit);
        registries(&mut yaml, &used, fit);
        tags(&mut yaml, &used, fit);
        switches(&mut yaml, &used, fit);
        Ok(Self { yaml, left_out: left_out.into_iter().map(str::to_owned).collect() })
    }

    /// The policy, each line with a comment on who uses it.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }
}

impl<'a> Used<'a> {
    /// `None` where no policy can admit it.
    fn of(usage: Usage<'a>) -> Option<Self> {
        let reference = Reference::parse(usage.image).ok()?;
        let repository = format!("{}/{}", reference.registry(), reference.repository());
        names_repository(&repository).then_some(Self { usage, reference, repository })
    }
}

fn head(used: &[Used<'_>], left_out: &BTreeSet<&str>, fit: Fit) -> String {
    let all = evidence(used, |_| true);
    let mut yaml = String::new();
    let fit = match fit {
        Fit::Tight => "each repository by itself",
        Fit::Balanced => "a prefix where it stands for several repositories",
        Fit::Loose => "the owner of each image",
    };
    let images = counted(all.images(), "image", "images");
    let namespaces = counted(all.namespaces().len(), "namespace", "namespaces");
    line(&mut yaml, &format!("Proposed from {images} in {namespaces}: {fit}."));
    line(
        &mut yaml,
        "It refuses none of them. What is used is not trusted by that: read each line.",
    );
    if !left_out.is_empty() {
        let examples = examples(left_out);
        line(&mut yaml, &format!("Left out, since no policy can admit it: {examples}"));
    }
    yaml
}

fn registries(yaml: &mut String, used: &[Used<'_>], fit: Fit) {
    yaml.push_str("allowedRegistries:\n");
    let repositories = used.iter().map(|each| each.repository.as_str());
    for Entry { place, covers, open_levels } in cover(repositories, fit) {
        let mut evidence = Evidence::default();
        for used in covers.into_iter().filter_map(|position| used.get(position)) {
            evidence.add(&used.usage, &used.repository);
        }
        let open = if open_levels > 0 { "all below, for " } else { "" };
        item(yaml, &place, &format!("{open}{}", evidence.in_words()));
    }
}

fn tags(yaml: &mut String, used: &[Used<'_>], fit: Fit) {
    let tags = if fit == Fit::Loose { BY_DEFAULT } else { MOVING.len() };
    let tags = MOVING.iter().take(tags);
    let with = |tag: &str| evidence(used, |reference| effective_tag(reference) == Some(tag));
    let (free, taken): (Vec<_>, Vec<_>) =
        tags.map(|tag| (*tag, with(tag))).partition(|(_, evidence)| evidence.images() == 0);
    for (tag, evidence) in taken {
        line(
            yaml,
            &format!("The tag `{tag}` is in use, and so not blocked: {}", evidence.in_words()),
        );
    }
    let free: Vec<_> = free.into_iter().map(|(tag, _)| tag).collect();
    let _ = writeln!(
        yaml,
        "blockedTags: [{}]  {}",
        free.join(", "),
        comment("of the tags that move, those not in use")
    );
}

fn switches(yaml: &mut String, used: &[Used<'_>], fit: Fit) {
    let untagged = evidence(used, |it| it.tag().is_none() && it.digest().is_none());
    let unpinned = evidence(used, |it| it.digest().is_none());
    let short = evidence(used, Reference::is_short_name);
    let mut switch = |field: &str, value: &str, why: String| {
        let _ = writeln!(yaml, "{field}: {value}  {}", comment(&why));
    };
    if untagged.images() == 0 {
        switch("requireTag", "true", "every image in use has a tag or a digest".to_owned());
    } else {
        switch("requireTag", "false", format!("without tag and digest: {}", untagged.in_words()));
    }
    if unpinned.images() > 0 {
        let all = evidence(used, |_| true).images();
        let why = format!("{} of {all} images in use have none", unpinned.images());
        switch("requireDigest", "false", why);
    } else if fit == Fit::Loose {
        switch(
            "requireDigest",
            "false",
            "every image in use has one: it could be required".to_owned(),
        );
    } else {
        switch("requireDigest", "true", "every image in use has one".to_owned());
    }
    if short.images() == 0 {
        switch("shortNames", "deny", "every image in use names its registry".to_owned());
    } else {
        let why = format!("without registry, taken for Docker Hub's: {}", short.in_words());
        switch("shortNames", "dockerHub", why);
    }
}

/// The tag that a policy judges: without tag and digest it is `latest`.
fn effective_tag<'a>(reference: &Reference<'a>) -> Option<&'a str> {
    reference.tag().or(reference.digest().is_none().then_some("latest"))
}

fn evidence<'u>(used: &'u [Used<'_>], is_meant: impl Fn(&Reference<'u>) -> bool) -> Evidence<'u> {
    let mut evidence = Evidence::default();
    for each in used.iter().filter(|each| is_meant(&each.reference)) {
        evidence.add(&each.usage, &each.repository);
    }
    evidence
}

/// A comment on a line of its own.
fn line(yaml: &mut String, text: &str) {
    let _ = writeln!(yaml, "{}", comment(text));
}

/// An item of a list with its comment.
fn item(yaml: &mut String, text: &str, why: &str) {
    let _ = writeln!(yaml, "- {}  {}", scalar(text), comment(why));
}

//! Why an image gets the verdict that it gets: every check, in order, with what decided it.
//!
//! For people at a prompt. It asks the same compiled rules as evaluation does, one by one, so the
//! two cannot disagree; a property test says so.

use crate::image::Reference;
use crate::policy::judge::advice;
use crate::policy::judge::message;
use crate::policy::judge::policy::Policy;
use crate::policy::judge::rules::{Broken, Rules, ShortNames};
use crate::policy::judge::subject::Subject;
use crate::policy::judge::verdict::Rule;
use crate::policy::problem::nearest;

/// More near misses than this do not help anybody.
const MOST_NEAR_MISSES: usize = 5;
/// More suggestions than this are not read.
const MOST_SUGGESTIONS: usize = 3;

/// What a policy makes of one image, step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The canonical form, or why there is none.
    pub canonical: Result<String, String>,
    /// The name of the override that applies.
    pub override_name: Option<String>,
    /// Every check in order. The first that is broken decides; later ones are shown all the same.
    pub steps: Vec<Step>,
    /// What an exemption has to do with it; empty where none is near.
    pub exemptions: Vec<String>,
    /// Allowed patterns that look alike and do not cover the image, with the reason.
    pub near_misses: Vec<String>,
    /// References to the same repository that would be accepted, with `<tag>` and `<digest>` to be
    /// filled in.
    pub suggestions: Vec<String>,
    /// What else would have the image accepted, in words, where no tag or digest is enough: a copy
    /// in an allowed place, or a rule. The same path in another registry is never suggested, since
    /// it may belong to anyone.
    pub remedies: Vec<String>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule that is checked.
    pub rule: Rule,
    /// Whether the image passes.
    pub passed: bool,
    /// What decided: the pattern, the setting, or the part of the reference.
    pub detail: String,
}

impl Policy {
    /// Explains what this policy makes of `image` for `subject`.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>, image: &str) -> Explanation {
        let (rules, override_name) = self.rules_for(subject);
        let override_name = override_name.map(str::to_owned);
        let reference = match Reference::parse(image) {
            Ok(reference) => reference,
            Err(error) => {
                let why = error.to_string();
                let step =
                    Step { rule: Rule::InvalidReference, passed: false, detail: why.clone() };
                return Explanation {
                    canonical: Err(why),
                    override_name,
                    steps: vec![step],
                    exemptions: Vec::new(),
                    near_misses: Vec::new(),
                    suggestions: suggestions(rules, image.trim()),
                    remedies: Vec::new(),
                };
            }
        };
        let broken = rules.broken_by(&reference);
        let suggestions = match broken {
            Some(_) => suggestions(rules, image),
            None => Vec::new(),
        };
        let covered = rules.allowed_registries.set.first(&reference).is_some();
        Explanation {
            canonical: Ok(reference.to_string()),
            override_name,
            steps: steps(rules, &reference),
            exemptions: self.exemption_notes(subject, &reference),
            near_misses: if covered { Vec::new() } else { near_misses(rules, &reference) },
            remedies: if broken.is_some() && suggestions.is_empty() {
                remedies(rules, &reference)
            } else {
                Vec::new()
            },
            suggestions,
        }
    }

    fn exemption_notes(&self, subject: &Subject<'_>, reference: &Reference<'_>) -> Vec<String> {
        let about =
            self.exemptions.iter().filter(|each| each.images.set.first(reference).is_some());
        about
            .map(|each| {
                let name = each.name();
                if !each.covers(reference, subject) {
                    format!("`{name}` names the image, but another namespace or user")
                } else if each.is_expired(subject.now) {
                    let day = each.expires_as_written().unwrap_or_default();
                    format!("`{name}` covered it until it expired on {day}")
                } else {
                    format!("`{name}` covers it: {}", message::shown(each.reason()))
                }
            })
            .take(MOST_NEAR_MISSES)
            .collect()
    }
}

fn steps(rules: &Rules, reference: &Reference<'_>) -> Vec<Step> {
    let mut steps = vec![Step {
        rule: Rule::InvalidReference,
        passed: true,
        detail: format!("the registry is `{}`", reference.registry()),
    }];
    let mut step = |rule, passed, detail: String| steps.push(Step { rule, passed, detail });

    match (reference.tag(), reference.digest()) {
        (Some(tag), _) => step(Rule::MissingTag, true, format!("the tag is `{tag}`")),
        (None, Some(_)) => step(Rule::MissingTag, true, "a digest stands in for a tag".into()),
        (None, None) if rules.require_tag => {
            step(Rule::MissingTag, false, "there is neither a tag nor a digest".into());
        }
        (None, None) => step(Rule::MissingTag, true, "no tag is required".into()),
    }

    let blocked = rules.blocked_registries.set.first(reference);
    let allowed = rules.allowed_registries.set.first(reference);
    if reference.is_short_name() && rules.short_names == ShortNames::Deny {
        let detail = "it names no registry, and short names are refused";
        step(Rule::UntrustedRegistry, false, detail.into());
    } else if let Some(position) = blocked {
        let pattern = rules.blocked_registries.written.get(position);
        step(Rule::UntrustedRegistry, false, format!("`{pattern}` is blocked"));
    } else if let Some(position) = allowed {
        let pattern = rules.allowed_registries.written.get(position);
        step(Rule::UntrustedRegistry, true, format!("`{pattern}` covers it"));
    } else {
        let count = rules.allowed_registries.written.len();
        let detail = match count {
            1 => "the one allowed pattern does not cover it".to_owned(),
            count => format!("none of {count} allowed patterns covers it"),
        };
        step(Rule::UntrustedRegistry, false, detail);
    }

    match (rules.tag_broken_by(reference), reference.tag()) {
        (Some(Broken::TagBlocked), tag) => {
            let position = rules.blocked_tags.set.first(tag.unwrap_or("latest"));
            let pattern = rules.blocked_tags.written.get(position.unwrap_or_default());
            let detail = match tag {
                Some(_) => format!("`{pattern}` is blocked"),
                None => format!("it would be pulled as `latest`, and `{pattern}` is blocked"),
            };
            step(Rule::BlockedTag, false, detail);
        }
        (Some(_), tag) => {
            let detail = match tag {
                Some(tag) => format!("`{tag}` is not among the allowed tags"),
                None => "it would be pulled as `latest`, which is not allowed".to_owned(),
            };
            step(Rule::BlockedTag, false, detail);
        }
        (None, Some(tag)) => step(Rule::BlockedTag, true, format!("`{tag}` is not blocked")),
        (None, None) => step(Rule::BlockedTag, true, "there is no tag to judge".into()),
    }

    match reference.digest() {
        Some(_) => step(Rule::MissingDigest, true, "it is pinned by digest".into()),
        None if rules.require_digest => {
            step(Rule::MissingDigest, false, "it is not pinned by digest".into());
        }
        None => step(Rule::MissingDigest, true, "no digest is required".into()),
    }
    steps
}

/// Patterns that a reader could have expected to cover the reference.
fn near_misses(rules: &Rules, reference: &Reference<'_>) -> Vec<String> {
    let registry = reference.registry();
    let repository = reference.repository();
    let reason = |pattern: &str| {
        if pattern.starts_with('/') || pattern == "*" {
            return None;
        }
        let (host, path) = match pattern.split_once('/') {
            Some((host, path)) => (host.to_ascii_lowercase(), Some(path)),
            None => (pattern.to_ascii_lowercase(), None),
        };
        let bare = host.split(':').next().unwrap_or(&host);
        let same_name = registry.split(':').next() == Some(bare);
        if host == registry {
            let path = path?;
            return Some(format!(
                "`{pattern}`: the repository is `{repository}`, not below `{path}`"
            ));
        }
        if same_name {
            return Some(format!("`{pattern}`: the port makes `{registry}` another registry"));
        }
        if registry.starts_with(&host) || registry.ends_with(&host) {
            return Some(format!("`{pattern}`: `{registry}` only looks like it"));
        }
        if repository.starts_with(&format!("{host}/")) {
            return Some(format!("`{pattern}`: stands in the path, the registry is `{registry}`"));
        }
        nearest(registry, [host.as_str()]).map(|_| format!("`{pattern}`: is `{registry}` a typo?"))
    };
    rules.allowed_registries.written.iter().filter_map(reason).take(MOST_NEAR_MISSES).collect()
}

/// The same repository as the rules accept it: with its registry written out, a tag put in, or a
/// digest appended. Never another repository, which may be somebody else's.
fn suggestions(rules: &Rules, image: &str) -> Vec<String> {
    let reference = Reference::parse(image).ok();
    reference.and_then(|reference| advice::same_repository(rules, &reference)).into_iter().collect()
}

/// Where a copy of the image would be accepted, and what rule would accept the image itself.
fn remedies(rules: &Rules, reference: &Reference<'_>) -> Vec<String> {
    let copy = |pattern: &str| {
        if pattern == "*" || pattern == "**" {
            return None;
        }
        if pattern.starts_with('/') || pattern.contains('*') {
            return Some(format!("a copy in a repository of your own that `{pattern}` covers"));
        }
        let place = pattern.trim_end_matches('/');
        // Two segments, since Docker Hub puts `library` in front of one.
        let (probe, shown) = (format!("{place}/any/name"), format!("{place}/<your-repository>"));
        let shown = advice::accepted(rules, reference, &probe, &shown)?;
        Some(format!("a copy at {shown}"))
    };
    let allowed = rules.allowed_registries.written.iter();
    let mut remedies: Vec<String> = allowed.filter_map(copy).take(MOST_SUGGESTIONS).collect();
    if let Some(position) = rules.blocked_registries.set.first(reference) {
        let pattern = rules.blocked_registries.written.get(position);
        remedies.push(format!("the image itself, once `blockedRegistries` has no `{pattern}`"));
    } else if rules.allowed_registries.set.first(reference).is_none() {
        let place = format!("{}/{}", reference.registry(), reference.repository());
        remedies.push(format!("the image itself, once `allowedRegistries` covers `{place}`"));
    }
    remedies
}

//! Why an image gets the verdict that it gets: every check, in order, with what decided it.
//!
//! For people at a prompt. It asks the same compiled rules as evaluation does, one by one, so the
//! two cannot disagree; a property test says so.

use crate::image::Reference;
use crate::policy::judge::advice;
use crate::policy::judge::checks::{Broken, Rule, Step};
use crate::policy::judge::message;
use crate::policy::judge::policy::Policy;
use crate::policy::judge::pull::PullPolicy;
use crate::policy::judge::subject::{ContainerImage, ContainerKind, Subject};
use crate::policy::pattern::registry_pattern::split_pin;
use crate::policy::problem::nearest;
use crate::policy::rules::fields::Rules;

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

impl Explanation {
    /// What would be accepted in place of `image`, for people. Which registry a short name is pulled from
    /// depends on the node's runtime, so it is said which one a suggestion assumes.
    #[must_use]
    pub fn accepted(&self, image: &str) -> Vec<String> {
        let is_short = Reference::parse(image.trim()).is_ok_and(|read| read.is_short_name());
        let if_meant = |suggestion: &String| {
            if is_short && suggestion.starts_with("docker.io/") {
                format!("{suggestion}, if the image on Docker Hub is meant")
            } else {
                suggestion.clone()
            }
        };
        self.suggestions.iter().map(if_meant).collect()
    }
}

impl Policy {
    /// Explains what this policy makes of `image` for `subject`. One that is left out is read as an empty
    /// text.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>, image: &ContainerImage<'_>) -> Explanation {
        let (container, pull_policy) = (image.field.list.containers(), image.pull_policy);
        let image = image.image.as_deref().unwrap_or_default();
        let (rules, override_name) = self.rules_for(subject, container);
        let override_name = override_name.map(str::to_owned);
        let mut text = String::new();
        let reference = match rules.short_names.read(image, &mut text) {
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
                    suggestions: suggestions(rules, image.trim(), pull_policy),
                    remedies: Vec::new(),
                };
            }
        };
        let broken = rules.broken_by(&reference, pull_policy);
        let suggestions = match broken {
            Some(_) => suggestions(rules, reference.written(), pull_policy),
            None => Vec::new(),
        };
        let covered = rules.allowed_registries.deciding(&reference).is_some();
        Explanation {
            canonical: Ok(reference.to_string()),
            override_name,
            steps: rules.steps(&reference, pull_policy),
            exemptions: self.exemption_notes(subject, container, &reference),
            near_misses: if covered { Vec::new() } else { near_misses(rules, &reference) },
            remedies: if broken
                .is_some_and(|breach| suggestions.is_empty() || breach.broken == Broken::PullPolicy)
            {
                remedies(rules, &reference)
            } else {
                Vec::new()
            },
            suggestions,
        }
    }

    fn exemption_notes(
        &self,
        subject: &Subject<'_>,
        container: ContainerKind,
        reference: &Reference<'_>,
    ) -> Vec<String> {
        let about =
            self.exemptions.iter().filter(|each| each.images.set.first(reference).is_some());
        about
            .map(|each| {
                let name = each.name();
                if !each.selects(subject, container) {
                    format!("`{name}` names the image, but other Pods, containers or kinds")
                } else if !each.covers(reference, container, subject) {
                    format!("`{name}` names the image, but another namespace or user")
                } else if each.is_expired(subject.now) {
                    let day = each.expires_as_written().unwrap_or_default();
                    format!("`{name}` covered it until it expired on {day}")
                } else {
                    let lifts = |rule: &Rule| each.lifts.contains(*rule);
                    let rules: Vec<_> = Rule::ALL.into_iter().filter(lifts).collect();
                    let partly = rules.len() < Rule::ALL.len();
                    let rules: Vec<_> = rules.into_iter().map(Rule::as_str).collect();
                    let scope =
                        if partly { format!(" for {}", rules.join(", ")) } else { String::new() };
                    format!("`{name}` covers it{scope}: {}", message::shown(each.reason()))
                }
            })
            .take(MOST_NEAR_MISSES)
            .collect()
    }
}

/// Patterns that a reader could have expected to cover the reference.
fn near_misses(rules: &Rules, reference: &Reference<'_>) -> Vec<String> {
    let registry = reference.registry();
    let repository = reference.repository();
    let reason = |pattern: &str| {
        if pattern.starts_with('/') || pattern == "*" {
            return None;
        }
        let (pattern_place, is_pinned) = match split_pin(pattern) {
            Some((place, _)) => (place, true),
            None => (pattern, false),
        };
        let (host, path) = match pattern_place.split_once('/') {
            Some((host, path)) => (host.to_ascii_lowercase(), Some(path)),
            None => (pattern_place.to_ascii_lowercase(), None),
        };
        let bare = host.split(':').next().unwrap_or(&host);
        let same_name = registry.split(':').next() == Some(bare);
        if host == registry {
            let path = path?;
            if is_pinned && path == repository {
                return Some(format!("`{pattern}`: names other images of the repository"));
            }
            if is_pinned {
                return Some(format!(
                    "`{pattern}`: the repository is `{repository}`, not `{path}`"
                ));
            }
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
    rules.allowed_registries.written().iter().filter_map(reason).take(MOST_NEAR_MISSES).collect()
}

/// The same repository as the rules accept it: with its registry written out, a tag put in, or a
/// digest appended. Never another repository, which may be somebody else's.
fn suggestions(rules: &Rules, image: &str, pull_policy: PullPolicy) -> Vec<String> {
    let reference = Reference::parse(image).ok();
    let accepted = |reference| advice::same_repository(rules, &reference, pull_policy);
    reference.and_then(accepted).into_iter().collect()
}

/// Where a copy of the image would be accepted, and what rule would accept the image itself.
fn remedies(rules: &Rules, reference: &Reference<'_>) -> Vec<String> {
    if rules.broken_by(reference, PullPolicy::Always).is_none() {
        return vec!["the image itself, with the pull policy `Always`".to_owned()];
    }

    let copy = |pattern: &str| {
        // A copy of an image that is named by tag or digest would have to be that image.
        if pattern == "*" || pattern == "**" || split_pin(pattern).is_some() {
            return None;
        }
        if pattern.starts_with('/') || pattern.contains('*') {
            return Some(format!("a copy in a repository of your own that `{pattern}` covers"));
        }
        let place = pattern.trim_end_matches('/');
        // Two segments, since Docker Hub puts `library` in front of one.
        let (probe, shown) = (format!("{place}/any/name"), format!("{place}/<your-repository>"));
        let shown = advice::accepted(rules, (reference, PullPolicy::Always), &probe, &shown)?;
        Some(format!("a copy at {shown}"))
    };
    let allowed = rules.allowed_registries.written().iter();
    let mut remedies: Vec<String> = allowed.filter_map(copy).take(MOST_SUGGESTIONS).collect();
    if let Some(position) = rules.blocked_registries.set.first(reference) {
        let pattern = rules.blocked_registries.written.get(position);
        remedies.push(format!("the image itself, once `blockedRegistries` has no `{pattern}`"));
    } else if rules.allowed_registries.deciding(reference).is_none() {
        let place = format!("{}/{}", reference.registry(), reference.repository());
        remedies.push(format!("the image itself, once `allowedRegistries` covers `{place}`"));
    }
    remedies
}

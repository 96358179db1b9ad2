//! The named expressions that the conditions are about: which rules apply, and the images that are judged by
//! them.

use std::fmt::Write as _;

use super::exempt::Exempting;
use super::rule_sets::{self, RuleSet};
use super::{Variable, asked, cel, spelling};
use crate::policy::judge::policy::Policy;
use crate::policy::judge::subject::ContainerKind;
use crate::policy::judge::verdict::{TemplateMode, UpdateScope};
use crate::policy::rules::fields::Rules;
use crate::policy::rules::short_names::ShortNames;

/// Labels that the gate reads of one object; what has more is left to it.
const MOST_LABELS: usize = 1_000;

/// What the expressions look at.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub(super) struct Looks {
    /// Whether pod templates are judged.
    pub(super) templates: bool,
    /// Whether the rules for one kind of container are not those for another.
    pub(super) containers: bool,
    /// Whether pull policies matter.
    pull_policies: bool,
    /// Whether labels do.
    labels: bool,
}

impl Looks {
    pub(super) fn of(policy: &Policy, sets: &[RuleSet<'_>]) -> Self {
        let distinguishes = policy.distinguishes;
        Self {
            templates: sets.iter().any(|set| set.rules.is_some_and(enforces_templates)),
            containers: distinguishes.containers,
            pull_policies: distinguishes.pull_policies,
            labels: policy.reading().labels,
        }
    }

    /// What an update may change beside images, and is left to the gate.
    pub(super) fn left_of_updates(self) -> impl Iterator<Item = String> {
        let labels = self.labels.then_some("labels by which rules apply");
        let pulled = self.pull_policies.then_some("the pull policy");
        labels.into_iter().chain(pulled).map(|what| {
            format!("an update that changes {what} is judged by the webhook alone, unless the image is new")
        })
    }
}

/// The images of the request, each with its container's name and with the registry that it is pulled from,
/// and the number of the rules that they are judged by.
pub(super) fn of(
    sets: &[RuleSet<'_>],
    exemptions: &[Exempting],
    judged: &[usize],
    looks: Looks,
) -> Vec<Variable> {
    let variable = |name: &str, expression: String| Variable { name: name.to_owned(), expression };
    let mut variables = Vec::new();
    if looks.labels {
        let labels = within("object", &["metadata", "labels"], looks.templates);
        variables.push(variable("labels", labels));
    }
    variables.extend(rule_sets::conditions(sets));
    variables.extend([
        variable("rules", rules(sets, judged, looks)),
        variable("spec", within("object", &["spec"], looks.templates)),
        variable("found", found("variables.spec", looks)),
    ]);
    let number = if looks.containers { "variables.rules[c.kind]" } else { "variables.rules" };
    let scope = |index: &&usize| sets.get(**index).and_then(|set| set.rules).map(|it| it.updates);
    let all: Vec<_> = judged
        .iter()
        .filter(|it| scope(it) == Some(UpdateScope::All))
        .map(usize::to_string)
        .collect();
    let mut new = "variables.found".to_owned();
    if all.len() < judged.len() {
        let old_spec = within("oldObject", &["spec"], looks.templates);
        let old_spec = format!("request.operation == 'UPDATE' ? {old_spec} : dyn({{}})");
        variables.push(variable("oldSpec", old_spec));
        // An image that moves to another kind of container is a new one there.
        let of_use = if looks.containers { "c.kind + ' ' + c.image" } else { "c.image" };
        let old = found("variables.oldSpec", looks);
        variables.push(variable("old", format!("({old}).map(c, {of_use})")));
        let is_new = format!("!(({of_use}) in variables.old)");
        new = if all.is_empty() {
            format!("variables.found.filter(c, {is_new})")
        } else {
            let is_all = format!("{number} in [{}]", all.join(", "));
            format!("variables.found.filter(c, {is_all} || {is_new})")
        };
    }
    let named = format!(
        "c.image.matches({}) ? c.image : {} + c.image",
        cel::quoted(spelling::NAMES_REGISTRY),
        place(sets, judged, number)
    );
    let mut fields = format!("'name': c.name, 'image': c.image, 'named': {named}");
    if looks.containers {
        let _ = write!(fields, ", 'kind': c.kind, 'rules': {number}");
    }
    if looks.pull_policies {
        fields.push_str(", 'pull': c.pull");
    }
    variables.push(variable("judged", format!("{new}.map(c, {{{fields}}})")));
    for Exempting { condition, variable: name, .. } in exemptions {
        variables.extend(condition.as_ref().map(|condition| variable(name, condition.clone())));
    }
    variables
}

fn enforces_templates(rules: &Rules) -> bool {
    rules.templates == TemplateMode::Enforce
}

/// The number of the rules for the request, for each kind of container where they differ; -1 where the gate
/// judges alone.
fn rules(sets: &[RuleSet<'_>], judged: &[usize], looks: Looks) -> String {
    let of = |container| {
        let number = rule_sets::number(sets, container, |index| judged.contains(&index));
        number_of_request(sets, &number, looks)
    };
    if !looks.containers {
        return of(ContainerKind::Regular);
    }
    let each =
        ContainerKind::ALL.map(|container| format!("'{}': {}", container.as_str(), of(container)));
    format!("{{{}}}", each.join(", "))
}

fn number_of_request(sets: &[RuleSet<'_>], number: &str, looks: Looks) -> String {
    let is_pod = asked::IS_POD;
    let mut whole = asked::IS_WHOLE.to_owned();
    if looks.labels {
        whole = format!("({whole} && size(variables.labels) <= {MOST_LABELS})");
    }
    if !looks.templates {
        return format!("{is_pod} && {whole} ? ({number}) : -1");
    }
    let enforced: Vec<_> = sets
        .iter()
        .enumerate()
        .filter(|(_, set)| set.rules.is_some_and(enforces_templates))
        .map(|(index, _)| index.to_string())
        .collect();
    let of_templates = format!("[({number})].filter(r, r in [{}]).size() > 0", enforced.join(", "));
    format!(
        "!{whole} ? -1 : {is_pod} ? ({number}) : {} && {of_templates} ? ({number}) : -1",
        asked::IS_TEMPLATE
    )
}

/// What the Pod has at a path, or the template that an object has of its Pods; empty where there is none.
fn within(object: &str, fields: &[&str], with_templates: bool) -> String {
    let at = |place: &str, fields: &[&str]| {
        let mut path = place.to_owned();
        let mut is_there = Vec::new();
        for field in fields {
            let _ = write!(path, ".{field}");
            is_there.push(format!("has({path})"));
        }
        format!("({} ? {path} : dyn({{}}))", is_there.join(" && "))
    };
    let pod = at(object, fields);
    if !with_templates {
        return pod;
    }
    let in_template: Vec<_> = ["template"].iter().chain(fields).copied().collect();
    let template = |path: &str| at(path, &in_template);
    format!(
        "(request.kind.kind == 'Pod' ? {pod} : request.kind.kind == 'PodTemplate' ? {} : \
         !has({object}.spec) ? dyn({{}}) : request.kind.kind == 'CronJob' ? \
         (has({object}.spec.jobTemplate) && has({object}.spec.jobTemplate.spec) ? {} : dyn({{}})) : {})",
        template(object),
        template(&format!("{object}.spec.jobTemplate.spec")),
        template(&format!("{object}.spec")),
    )
}

/// Every image of a pod spec.
fn found(spec: &str, looks: Looks) -> String {
    let entry = |kind: ContainerKind, item: &str, image: &str, pull: &str| {
        let mut fields = format!("'name': {item}.name, 'image': {image}");
        if looks.containers {
            let _ = write!(fields, ", 'kind': '{}'", kind.as_str());
        }
        if looks.pull_policies {
            let _ = write!(fields, ", 'pull': has({pull}) ? {pull} : ''");
        }
        format!("{{{fields}}}")
    };
    let containers = [
        (ContainerKind::Regular, "containers"),
        (ContainerKind::Init, "initContainers"),
        (ContainerKind::Ephemeral, "ephemeralContainers"),
    ];
    let containers = containers.map(|(kind, list)| {
        let entry = entry(kind, "c", "c.image", "c.imagePullPolicy");
        format!("(has({spec}.{list}) ? {spec}.{list}.filter(c, has(c.image)).map(c, {entry}) : [])")
    });
    let volume = entry(ContainerKind::ImageVolume, "v", "v.image.reference", "v.image.pullPolicy");
    format!(
        "{} + (has({spec}.volumes) ? {spec}.volumes.filter(v, has(v.image) && \
         has(v.image.reference)).map(v, {volume}) : [])",
        containers.join(" + ")
    )
}

/// What stands in front of a short name, by the number of the rules.
fn place(sets: &[RuleSet<'_>], judged: &[usize], number: &str) -> String {
    let place = |rules: &Rules| match &rules.short_names {
        ShortNames::Registry(place) => format!("{place}/"),
        // Where short names are refused, exemptions take them for Docker Hub's.
        ShortNames::Deny | ShortNames::DockerHub => "docker.io/".to_owned(),
    };
    let mut chain = String::from("(");
    for index in judged {
        let rules = sets.get(*index).and_then(|set| set.rules);
        if let Some(place) = rules.map(place).filter(|place| place != "docker.io/") {
            let _ = write!(chain, "{number} == {index} ? {} : ", cel::quoted(&place));
        }
    }
    chain + "'docker.io/')"
}

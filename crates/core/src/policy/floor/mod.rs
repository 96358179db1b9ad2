//! The floor of a policy: what of it the API server can hold by itself, as expressions in CEL for a
//! `ValidatingAdmissionPolicy`, while no webhook answers.
//!
//! It never refuses what the policy admits. An image is refused only if it surely breaks a rule, and is
//! surely not exempt; what cannot be said, or would cost more than the API server allows, is left to the
//! gate, and [`Coverage`] says what that is. An expression has no clock, so an exemption that will expire
//! admits until the floor is made anew.
//!
//! Makes no object and knows no webhook: which requests come here at all is up to whoever registers both.

mod asked;
mod cel;
mod clauses;
mod exempt;
mod message;
mod regex;
mod spelling;

use std::fmt::Write as _;

use serde::Serialize;

use crate::policy::judge::checks::Rule;
use crate::policy::judge::policy::{Override, Policy};
use crate::policy::judge::verdict::{TemplateMode, UpdateScope};
use crate::policy::normal::form::Fields;
use crate::policy::rules::fields::{RuleField, Rules};
use crate::policy::rules::short_names::ShortNames;
use clauses::{Clause, OfRule};
use exempt::Exempting;

/// Overrides that are told apart; the namespaces of those behind them are left to the gate.
const MOST_OVERRIDES: usize = 64;
/// Bytes of all expressions: the API server stores an object of 1.5 MiB at most.
const LARGEST: usize = 768 << 10;
/// Bytes of one expression: CEL's parser reads 100,000 characters.
const LONGEST: usize = 90_000;

/// What the API server can hold of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The hash of the policy.
    pub hash: String,
    /// Whether some pod templates are refused too.
    pub judges_templates: bool,
    /// Named expressions, each of which may use those before it as `variables.NAME`.
    pub variables: Vec<Variable>,
    /// What has to hold, in the order in which the gate checks it.
    pub validations: Vec<Validation>,
    /// How much of each rule that is.
    pub coverage: Vec<Coverage>,
}

/// A named expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// What other expressions call it, behind `variables.`
    pub name: String,
    /// The expression.
    pub expression: String,
}

/// A condition that every admitted request meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Holds for what is admitted.
    pub expression: String,
    /// The text where the next one cannot be made.
    pub message: String,
    /// The expression of the gate's own text.
    pub message_expression: String,
    /// The rule that is broken where it does not hold.
    #[serde(skip)]
    pub rule: Rule,
    /// Cost units of the API server, at most, for an object of 100 images of 160 characters.
    #[serde(skip)]
    pub cost: u64,
}

/// How much of a rule a floor holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The override; `None` for the policy itself.
    pub of: Option<String>,
    /// The rule; `None` for what is about all of them.
    pub rule: Option<Rule>,
    /// How much is held.
    pub extent: Extent,
    /// What is left to the gate; empty where nothing is.
    pub left: Vec<String>,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Some of it.
    Part,
    /// None of it.
    Nothing,
}

impl Policy {
    /// The floor of this policy at `now`, in Unix seconds; `pinned` is the override that the path of the
    /// webhook names. `None` where there is no such override.
    #[must_use]
    pub fn floor(&self, now: i64, pinned: Option<&str>) -> Option<Floor> {
        let sets = match pinned {
            None => by_namespace(self),
            Some(name) => vec![RuleSet::pinned(self, name)?],
        };
        Some(written(self, &sets, &exempt::of(self, now)))
    }

    /// The overrides that only the path of a webhook names.
    pub fn pinned_overrides(&self) -> impl Iterator<Item = &str> {
        let written = self.overrides.iter().zip(&self.normal_form.overrides);
        let unnamed = written.filter(|(_, fields)| {
            fields.get("namespaces").is_none() && is_told_by_namespace(fields)
        });
        unnamed.map(|(each, _)| each.name.as_str())
    }
}

/// Rules with the requests that they are for.
struct RuleSet<'p> {
    name: Option<&'p str>,
    /// Whether a request is one of them; those that an earlier set takes are not asked.
    condition: Option<String>,
    /// `None` where which rules apply is left to the gate.
    rules: Option<&'p Rules>,
}

impl<'p> RuleSet<'p> {
    fn base(policy: &'p Policy) -> Self {
        Self { name: None, condition: None, rules: Some(&policy.base) }
    }

    fn pinned(policy: &'p Policy, name: &str) -> Option<Self> {
        let position = policy.by_name.get(name)?;
        let Override { name, rules, selector: _ } = policy.overrides.get(*position)?;
        let fields = policy.normal_form.overrides.get(*position)?;
        let rules = is_told_by_namespace(fields).then_some(rules);
        Some(Self { name: Some(name), condition: None, rules })
    }
}

/// Whether nothing but the namespace decides where an override applies. What else there is, such as labels of
/// Pods, is left to the gate.
fn is_told_by_namespace(fields: &Fields) -> bool {
    fields
        .iter()
        .all(|(name, _)| matches!(name, "name" | "namespaces") || RuleField::named(name).is_some())
}

/// The overrides that name namespaces, in their order, and the policy itself behind them.
fn by_namespace(policy: &Policy) -> Vec<RuleSet<'_>> {
    let mut sets = Vec::new();
    let mut is_complete = true;
    for (each, fields) in policy.overrides.iter().zip(&policy.normal_form.overrides) {
        let Override { name, rules, selector: _ } = each;
        let is_known = is_told_by_namespace(fields);
        let condition = match fields.get("namespaces") {
            // Only the path of a webhook names it.
            None if is_known => continue,
            None => Some("true".to_owned()),
            Some(_) => {
                let namespaces = fields.items("namespaces");
                asked::is_named("request.namespace", namespaces.into_iter())
            }
        };
        let Some(condition) = condition.filter(|_| sets.len() < MOST_OVERRIDES) else {
            is_complete = false;
            break;
        };
        let rules = is_known.then_some(rules);
        sets.push(RuleSet { name: Some(name), condition: Some(condition), rules });
    }
    if is_complete {
        sets.push(RuleSet::base(policy));
    } else {
        sets.push(RuleSet { name: None, condition: None, rules: None });
    }
    sets
}

fn written(policy: &Policy, sets: &[RuleSet<'_>], exemptions: &[Exempting]) -> Floor {
    let mut floor = Floor {
        hash: policy.hash().to_owned(),
        judges_templates: sets.iter().any(|set| set.rules.is_some_and(enforces_templates)),
        variables: Vec::new(),
        validations: Vec::new(),
        coverage: Vec::new(),
    };
    let mut clauses: Vec<(Clause, Vec<usize>)> = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        let of_rules = set.rules.map(|rules| clauses::of(rules, policy.hash(), exemptions));
        floor.coverage.extend(coverage(set, of_rules.as_deref()));
        for clause in of_rules.into_iter().flatten().flat_map(|of_rule| of_rule.clauses) {
            match clauses.iter_mut().find(|(each, _)| *each == clause) {
                Some((_, indexes)) => indexes.push(index),
                None => clauses.push((clause, vec![index])),
            }
        }
    }
    // The API server shows the message of the first that does not hold.
    clauses.sort_by_key(|(clause, _)| clause.rule);
    let judged: Vec<usize> = (0..sets.len())
        .filter(|index| clauses.iter().any(|(_, indexes)| indexes.contains(index)))
        .collect();
    floor.variables = variables(sets, exemptions, &judged, floor.judges_templates);
    floor.validations = clauses.into_iter().map(|(clause, of)| validation(clause, &of)).collect();
    for exemption in exemptions {
        if let Some(expires) = &exemption.expires {
            let left = format!(
                "the exemption `{}` admits beyond {expires}, until the floor is made anew",
                exemption.name
            );
            floor.coverage.push(Coverage {
                of: None,
                rule: None,
                extent: Extent::Part,
                left: vec![left],
            });
        }
    }
    let expressions = || {
        let validations = floor.validations.iter();
        let validations = validations.flat_map(|it| [&it.expression, &it.message_expression]);
        validations.chain(floor.variables.iter().map(|it| &it.expression)).map(String::len)
    };
    if expressions().sum::<usize>() > LARGEST || expressions().any(|it| it > LONGEST) {
        floor.validations.clear();
        for each in &mut floor.coverage {
            each.extent = Extent::Nothing;
            each.left = vec!["all of it: the policy is too large".to_owned()];
        }
    }
    floor
}

fn enforces_templates(rules: &Rules) -> bool {
    rules.templates == TemplateMode::Enforce
}

fn validation(clause: Clause, of: &[usize]) -> Validation {
    let Clause { rule, broken, message } = clause;
    let indexes: Vec<_> = of.iter().map(usize::to_string).collect();
    let elsewhere = match indexes.as_slice() {
        [one] => format!("variables.rules != {one}"),
        _ => format!("!(variables.rules in [{}])", indexes.join(", ")),
    };
    let text = &broken.text;
    Validation {
        expression: format!("{elsewhere} || variables.judged.all(c, !{text})"),
        message: format!("the policy refuses an image: {}", rule.as_str()),
        message_expression: format!("variables.judged.filter(c, {text}).map(c, {message})[0]"),
        rule,
        cost: broken.cost.saturating_mul(cel::MOST_IMAGES),
    }
}

/// The images of the request, each with its container's name and with the registry that it is pulled from,
/// and the number of the rules that they are judged by.
fn variables(
    sets: &[RuleSet<'_>],
    exemptions: &[Exempting],
    judged: &[usize],
    with_templates: bool,
) -> Vec<Variable> {
    let variable = |name: &str, expression: String| Variable { name: name.to_owned(), expression };
    let mut variables = vec![
        variable("rules", rules(sets, judged, with_templates)),
        variable("spec", spec("object", with_templates)),
        variable("found", found("variables.spec")),
    ];
    let scope = |index: &&usize| sets.get(**index).and_then(|set| set.rules).map(|it| it.updates);
    let all: Vec<_> = judged
        .iter()
        .filter(|it| scope(it) == Some(UpdateScope::All))
        .map(usize::to_string)
        .collect();
    let mut new = "variables.found".to_owned();
    if all.len() < judged.len() {
        let old = found("variables.oldSpec");
        variables.push(variable(
            "oldSpec",
            format!(
                "request.operation == 'UPDATE' ? {} : dyn({{}})",
                spec("oldObject", with_templates)
            ),
        ));
        variables.push(variable("old", format!("({old}).map(c, c.image)")));
        let is_new = "!(c.image in variables.old)";
        new = if all.is_empty() {
            format!("variables.found.filter(c, {is_new})")
        } else {
            let is_all = format!("variables.rules in [{}]", all.join(", "));
            format!("variables.found.filter(c, {is_all} || {is_new})")
        };
    }
    let named = format!(
        "c.image.matches({}) ? c.image : {} + c.image",
        cel::quoted(spelling::NAMES_REGISTRY),
        place(sets, judged)
    );
    variables.push(variable(
        "judged",
        format!("{new}.map(c, {{'name': c.name, 'image': c.image, 'named': {named}}})"),
    ));
    for Exempting { condition, variable: name, .. } in exemptions {
        variables.extend(condition.as_ref().map(|condition| variable(name, condition.clone())));
    }
    variables
}

/// The number of the rules for the request; -1 where the gate judges alone.
fn rules(sets: &[RuleSet<'_>], judged: &[usize], with_templates: bool) -> String {
    let mut chain = String::new();
    for (index, set) in sets.iter().enumerate() {
        let number = if judged.contains(&index) { index.to_string() } else { "-1".to_owned() };
        match &set.condition {
            Some(condition) => {
                let _ = write!(chain, "{condition} ? {number} : ");
            }
            None => chain.push_str(&number),
        }
    }
    let is_pod = asked::IS_POD;
    let whole = asked::IS_WHOLE;
    if !with_templates {
        return format!("{is_pod} && {whole} ? ({chain}) : -1");
    }
    let enforced: Vec<_> = sets
        .iter()
        .enumerate()
        .filter(|(_, set)| set.rules.is_some_and(enforces_templates))
        .map(|(index, _)| index.to_string())
        .collect();
    let of_templates = format!("[({chain})].filter(r, r in [{}]).size() > 0", enforced.join(", "));
    format!(
        "!{whole} ? -1 : {is_pod} ? ({chain}) : {} && {of_templates} ? ({chain}) : -1",
        asked::IS_TEMPLATE
    )
}

/// The pod spec of an object; empty where there is none.
fn spec(object: &str, with_templates: bool) -> String {
    let pod = format!("(has({object}.spec) ? {object}.spec : dyn({{}}))");
    if !with_templates {
        return pod;
    }
    let template = |path: &str| {
        format!(
            "(has({path}.template) && has({path}.template.spec) ? {path}.template.spec : dyn({{}}))"
        )
    };
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
fn found(spec: &str) -> String {
    let containers = ["containers", "initContainers", "ephemeralContainers"].map(|list| {
        format!(
            "(has({spec}.{list}) ? {spec}.{list}.filter(c, has(c.image)).map(c, \
             {{'name': c.name, 'image': c.image}}) : [])"
        )
    });
    format!(
        "{} + (has({spec}.volumes) ? {spec}.volumes.filter(v, has(v.image) && \
         has(v.image.reference)).map(v, {{'name': v.name, 'image': v.image.reference}}) : [])",
        containers.join(" + ")
    )
}

/// What stands in front of a short name, by the number of the rules.
fn place(sets: &[RuleSet<'_>], judged: &[usize]) -> String {
    let place = |rules: &Rules| match &rules.short_names {
        ShortNames::Registry(place) => format!("{place}/"),
        // Where short names are refused, exemptions take them for Docker Hub's.
        ShortNames::Deny | ShortNames::DockerHub => "docker.io/".to_owned(),
    };
    let mut chain = String::from("(");
    for index in judged {
        let rules = sets.get(*index).and_then(|set| set.rules);
        if let Some(place) = rules.map(place).filter(|place| place != "docker.io/") {
            let _ = write!(chain, "variables.rules == {index} ? {} : ", cel::quoted(&place));
        }
    }
    chain + "'docker.io/')"
}

fn coverage(set: &RuleSet<'_>, of_rules: Option<&[OfRule]>) -> Vec<Coverage> {
    let of = set.name.map(str::to_owned);
    let Some(of_rules) = of_rules else {
        let left = "which rules apply".to_owned();
        return vec![Coverage { of, rule: None, extent: Extent::Nothing, left: vec![left] }];
    };
    let of_rule = |each: &OfRule| {
        let extent = match (each.clauses.is_empty(), each.left.is_empty()) {
            (true, _) => Extent::Nothing,
            (false, true) => Extent::Whole,
            (false, false) => Extent::Part,
        };
        let mut left = each.left.clone();
        left.dedup();
        Coverage { of: of.clone(), rule: Some(each.rule), extent, left }
    };
    of_rules.iter().map(of_rule).collect()
}

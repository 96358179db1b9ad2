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
mod rule_sets;
mod spelling;
mod variables;

use serde::Serialize;

use crate::policy::judge::checks::Rule;
use crate::policy::judge::policy::Policy;
use clauses::{Clause, OfRule};
use exempt::Exempting;
use rule_sets::RuleSet;
use variables::Looks;

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
        let sets = rule_sets::of(self, pinned)?;
        Some(written(self, &sets, &exempt::of(self, now)))
    }

    /// The overrides that only the path of a webhook names.
    pub fn pinned_overrides(&self) -> impl Iterator<Item = &str> {
        let written = self.overrides.iter().zip(&self.normal_form.overrides);
        let unnamed = written
            .filter(|(each, fields)| fields.get("namespaces").is_none() && each.selector.is_none());
        unnamed.map(|(each, _)| each.name.as_str())
    }
}

fn written(policy: &Policy, sets: &[RuleSet<'_>], exemptions: &[Exempting]) -> Floor {
    let looks = Looks::of(policy, sets);
    let mut floor = Floor {
        hash: policy.hash().to_owned(),
        judges_templates: looks.templates,
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
    floor.variables = variables::of(sets, exemptions, &judged, looks);
    floor.validations =
        clauses.into_iter().map(|(clause, of)| validation(clause, &of, looks)).collect();
    let expiring = exemptions.iter().filter_map(|exemption| {
        let (name, expires) = (&exemption.name, exemption.expires.as_ref()?);
        Some(format!(
            "the exemption `{name}` admits beyond {expires}, until the floor is made anew"
        ))
    });
    floor.coverage.extend(looks.left_of_updates().chain(expiring).map(|left| Coverage {
        of: None,
        rule: None,
        extent: Extent::Part,
        left: vec![left],
    }));
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
    if floor.validations.is_empty() {
        floor.variables.clear();
    }
    floor
}

fn validation(clause: Clause, of: &[usize], looks: Looks) -> Validation {
    let Clause { rule, broken, message } = clause;
    let indexes: Vec<_> = of.iter().map(usize::to_string).collect();
    let is_one = |number: &str| match indexes.as_slice() {
        [one] => format!("{number} == {one}"),
        _ => format!("{number} in [{}]", indexes.join(", ")),
    };
    let text = &broken.text;
    // Where each kind of container has its own rules, each image has the number of those.
    let (elsewhere, broken_here) = if looks.containers {
        (String::new(), format!("{} && {text}", is_one("c.rules")))
    } else {
        (format!("!({}) || ", is_one("variables.rules")), text.clone())
    };
    Validation {
        expression: format!("{elsewhere}variables.judged.all(c, !({broken_here}))"),
        message: format!("the policy refuses an image: {}", rule.as_str()),
        message_expression: format!(
            "variables.judged.filter(c, {broken_here}).map(c, {message})[0]"
        ),
        rule,
        cost: broken.cost.saturating_mul(cel::MOST_IMAGES),
    }
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

//! Which rules are for which requests, in the order in which the gate looks: the overrides, and the policy
//! itself behind them.

use std::fmt::Write as _;

use super::Variable;
use super::asked::{self, Selects};
use crate::policy::judge::policy::{Override, Policy};
use crate::policy::judge::selector::{ContainerKinds, Selector};
use crate::policy::judge::subject::ContainerKind;
use crate::policy::rules::fields::Rules;

/// Overrides that are told apart; the namespaces of those behind them are left to the gate.
const MOST_OVERRIDES: usize = 64;

/// Rules with the requests that they are for.
pub(super) struct RuleSet<'p> {
    pub(super) name: Option<&'p str>,
    /// Whether a request is one of them; those that an earlier set takes are not asked. `None` for all.
    condition: Option<Condition>,
    containers: ContainerKinds,
    /// `None` where which rules apply is left to the gate.
    pub(super) rules: Option<&'p Rules>,
}

/// A condition on a request.
enum Condition {
    Short(String),
    /// One that has a name, since it is asked for each kind of container.
    Named(Variable),
}

/// All sets of a policy; for a pinned name, those for a request whose path names it. `None` where there is no
/// such override.
pub(super) fn of<'p>(policy: &'p Policy, pinned: Option<&str>) -> Option<Vec<RuleSet<'p>>> {
    let mut sets = Vec::new();
    let mut is_first = None;
    if let Some(name) = pinned {
        let position = *policy.by_name.get(name)?;
        let Override { name, rules, selector } = policy.overrides.get(position)?;
        let selector = selector.as_deref();
        // A pinned name stands in for the namespaces alone.
        let set = RuleSet::of(&sets, name, None, selector, rules);
        sets.push(set.unwrap_or(RuleSet::UNKNOWN));
        if selector.is_none() {
            return Some(sets);
        }
        is_first = Some(position);
    }
    for (position, (each, fields)) in
        policy.overrides.iter().zip(&policy.normal_form.overrides).enumerate()
    {
        let Override { name, rules, selector } = each;
        let selector = selector.as_deref();
        let names_some = fields.get("namespaces").is_some();
        let is_pinned_only = !names_some && selector.is_none();
        if is_first == Some(position) || is_pinned_only {
            continue;
        }
        let namespaces = fields.items("namespaces");
        let namespaces = names_some.then_some(namespaces);
        match RuleSet::of(&sets, name, namespaces, selector, rules) {
            Some(set) if sets.len() < MOST_OVERRIDES => sets.push(set),
            _ => {
                sets.push(RuleSet::UNKNOWN);
                return Some(sets);
            }
        }
    }
    let (containers, rules) = (ContainerKinds::default(), Some(&policy.base));
    sets.push(RuleSet { name: None, condition: None, containers, rules });
    Some(sets)
}

/// The conditions that have a name.
pub(super) fn conditions(sets: &[RuleSet<'_>]) -> impl Iterator<Item = Variable> {
    sets.iter().filter_map(|set| match &set.condition {
        Some(Condition::Named(variable)) => Some(variable.clone()),
        Some(Condition::Short(_)) | None => None,
    })
}

/// The number of the set for containers of a kind; -1 for one that `is_judged` does not hold for.
pub(super) fn number(
    sets: &[RuleSet<'_>],
    container: ContainerKind,
    is_judged: impl Fn(usize) -> bool,
) -> String {
    let mut chain = String::new();
    let of_kind = sets.iter().enumerate().filter(|(_, set)| set.containers.contains(container));
    for (index, set) in of_kind {
        let number = if is_judged(index) { index.to_string() } else { "-1".to_owned() };
        let condition = match &set.condition {
            Some(Condition::Short(test)) => test.clone(),
            Some(Condition::Named(variable)) => format!("variables.{}", variable.name),
            None => {
                chain.push_str(&number);
                break;
            }
        };
        let _ = write!(chain, "{condition} ? {number} : ");
    }
    chain
}

impl<'p> RuleSet<'p> {
    /// Whatever is behind: the gate judges alone.
    const UNKNOWN: Self =
        Self { name: None, condition: None, containers: ContainerKinds::ALL, rules: None };

    /// `None` where a condition is too long.
    fn of(
        before: &[Self],
        name: &'p str,
        namespaces: Option<Vec<&str>>,
        selector: Option<&Selector>,
        rules: &'p Rules,
    ) -> Option<Self> {
        let is_here = match namespaces {
            None => None,
            Some(names) => Some(asked::is_named("request.namespace", names.into_iter())?),
        };
        let condition = match (is_here, asked::selects(selector)) {
            (_, Selects::Unsayable) => return None,
            (is_here, Selects::Always) => is_here.map(Condition::Short),
            (is_here, Selects::Where(test)) => {
                let tests: Vec<_> = is_here.into_iter().chain([test]).collect();
                let name = format!("applies{}", before.len());
                Some(Condition::Named(Variable { name, expression: tests.join(" && ") }))
            }
        };
        let containers = selector.map_or_else(ContainerKinds::default, |it| it.containers);
        Some(Self { name: Some(name), condition, containers, rules: Some(rules) })
    }
}

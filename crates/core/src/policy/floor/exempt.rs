//! Exemptions in a floor: what they perhaps admit, the floor admits.

use super::asked;
use super::cel::{self, Test};
use super::spelling::{Places, Said};
use crate::policy::judge::checks::Rule;
use crate::policy::judge::exemption::{Exemption, RuleSet};
use crate::policy::judge::policy::Policy;
use crate::policy::judge::selector::ContainerKinds;
use crate::policy::judge::subject::ContainerKind;

/// After its end an exemption is heeded for another day, since not every clock is right.
const GRACE_SECONDS: i64 = 86_400;

/// An exemption as the expressions see it.
#[derive(Clone, Debug)]
pub(super) struct Exempting {
    pub(super) name: String,
    lifts: RuleSet,
    images: Places,
    /// The condition on the kind of container; `None` where it is about all of them.
    containers: Option<Test>,
    /// Whether the request is among those that it is about; without, it is for all of them.
    pub(super) condition: Option<String>,
    /// The variable that holds the condition.
    pub(super) variable: String,
    /// The end as written, which no expression can look at.
    pub(super) expires: Option<String>,
}

/// The exemptions of a policy that were in force a day before `now`, in Unix seconds, or will be.
pub(super) fn of(policy: &Policy, now: i64) -> Vec<Exempting> {
    let exemptions = policy.exemptions.iter().zip(&policy.normal_form.exemptions);
    let in_force =
        exemptions.filter(|(each, _)| !each.is_expired(now.saturating_sub(GRACE_SECONDS)));
    in_force
        .enumerate()
        .map(|(index, (exemption, written))| {
            // What else would narrow an exemption may be left out here: the floor then admits more.
            let Exemption { name, images, lifts, expires, selector, .. } = exemption;
            let selector = selector.as_deref();
            Exempting {
                name: name.clone(),
                lifts: *lifts,
                images: Places::of(&images.written, |_| true),
                containers: selector.and_then(|selector| is_among(selector.containers)),
                condition: asked::is_exempt(written, selector),
                variable: format!("exempt{index}"),
                expires: expires.as_ref().map(|(written, _)| written.clone()),
            }
        })
        .collect()
}

/// Whether the image is perhaps exempt from a rule; `None` where no exemption lifts it.
pub(super) fn is_exempt(exemptions: &[Exempting], rule: Rule) -> Option<(Test, Said)> {
    let mut worst = Said::Whole;
    let tests = exemptions.iter().filter(|each| each.lifts.contains(rule)).map(|each| {
        let condition = each.condition.as_ref();
        let condition = condition.map(|_| Test::cheap(format!("variables.{}", each.variable)));
        let (images, said) = each.images.perhaps("c.named");
        if said != Said::Whole {
            worst = said;
        }
        let containers = each.containers.clone();
        let all = Test::all(condition.into_iter().chain(containers).chain(images));
        all.unwrap_or_else(|| Test::cheap("true"))
    });
    let test = Test::any(tests.collect::<Vec<_>>())?;
    Some((test, worst))
}

fn is_among(kinds: ContainerKinds) -> Option<Test> {
    let named = ContainerKind::ALL.into_iter().filter(|kind| kinds.contains(*kind));
    let named: Vec<_> = named.map(ContainerKind::as_str).collect();
    let is_all = named.len() == ContainerKind::ALL.len();
    (!is_all).then(|| Test::cheap(format!("(c.kind in {})", cel::list(named))))
}

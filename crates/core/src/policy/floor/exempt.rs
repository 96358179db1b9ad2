//! Exemptions in a floor: what they perhaps admit, the floor admits.

use super::asked;
use super::cel::Test;
use super::spelling::{Places, Said};
use crate::policy::judge::checks::Rule;
use crate::policy::judge::exemption::{Exemption, RuleSet};
use crate::policy::judge::policy::Policy;

/// After its end an exemption is heeded for another day, since not every clock is right.
const GRACE_SECONDS: i64 = 86_400;

/// An exemption as the expressions see it.
#[derive(Clone, Debug)]
pub(super) struct Exempting {
    pub(super) name: String,
    lifts: RuleSet,
    images: Places,
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
            let Exemption { name, images, lifts, expires, .. } = exemption;
            Exempting {
                name: name.clone(),
                lifts: *lifts,
                images: Places::of(&images.written, |_| true),
                condition: asked::is_exempt(written),
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
        let both = Test::all(condition.into_iter().chain(images));
        both.unwrap_or_else(|| Test::cheap("true"))
    });
    let test = Test::any(tests.collect::<Vec<_>>())?;
    Some((test, worst))
}

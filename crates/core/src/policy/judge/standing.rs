//! How an image stands once its exemptions are counted: which rule is left that it breaks.
//!
//! An image may break several rules, and an exemption may lift some of them alone. So it is exempt
//! only if each rule that it breaks is lifted, by one exemption or by several together.

use crate::image::Reference;
use crate::policy::judge::checks::{Breach, Rule};
use crate::policy::judge::exemption::{Exemption, RuleSet};
use crate::policy::judge::policy::Policy;
use crate::policy::judge::pull::PullPolicy;
use crate::policy::judge::subject::{ContainerKind, Subject};
use crate::policy::rules::fields::Rules;

/// How an image stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum Standing<'p> {
    /// It breaks no rule.
    Fine,
    /// It is exempt from each rule that it breaks; from the first of them by this exemption.
    Exempt(&'p Exemption),
    /// It breaks this rule, from which perhaps an exemption lifted it until that expired.
    Broken(Breach<'p>, Option<&'p Exemption>),
}

/// The exemptions that cover an image, with regard to one rule.
struct Covering<'p> {
    /// The rules that those in force lift together.
    lifted: RuleSet,
    /// The first in force that lifts the rule.
    active: Option<&'p Exemption>,
    /// The first that did until it expired.
    expired: Option<&'p Exemption>,
}

impl Policy {
    /// How a reference stands for `subject`, whose rules are `rules`.
    pub(in crate::policy) fn standing<'p>(
        &'p self,
        rules: &'p Rules,
        reference: &Reference<'_>,
        (container, pull_policy): (ContainerKind, PullPolicy),
        subject: &Subject<'_>,
    ) -> Standing<'p> {
        let Some(first) = rules.broken_by(reference, pull_policy) else { return Standing::Fine };
        let rule = first.broken.rule();
        let Covering { lifted, active, expired } =
            self.covering(reference, container, subject, rule);
        // Where nothing lifts the first rule, it decides.
        let Some(exemption) = active else { return Standing::Broken(first, expired) };
        match rules.broken_beyond(reference, pull_policy, |rule| lifted.contains(rule)) {
            None => Standing::Exempt(exemption),
            Some(left) => {
                let rule = left.broken.rule();
                Standing::Broken(left, self.covering(reference, container, subject, rule).expired)
            }
        }
    }

    fn covering(
        &self,
        reference: &Reference<'_>,
        container: ContainerKind,
        subject: &Subject<'_>,
        rule: Rule,
    ) -> Covering<'_> {
        let mut covering = Covering { lifted: RuleSet::default(), active: None, expired: None };
        for exemption in
            self.exemptions.iter().filter(|each| each.covers(reference, container, subject))
        {
            let about_rule = Some(exemption).filter(|it| it.lifts.contains(rule));
            if exemption.is_expired(subject.now) {
                covering.expired = covering.expired.or(about_rule);
                continue;
            }
            covering.lifted = covering.lifted.and(exemption.lifts);
            covering.active = covering.active.or(about_rule);
            if covering.lifted == RuleSet::ALL {
                break;
            }
        }
        covering
    }
}

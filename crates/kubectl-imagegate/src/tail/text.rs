//! A decision in one line, for people.

use std::fmt::Write as _;

use imagegate_core::policy::printable;

use super::decision::Decision;
use crate::paint::Paint;

/// `2026-11-27T09:35:01Z  deny    web/ReplicaSet shop-1  quay.io/acme/shop:1  untrusted-registry  by kim`, and
/// behind it what else there is to say.
pub(super) fn line(decision: &Decision, replica: &str, paint: Paint) -> String {
    let Decision { at, namespace, owner, user, dry_run, rule, image, violations, .. } = decision;
    let Decision { exemption, override_name, candidate, candidate_rule, .. } = decision;
    // An admission is told only since the candidate would refuse it.
    let word = if decision.answer == "allow" { "flip" } else { decision.answer.as_str() };
    let padded = format!("{:<6}", printable(word));
    let word = if word == "deny" { paint.bad(&padded) } else { paint.notable(&padded) };
    let place = owner.replacen('/', " ", 1);
    let place = if namespace.is_empty() { place } else { format!("{namespace}/{place}") };
    let mut line =
        format!("{}  {word}  {}  {}", printable(at), printable(&place), printable(image));
    if let Some(rule) = rule {
        let _ = write!(line, "  {}", printable(rule));
    }
    if !user.is_empty() {
        let _ = write!(line, "  by {}", printable(user));
    }
    let _ = write!(line, "  {}", printable(replica));
    let mut notes = Vec::new();
    if *violations > 1 {
        notes.push(match violations - 1 {
            1 => "and 1 more image".to_owned(),
            more => format!("and {more} more images"),
        });
    }
    notes.extend(exemption.iter().map(|name| format!("exemption {name}")));
    notes.extend(override_name.iter().map(|name| format!("override {name}")));
    if let Some(decision) = candidate {
        notes.push(match candidate_rule {
            Some(rule) => format!("the candidate would {decision}, {rule}"),
            None => format!("the candidate would {decision}"),
        });
    }
    if *dry_run {
        notes.push("dry run".to_owned());
    }
    if !notes.is_empty() {
        let _ = write!(line, "  ({})", printable(&notes.join("; ")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::line;
    use crate::paint::Paint;
    use crate::tail::decision::Decision;

    fn decision(word: &str) -> Decision {
        Decision {
            at: "2026-11-27T09:00:00Z".to_owned(),
            answer: word.to_owned(),
            namespace: "ci".to_owned(),
            owner: "Job/nightly".to_owned(),
            image: "quay.io/a\u{1b}[2J".to_owned(),
            ..Decision::default()
        }
    }

    #[test]
    fn a_decision_is_one_line_that_a_user_cannot_break() {
        let denied = Decision {
            rule: Some("blocked-tag".to_owned()),
            user: "k\nim".to_owned(),
            violations: 3,
            dry_run: true,
            ..decision("deny")
        };
        assert_eq!(
            line(&denied, "one", Paint::never()),
            "2026-11-27T09:00:00Z  deny    ci/Job nightly  quay.io/a\\u{1b}[2J  blocked-tag  by k\\nim  one  \
             (and 2 more images; dry run)"
        );
        let flip = Decision {
            candidate: Some("deny".to_owned()),
            candidate_rule: Some("missing-tag".to_owned()),
            ..decision("allow")
        };
        assert_eq!(
            line(&flip, "one", Paint::never()),
            "2026-11-27T09:00:00Z  flip    ci/Job nightly  quay.io/a\\u{1b}[2J  one  \
             (the candidate would deny, missing-tag)"
        );
        let exempt = Decision { exemption: Some("x".to_owned()), ..decision("exempt") };
        assert!(line(&exempt, "one", Paint::never()).ends_with("  one  (exemption x)"));
    }
}

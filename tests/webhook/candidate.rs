//! A policy on trial counts what it would have decided differently.

use crate::support::policy::{judge, policy};
use imagegate::reload::Candidate;
use imagegate_core::policy::{Decision, Rule};

#[test]
fn what_a_candidate_would_change_is_counted_by_where_it_leads_and_why() {
    let given = policy("allowedRegistries: [quay.io]\nblockedTags: [edge]\n");
    let trial = policy("allowedRegistries: [quay.io, ghcr.io]\nblockedTags: [beta]\n");
    let candidate = Candidate::new(trial);
    for (image, to) in [
        ("quay.io/a:1", None),
        ("gcr.io/a:1", None),
        ("ghcr.io/a:1", Some(Decision::Allow)),
        ("ghcr.io/b:1", Some(Decision::Allow)),
        ("quay.io/a:beta", Some(Decision::Deny)),
        ("quay.io/b:beta", Some(Decision::Deny)),
        ("quay.io/c:beta", Some(Decision::Deny)),
    ] {
        let flip = candidate.compare(&judge(&given, image), &judge(&candidate.policy, image));
        assert_eq!(flip.map(|flip| flip.to), to, "{image}");
    }
    assert_eq!(candidate.evaluated(), 7);
    assert_eq!(candidate.flipped(Decision::Allow), 2);
    assert_eq!(candidate.flipped(Decision::Deny), 3);
    let most_first = [(Rule::BlockedTag, 3), (Rule::UntrustedRegistry, 2)];
    assert_eq!(candidate.flips_by_rule(), most_first);
}

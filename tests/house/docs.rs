//! Every example of the policy reference and of the threat model is true.

use std::fs;

use crate::support::policy::{container, full_form, pod_in};
use imagegate_core::policy::{Mode, Subject, compile};

/// When the examples are judged, in Unix seconds.
const IN_2027: i64 = 1_800_000_000;

/// The fenced blocks of a page, as language and text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("\n```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

#[test]
fn every_example_of_the_policy_reference_is_true() {
    let examples = true_examples("docs/policy.md");
    assert!(examples >= 40, "{examples}");
}

#[test]
fn every_text_of_the_threat_model_is_judged_as_it_says() {
    let examples = true_examples("docs/threat-model.md");
    assert!(examples >= 20, "{examples}");
}

/// Runs the examples of a page, each a policy and lines of verdicts; how many there were.
fn true_examples(page: &str) -> usize {
    let page = fs::read_to_string(page).unwrap();
    let blocks = blocks(&page);
    let mut examples = 0;
    for pair in blocks.chunks(2) {
        let [("yaml", yaml), ("text", lines)] = pair else {
            panic!("a policy without its lines: {pair:?}");
        };
        let (policy, warnings) =
            compile(&full_form(yaml)).unwrap_or_else(|e| panic!("{yaml}\n{e}"));
        assert_eq!(warnings, [], "{yaml}");
        for line in lines.lines() {
            examples += 1;
            let mut words = line.split_whitespace();
            let expected = words.next().unwrap();
            let image = words.next().unwrap();
            let (mut rule, mut namespace) = (None, "default");
            for word in words {
                match word.strip_prefix("namespace=") {
                    Some(name) => namespace = name,
                    None => rule = Some(word),
                }
            }
            let verdict = policy
                .evaluate(&Subject { now: IN_2027, ..pod_in(namespace) }, &[container(image)]);
            let violation = verdict.violations.first();
            assert_eq!(violation.map(|each| each.rule.as_str()), rule, "{yaml}{line}");
            let answer = match (violation, verdict.exempted.first(), verdict.mode) {
                (None, None, _) => "allow",
                (None, Some(_), _) => "exempt",
                (Some(_), _, Mode::Audit) => "audit",
                (Some(_), _, Mode::Enforce) => "deny",
                (Some(_), _, Mode::Warn) => "warn",
            };
            assert_eq!(answer, expected, "{yaml}{line}");
        }
    }
    examples
}

//! Every example of the policy reference and of the threat model is true, and so is each row of the
//! migration table.

use std::fs;

use crate::support::policy::{container, full_form, judge, pod_in, volume};
use imagegate_core::policy::{
    ContainerKind, Decision, Labels, Mode, PodLabels, PullPolicy, Subject, compile,
};

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

/// What a row of the migration table comes to: what still passes and what is refused now, or what
/// the problem says.
enum Now {
    Judged { allowed: &'static [&'static str], denied: &'static [&'static str] },
    Problem(&'static str),
}

#[test]
fn every_row_of_the_migration_table_is_true() {
    let only = |allowed, denied| Now::Judged { allowed, denied };
    let rows = [
        ("gcr.io", only(&["gcr.io/x:1"], &["gcrXio/x:1", "gcr.io.evil.example/x:1"])),
        ("gcr.io/acme", only(&["gcr.io/acme/x:1"], &["gcr.io/acmex/x:1"])),
        (".*", Now::Problem("hint: write `*` ")),
        ("docker.io/.*", Now::Problem("hint: write `docker.io`")),
        ("^gcr.io/acme", Now::Problem("hint: write `gcr.io/acme`")),
        (
            "latest",
            only(&["docker.io/x:latest-1.2", "docker.io/x:not-latest"], &["docker.io/x:latest"]),
        ),
        ("^v1", Now::Problem("hint: write `v1*`, or `/v1.*/` ")),
        ("v1.*", only(&["docker.io/x:v12", "docker.io/x:dev1.2"], &["docker.io/x:v1.2"])),
        ("true", only(&["docker.io/x:1"], &["localhost:5000/nginx"])),
        ("false", only(&["docker.io/x:1"], &["docker.io/x"])),
    ];
    let page = fs::read_to_string("docs/policy.md").unwrap();
    let (_, table) = page.split_once("|---|---|---|---|\n").unwrap();
    let cells = |line: &str| line.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let written: Vec<Vec<String>> =
        table.lines().take_while(|line| line.starts_with('|')).map(cells).collect();
    let values: Vec<_> = written.iter().map(|cells| cells[1].as_str()).collect();
    assert_eq!(values, rows.iter().map(|(value, _)| *value).collect::<Vec<_>>());
    for (cells, (value, now)) in written.iter().zip(rows) {
        let compiled = compile(&volume([(cells[0].as_str(), value)]));
        match now {
            Now::Problem(hint) => {
                let problems = compiled.unwrap_err().to_string();
                assert!(problems.contains(hint), "{value}: {problems}");
            }
            Now::Judged { allowed, denied } => {
                let (policy, warnings) = compiled.unwrap();
                let is_warned_of = value.contains('*') || value == "false";
                assert_eq!(warnings.len(), usize::from(is_warned_of), "{warnings:?}");
                for (images, expected) in [(allowed, Decision::Allow), (denied, Decision::Deny)] {
                    for image in images {
                        assert_eq!(judge(&policy, image).decision, expected, "{value}: {image}");
                    }
                }
            }
        }
    }
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
            let (mut labels, mut image) = (Vec::new(), container(image));
            for word in words {
                match word.split_once('=') {
                    Some(("namespace", name)) => namespace = name,
                    Some(("container", kind)) => {
                        image.field.list = ContainerKind::named(kind).unwrap().list();
                    }
                    Some(("pullPolicy", written)) => image.pull_policy = PullPolicy::of(written),
                    Some((key, value)) => labels.push((key.into(), value.into())),
                    None => rule = Some(word),
                }
            }
            let labels = Labels::new(labels);
            let subject =
                Subject { now: IN_2027, labels: PodLabels::All(&labels), ..pod_in(namespace) };
            let verdict = policy.evaluate(&subject, &[image]);
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

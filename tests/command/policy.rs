//! `imagegate validate`, `explain`, `test` and `schema`.

use std::fs;

use crate::support::command::{imagegate, imagegate_with};
use serde_json::Value;

const BROKEN: &str = "mode: strict\nallowedRegistries: []\nblockedTags: ['/(/']\n";

#[test]
fn validate_reports_every_problem_with_its_place() {
    let ran = imagegate_with(&["validate", "-"], BROKEN, &[]);
    assert_eq!(ran.code, 3);
    for place in ["-:1:7: mode: `strict`", "-:2:20:", "-:3:15:"] {
        assert!(ran.err.contains(place), "{place} not in {}", ran.err);
    }
    assert!(ran.err.contains("\n  hint: write `*` to allow every registry\n"));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), BROKEN).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(imagegate(&format!("check --policy {path} nginx")).code, 3);
    assert_eq!(imagegate("validate /nonexistent").code, 2);
}

#[test]
fn a_policy_may_come_through_a_pipe_at_a_prompt() {
    let ran = imagegate_with(&["validate", "/dev/stdin"], BROKEN, &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("/dev/stdin:1:7: mode: `strict`"), "{}", ran.err);
    let ran = imagegate("validate /dev/zero");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("`/dev/zero` holds more than 4194304 bytes"), "{}", ran.err);
}

#[test]
fn validate_prints_the_policy_as_a_table() {
    let ran = imagegate("validate config/examples/teams");
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("\n  allowedRegistries    registry.example.com/shared\n"));
    assert!(ran.out.contains("\n  overrides            research: "), "{}", ran.out);
    assert_eq!(imagegate("validate --quiet config/examples/teams").out, "");
}

#[test]
fn validate_prints_what_has_no_name_and_what_says_nothing() {
    let policy = "allowedRegistries: [gcr.io, {registry: docker.io, requireDigest: true}]\n\
                  workloads: [{group: argoproj.io, kind: Rollout, podSpec: /spec/template/spec}]\n";
    let ran = imagegate_with(&["validate", "-"], policy, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for line in [
        "allowedRegistries    gcr.io",
        "allowedRegistries    registry=docker.io requireDigest=true",
        "denialHint           (none)",
        "messages             (none)",
        "refuseEditsThatDeny  (no limit)",
    ] {
        assert!(ran.out.contains(&format!("\n  {line}\n")), "{line} not in\n{}", ran.out);
    }
    assert!(ran.out.contains("\n  workloads            group=argoproj.io"), "{}", ran.out);
    let rows = ran.out.lines().skip(1);
    for row in rows.clone() {
        let value = row.get(23..).unwrap_or_default();
        assert!(!value.is_empty() && !value.starts_with(':'), "{row:?}");
    }
    let defaults = imagegate_with(&["validate", "-"], "{}", &[]).out;
    assert!(defaults.contains("\n  workloads            (none)\n"), "{defaults}");
    let schema: Value = serde_json::from_str(&imagegate("schema").out).unwrap();
    for (field, described) in schema["properties"].as_object().unwrap() {
        let row = defaults.lines().find_map(|row| row.strip_prefix(&format!("  {field:<20} ")));
        let row = row.unwrap_or_else(|| panic!("{field} is not in\n{defaults}"));
        if let Some(default) = described["default"].as_str().filter(|default| !default.is_empty()) {
            assert_eq!(row, default, "{field}");
        }
    }
    let limited = imagegate_with(&["validate", "-"], "refuseEditsThatDeny: 3\n", &[]);
    assert!(limited.out.contains("\n  refuseEditsThatDeny  3\n"), "{}", limited.out);
}

/// The hint is that of any list, and names no kind of item.
#[test]
fn a_text_in_place_of_a_list_is_told_how_to_write_one() {
    let ran = imagegate_with(&["validate", "-"], "blockedTags: latest\n", &[]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err.contains("\n  hint: write it in brackets, as in `[one, two]`\n"),
        "{}",
        ran.err
    );
}

#[test]
fn validate_warns_of_exemptions_that_end() {
    let policy = "exemptions:\n- {name: old, images: [quay.io/x], reason: r, owner: ops, \
                  expires: 2020-01-31}\n";
    let ran = imagegate_with(&["validate", "-"], policy, &[]);
    assert_eq!(ran.code, 0);
    let warning = "warning: -: exemption `old` expired on 2020-01-31 and no longer applies \
                   (owner: ops)\n";
    assert!(ran.err.contains(warning), "{}", ran.err);
}

#[test]
fn validate_warns_of_updates_all_where_a_manifest_says_that_they_never_arrive() {
    let manifest = |conditions: &str| {
        format!(
            "kind: ConfigMap\nmetadata:\n  annotations: {{{conditions}}}\n\
             data: {{policy.yaml: 'updates: all'}}\n"
        )
    };
    let rows = [
        ("imagegate/match-conditions: images-changed", true),
        ("imagegate/match-conditions: none", false),
        ("", false),
    ];
    for (conditions, warned) in rows {
        let ran = imagegate_with(&["validate", "-"], &manifest(conditions), &[]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.err.contains("`updates: all` has no effect"), warned, "{conditions}");
        let selecting = manifest(conditions).replace(
            "updates: all",
            "overrides: [{name: o, namespaces: [a], podSelector: {matchLabels: {b: c}}}]",
        );
        let ran = imagegate_with(&["validate", "-"], &selecting, &[]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(
            ran.err.contains("is not judged again by `podSelector`"),
            warned,
            "{conditions}"
        );
    }
}

#[test]
fn validate_reads_the_manifest_of_a_config_map() {
    let manifest = "kind: ConfigMap\ndata:\n  policy.yaml: |\n    mode: strict\n";
    let ran = imagegate_with(&["validate", "-"], manifest, &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.starts_with("-:4:11: mode:"), "{}", ran.err);
}

#[test]
fn a_broken_candidate_is_a_problem() {
    let manifest = "kind: ConfigMap\ndata:\n  policy.yaml: 'mode: warn'\n  candidate.yaml: 'x: 1'";
    let ran = imagegate_with(&["validate", "-"], manifest, &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("-:4:20: candidate.yaml: the field `x` is not"), "{}", ran.err);
}

#[test]
fn explain_names_what_decides_and_what_would_be_accepted() {
    let ran = imagegate("explain nginx");
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("canonical  docker.io/library/nginx\n"), "{}", ran.out);
    assert!(ran.out.contains("\n  FAIL  missing-tag "), "{}", ran.out);
    let accepted = "docker.io/library/nginx:<tag>, if the image on Docker Hub is meant";
    assert!(ran.out.ends_with(&format!("\naccepted   {accepted}\n")), "{}", ran.out);
    let ran = imagegate("explain quay.io/acme/api:1");
    assert!(!ran.out.contains("docker.io/acme/api"), "{}", ran.out);
    assert!(ran.out.contains("\naccepted   a copy at docker.io/<your-repository>:1\n"));
    assert_eq!(imagegate("explain docker.io/nginx:1.20").code, 0);
}

#[test]
fn every_example_answers_its_cases() {
    let files: Vec<_> = fs::read_dir("config/examples")
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| path.ends_with(".cases.yaml"))
        .collect();
    let ran = imagegate(&format!("test {}", files.join(" ")));
    assert_eq!((ran.code, files.len()), (0, 7), "{ran:?}");
}

#[test]
fn a_case_that_does_not_hold_is_said_and_fails() {
    let directory = tempfile::TempDir::new().unwrap();
    fs::write(directory.path().join("policy.yaml"), "allowedRegistries: [quay.io]\n").unwrap();
    let cases = directory.path().join("cases.yaml");
    let text = "policy: policy.yaml\ncases:\n- {image: quay.io/a:1, expect: deny}\n\
                - {image: gcr.io/a:1, expect: deny, rule: blocked-tag}\n\
                - {image: quay.io/a:1, expect: allow}\n";
    fs::write(&cases, text).unwrap();
    let ran = imagegate(&format!("test {}", cases.display()));
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("quay.io/a:1 in default: expected deny, got allow\n"), "{}", ran.out);
    assert!(ran.out.contains("expected rule blocked-tag, got untrusted-registry\n"));
    assert!(ran.out.ends_with("3 cases: 1 passed, 2 failed\n"));
    let text = "policy: policy.yaml\ncases: [{image: quay.io/a:1, expect: allow}]\n";
    fs::write(&cases, text).unwrap();
    let ran = imagegate(&format!("test {}", cases.display()));
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 case: 1 passed, 0 failed\n"));
}

/// What a help says of exit codes, of settings and of `-n` holds for that command.
#[test]
fn the_helps_say_what_holds_for_their_command() {
    let explain = imagegate("explain --help").out;
    assert!(explain.contains("Namespace of the Pod that names the image"), "{explain}");
    assert!(explain.contains("Exit codes: 0 it would be admitted, 1"), "{explain}");
    assert!(!explain.contains("manifests without one"), "{explain}");
    assert!(imagegate("check --help").out.contains("manifests without one"));
    let serve = imagegate("serve --help").out;
    assert!(serve.contains("Every flag but --config can also be set"), "{serve}");
}

#[test]
fn a_case_that_fails_wins_over_a_file_that_cannot_be_run() {
    let directory = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let test = |flags: &str| imagegate(&format!("test {flags} {}", directory.path().display()));
    write("good.yaml", "allowedRegistries: [quay.io]\n");
    write("bad.yaml", "mode: strict\n");
    write("b.cases.yaml", "policy: good.yaml\ncases: [\n");
    write("c.cases.yaml", "policy: bad.yaml\ncases: []\n");
    for (expect, code) in [("deny", 1), ("allow", 3)] {
        let case =
            format!("policy: good.yaml\ncases: [{{image: 'quay.io/a:1', expect: {expect}}}]\n");
        write("a.cases.yaml", &case);
        let ran = test("");
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.out.contains("1 case: "), "{}", ran.out);
        assert!(ran.out.ends_with("; 2 files were not run\n"), "{}", ran.out);
        for file in ["b.cases.yaml:2:", "bad.yaml:1:7: mode: `strict`"] {
            assert_eq!(ran.err.matches(file).count(), 1, "{}", ran.err);
        }
        let junit = test("-o junit");
        assert_eq!(junit.code, code, "{junit:?}");
        for text in ["quay.io/a:1", "b.cases.yaml", "`strict`"] {
            assert!(junit.out.contains(text), "{}", junit.out);
        }
    }
    fs::remove_file(directory.path().join("c.cases.yaml")).unwrap();
    assert_eq!(test("").code, 2);
}

#[test]
fn no_case_is_no_success() {
    let directory = tempfile::TempDir::new().unwrap();
    let cases = directory.path().join("cases.yaml");
    fs::write(&cases, "cases: []\n").unwrap();
    let test = |flags: &str| {
        imagegate(&format!("test --policy config/policy/policy.yaml {flags} {}", cases.display()))
    };
    let ran = test("");
    assert_eq!((ran.code, ran.out.as_str()), (2, "0 cases: 0 passed, 0 failed\n"));
    assert_eq!(ran.err, "nothing was judged\n  hint: with --allow-empty that is fine\n");
    assert_eq!(test("--allow-empty").code, 0);
}

#[test]
fn schema_prints_what_is_committed() {
    assert_eq!(imagegate("schema").out, fs::read_to_string("config/policy.schema.json").unwrap());
}

//! Whatever a command finds wrong with a file, it says as `PATH:LINE:COLUMN`, with the path given.

use std::fs;
use std::path::Path;

use crate::support::command::{Ran, imagegate};

/// Runs a command with one file of this content in an empty directory; `DIR` in the line is that
/// directory, and `DIR/` is cut from what the command says.
fn ran(file: &str, content: &str, line: &str) -> Ran {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::write(directory.path().join("good.yaml"), "mode: enforce\n").unwrap();
    let shown = |path: &Path| path.to_str().unwrap().to_owned();
    let mut ran = imagegate(&line.replace("DIR", &shown(directory.path())));
    for text in [&mut ran.out, &mut ran.err] {
        *text = text.replace(&format!("{}/", shown(directory.path())), "");
    }
    ran
}

#[test]
fn a_policy_s_problem_names_the_file_that_was_given() {
    let manifest = "kind: ConfigMap\ndata:\n  policy.yaml: |\n    # for all\n\n    mode: strict\n";
    let folded = "kind: ConfigMap\ndata:\n  policy.yaml: \"a: 1\\nmode: strict\"\n";
    let simple = "kind: ConfigMap\ndata:\n  BLOCKED_TAG: x\n  BLOCKED_TAGS: a;-b\n";
    for (file, content, line, expected) in [
        ("x.yaml", "mode: strict", "validate DIR/x.yaml", "x.yaml:1:7: mode: `strict` "),
        ("x.yaml", "mode: strict", "check --policy DIR/x.yaml a", "x.yaml:1:7: mode: `strict` "),
        ("x.yaml", "mode: strict", "diff DIR/good.yaml DIR/x.yaml", "x.yaml:1:7: mode: "),
        ("d/policy.yaml", "mode: strict", "validate DIR/d", "d/policy.yaml:1:7: mode: "),
        ("d/BLOCKED_TAGS", "a,-b", "validate DIR/d", "d/BLOCKED_TAGS:1:3: `-b` can match no tag"),
        ("d/BLOCKED", "a", "validate DIR/d", "d/BLOCKED: this key is not known"),
        ("x.yaml", manifest, "validate DIR/x.yaml", "x.yaml:6:11: mode: `strict` "),
        ("x.yaml", folded, "validate DIR/x.yaml", "x.yaml:3:16: policy.yaml:1:1: the field `a` "),
        ("x.yaml", simple, "validate DIR/x.yaml", "x.yaml:3:16: BLOCKED_TAG: this key is not "),
        ("x.yaml", "a: [", "validate DIR/x.yaml", "x.yaml:1:4: not valid YAML: "),
    ] {
        let ran = ran(file, content, line);
        assert_eq!(ran.code, 3, "{line}: {ran:?}");
        assert!(ran.err.starts_with(expected), "{line}: {}", ran.err);
    }
}

#[test]
fn a_file_of_cases_is_told_what_is_wrong_once_and_where() {
    for (case, expected) in [
        ("expct: deny", "x.cases.yaml:3:14: unknown field `expct`"),
        (
            "expect: denied",
            "x.cases.yaml:3:22: expect: `denied` is not an answer\n  hint: write one",
        ),
        ("expect: deny, rule: tag", "x.cases.yaml:3:34: rule: `tag` is not a rule\n  hint: write"),
        (
            "expect: deny, at: 2027-13-01",
            "x.cases.yaml:3:32: at: `2027-13-01` is not a day\n  hint:",
        ),
        ("expect: [", "x.cases.yaml:3:"),
    ] {
        let cases = format!("policy: good.yaml\ncases:\n- {{image: a, {case}}}\n");
        for line in ["test DIR/x.cases.yaml", "test DIR"] {
            let ran = ran("x.cases.yaml", &cases, line);
            assert_eq!(ran.code, 2, "{case}: {ran:?}");
            assert!(ran.err.starts_with(expected), "{case}: {}", ran.err);
            assert_eq!(ran.err.matches("x.cases.yaml").count(), 1, "{}", ran.err);
        }
    }
}

#[test]
fn a_case_that_fails_names_its_line() {
    let cases =
        "policy: good.yaml\ncases:\n- {image: a, expect: deny}\n- {image: a, expect: allow}\n";
    let ran = ran("x.cases.yaml", cases, "test DIR");
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("x.cases.yaml:4:3: FAIL a in default: "), "{}", ran.out);
}

#[test]
fn a_directory_without_cases_is_told_what_they_are_called() {
    let ran = ran("x.yaml", "mode: warn", "test DIR");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no file of cases in this directory"), "{}", ran.err);
    assert!(ran.err.ends_with("\n  hint: their names end in `.cases.yaml`\n"), "{}", ran.err);
}

#[test]
fn a_manifest_that_cannot_be_judged_names_its_document() {
    for (content, expected) in [
        ("kind: Service\n---\na: 1\n", "x.yaml:3:1: not a Kubernetes object, and passed over\n"),
        (
            "---\nkind: Pod\nspec: {containers: 7}\n",
            "x.yaml:3:20: not a valid Pod: `spec.containers` is a number",
        ),
        ("kind: Pod\n---\nkind: [", "x.yaml:3:7: "),
    ] {
        let ran = ran("x.yaml", content, "check -f DIR/x.yaml");
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
}

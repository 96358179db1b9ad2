//! Standard output: who closes it early, and when it has colours.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::command::{imagegate, imagegate_with};
use crate::support::skip::{Need, grants};
use serde_json::Value;

/// Runs `imagegate` with a reader that takes so many bytes and leaves.
fn closed_after(bytes: usize, arguments: &[&str]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_imagegate"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = child.stdout.take().unwrap();
    reader.read_exact(&mut vec![0; bytes]).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_closed_pipe_does_not_change_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("many.cases.yaml");
    let policy = folder.path().join("policy.yaml");
    let valid = folder.path().join("valid.yaml");
    // More than a pipe holds, so that a write must fail: 64 KiB.
    let case = "- {image: gcr.io/acme/a-name-that-fills-the-pipe-after-a-while, expect: allow}\n";
    fs::write(&cases, format!("cases:\n{}", case.repeat(2000))).unwrap();
    fs::write(&policy, "allowedRegistries: [docker.io]\n").unwrap();
    let registries: Vec<_> = (0..4000).map(|number| format!("r{number}.example.com")).collect();
    fs::write(&valid, format!("allowedRegistries: [{}]\n", registries.join(", "))).unwrap();
    // A policy of the original program, whose keys are imported as they are.
    let original = folder.path().join("original.env");
    let registries: Vec<_> = (0..4000).map(|number| format!("r{number}.example.com/")).collect();
    fs::write(&original, format!("ALLOWED_REGISTRIES={}\n", registries.join(","))).unwrap();
    let original = original.to_str().unwrap();
    let [cases, policy, valid] = [&cases, &policy, &valid].map(|path| path.to_str().unwrap());
    let images = vec!["quay.io/acme/a-name-that-fills-the-pipe-after-a-while:1"; 2000];
    let check: Vec<_> = ["check", "--policy", policy].into_iter().chain(images).collect();
    for (arguments, expected) in [
        (&check[..], 1),
        (&["test", "--policy", policy, cases], 1),
        (&["validate", valid], 0),
        (&["validate", "-o", "json", valid], 0),
        (&["import", original], 1),
    ] {
        for bytes in [0, 1] {
            let (code, err) = closed_after(bytes, arguments);
            assert_eq!(code, expected, "{:?}: {err}", &arguments[..2]);
            assert!(!err.contains("error"), "{:?}: {err}", &arguments[..2]);
        }
    }
}

/// What a command prints as JSON is by the schema that its help names.
#[test]
fn each_help_names_the_schema_of_its_json() {
    for (command, json, lines) in [
        ("check", "findings", "findings"),
        ("validate", "remarks", "remarks"),
        ("test", "remarks", "remarks"),
        ("diff", "comparison", "remarks"),
    ] {
        let help = imagegate(&format!("{command} --help")).out;
        for (format, schema) in [("json", json), ("ndjson", lines)] {
            let line = help.lines().find(|line| line.trim().starts_with(&format!("- {format}:")));
            let line = line.unwrap_or_else(|| panic!("{command}: {help}"));
            let named = format!("`imagegate schema {schema}` has the schema");
            assert!(line.ends_with(&named), "{command}: {line}");
        }
    }
}

/// All that the schema lists is there, and nothing else.
#[test]
fn a_comparison_has_the_fields_of_its_schema() {
    let schema = imagegate("schema comparison").out;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.yaml");
    fs::write(&new, "allowedRegistries: [gcr.io]\n").unwrap();
    let new = new.display();
    let ran = imagegate(&format!("diff -o json config/policy {new} docker.io/acme/web:1"));
    assert_eq!(ran.code, 1, "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    for (shown, described) in [
        (&report, &schema),
        (&report["newlyDenied"], &schema["definitions"]["hits"]),
        (&report["newlyDenied"]["images"][0], &schema["definitions"]["hit"]),
        (&report["changes"][0], &schema["properties"]["changes"]["items"]),
    ] {
        let fields = |object: &Value| -> BTreeSet<String> {
            object.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(fields(shown), fields(&described["properties"]), "{shown}");
        assert_eq!(described["additionalProperties"], false);
        let required = described["required"].as_array().unwrap();
        let required: BTreeSet<_> =
            required.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(fields(shown), required);
    }
    let remarks: Value = serde_json::from_str(&imagegate("schema remarks").out).unwrap();
    let commands = remarks["properties"]["command"]["enum"].as_array().unwrap();
    let ran = imagegate(&format!("diff -o ndjson config/policy {new} docker.io/acme/web:1"));
    let last: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert!(commands.contains(&last["command"]), "{last}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_imagegate"))
        .args(["schema"])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn colours_follow_the_flag_and_then_the_variables() {
    let line = "explain --policy config/policy/policy.yaml nginx:1";
    for (flags, variables, expected) in [
        ("", &[][..], false),
        ("--color always", &[], true),
        ("--color always", &[("NO_COLOR", "1")], true),
        ("--color never", &[("CLICOLOR_FORCE", "1")], false),
        ("--color auto", &[("CLICOLOR_FORCE", "1")], true),
        ("", &[("CLICOLOR_FORCE", "1")], true),
        ("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let line = format!("{line} {flags}");
        let ran = imagegate_with(&line.split_whitespace().collect::<Vec<_>>(), "", variables);
        assert_eq!(ran.out.contains("\u{1b}["), expected, "{flags} {variables:?}: {}", ran.out);
    }
}

#[test]
fn a_policy_and_its_cases_are_reported_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let cases = folder.path().join("a.cases.yaml");
    fs::write(&policy, "mode: sometimes\n").unwrap();
    fs::write(&cases, "cases:\n- {image: nginx, expect: deny}\n- {image: nginx, expect: allow}\n")
        .unwrap();
    let [policy, cases] = [&policy, &cases].map(|path| path.to_str().unwrap());
    for format in ["json", "ndjson", "sarif", "junit", "github", "gitlab", "markdown", "csv"] {
        let ran = imagegate(&format!("validate -o {format} {policy}"));
        assert_eq!((ran.code, ran.err.as_str()), (3, ""), "{format}");
        assert!(ran.out.contains("sometimes"), "{format}: {}", ran.out);
        assert!(ran.out.contains("policy.yaml"), "{format}: {}", ran.out);
        let valid = "config/policy/policy.yaml";
        let ran = imagegate(&format!("test -o {format} --policy {valid} {cases}"));
        assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{format}");
        assert!(ran.out.contains("expected allow, got deny"), "{format}: {}", ran.out);
    }
    let ran = imagegate(&format!("test -o junit --policy config/policy/policy.yaml {cases}"));
    assert!(ran.out.contains(r#"tests="2" failures="1""#), "{}", ran.out);
}

/// `script` runs a command on a terminal of its own; standard output stays a file, so that what is left is
/// standard error.
#[test]
fn progress_is_shown_on_a_terminal_alone() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..600 {
        let pod = "kind: Pod\nspec: {containers: [{name: a, image: docker.io/a/b:1}]}\n";
        fs::write(folder.path().join(format!("{number}.yaml")), pod).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let piped = imagegate(&format!("check -f {path}"));
    assert_eq!(piped.code, 0, "{}", piped.err);
    assert!(!piped.err.contains(['\r', '\u{1b}']) && !piped.err.contains("files"), "{}", piped.err);
    if !grants("progress_is_shown_on_a_terminal_alone", Need::Script, &["script", "--version"]) {
        return;
    }
    let binary = env!("CARGO_BIN_EXE_imagegate");
    let line = format!("'{binary}' check -f '{path}' >'{path}/out'");
    let ran = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout);
    assert!(shown.contains(" of 600 files, "), "{shown:?}");
    // It goes when it is done, and the summary stays.
    let (_, behind) = shown.rsplit_once(" files, ").unwrap();
    assert!(behind.contains("\u{1b}[2K") && behind.contains("600 images"), "{behind:?}");
    assert!(!fs::read_to_string(format!("{path}/out")).unwrap().contains('\u{1b}'));
}

#[test]
fn schemas_are_printed_as_they_are_committed() {
    for (name, file) in [
        ("", "policy.schema.json"),
        ("policy", "policy.schema.json"),
        ("findings", "findings.schema.json"),
        ("remarks", "remarks.schema.json"),
        ("comparison", "comparison.schema.json"),
    ] {
        let committed = fs::read_to_string(format!("config/{file}")).unwrap();
        assert_eq!(imagegate(&format!("schema {name}")).out, committed, "{name}");
    }
}

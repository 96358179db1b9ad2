//! `imagegate check` on trees of the real world: what is no manifest, and what cannot be read, stops
//! nothing and is told.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::command::{Ran, imagegate, imagegate_with};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const GOOD: &str =
    "kind: Pod\nspec: {containers: [{name: a, image: 'docker.io/a/good:1'}]}\n";
pub(crate) const BAD: &str =
    "kind: Pod\nspec: {containers: [{name: a, image: 'quay.io/a/bad:1'}]}\n";

/// A directory with these files.
pub(crate) fn tree(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (path, content) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

/// Checks a directory with further arguments; paths are shown relative to it.
pub(crate) fn check(directory: &Path, arguments: &[&str]) -> Ran {
    let path = directory.to_str().unwrap();
    let mut ran = imagegate_with(&[&["check", "-f", path], arguments].concat(), "", &[]);
    for text in [&mut ran.out, &mut ran.err] {
        *text = text.replace(&format!("{path}/"), "");
    }
    ran
}

/// The files of all findings, denied or not.
pub(crate) fn files(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let ran = check(directory, &[&["-o", "json"], arguments].concat());
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["file"].as_str().unwrap().to_owned()).collect()
}

/// Checks standard input.
pub(crate) fn check_text(text: &str, arguments: &[&str]) -> Ran {
    imagegate_with(&[&["check", "-f", "-"], arguments].concat(), text, &[])
}

#[test]
fn what_is_no_manifest_is_counted_and_fails_nothing() {
    let directory = tree(&[
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("values.yaml", "image: {repository: docker.io/a/good, tag: '1'}\nreplicas: 2\n"),
        ("kustomization.yaml", "resources: [pod.yaml]\n"),
        ("old/kustomization.yaml", "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1\n"),
        ("patch.json", r#"[{"op": "replace", "path": "/spec/replicas", "value": 3}]"#),
        ("mkdocs.yml", "site_name: x\nextensions:\n  - emoji: !!python/name:x.y\n"),
        ("broken-fixture.yaml", "a: [1, 2\n"),
        ("empty.yaml", "# nothing\n---\n"),
        ("pod.yaml", GOOD),
    ]);
    let ran = check(directory.path(), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    let summary = "1 image: 1 allowed, 0 denied\n1 object, 7 skipped, 1 not judged\n";
    assert!(ran.err.starts_with(summary), "{}", ran.err);
    // Told on request, each with its place.
    let ran = check(directory.path(), &["-v"]);
    assert!(ran.err.contains("mkdocs.yml:1:1: not a Kubernetes object"), "{}", ran.err);
    assert!(ran.out.contains("not judged docker.io/a/good:1"), "{}", ran.out);
}

#[test]
fn what_cannot_be_read_is_told_at_its_place_and_stops_nothing() {
    let image = "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: 1.27\n";
    let rows = [
        (
            "kind: Pod\nspec: {containers: [\n",
            "not valid YAML: a list in `[` is not closed",
            "2:20",
        ),
        ("kind: Pod\na: 1\na: 2\n", "the key `a` is given twice", "3:1"),
        ("kind: Pod\nspec:\n\tx: 1\n", "not valid YAML: a tab where only spaces may indent", "3:2"),
        (image, "`spec.containers[0].image` is a number and not a text", "5:12"),
        (
            "kind: Pod\nspec: {containers: 7}\n",
            "`spec.containers` is a number and not a list",
            "2:20",
        ),
        ("kind: Pod\nspec: {}\n", "the Pod names no image", "1:1"),
        ("kind: Pod\n? [a]\n: 1\n", "a key of a mapping has to be a text", "2:3"),
        ("kind: Pod\nx: *nothing\n", "not valid YAML: an alias names no anchor", "2:4"),
        ("kind: {{ .Values.kind }}\n", "a key of a mapping has to be a text", "1:8"),
        ("kind: AdmissionReview\n", "an AdmissionReview without `request.object`", "1:1"),
    ];
    for (broken, message, place) in rows {
        for (before, lines) in [("", 0), ("kind: Service\n---\n", 2)] {
            let (line, column) = place.split_once(':').unwrap();
            let line: usize = line.parse().unwrap();
            let expected = format!("-:{}:{column}: ", line + lines);
            let text = format!("{before}{broken}---\n{BAD}");
            let ran = check_text(&text, &[]);
            // A denial wins over what cannot be read, which is counted beside it.
            assert_eq!(ran.code, 1, "{text}{ran:?}");
            assert!(ran.err.contains(message) && ran.err.contains(&expected), "{text}{}", ran.err);
            assert!(
                ran.err.contains("1 denied") && ran.err.contains("1 not understood"),
                "{ran:?}"
            );
            assert!(ran.out.contains("deny   quay.io/a/bad:1"), "{}", ran.out);
            let ran = check_text(&text.replace("quay.io/a/bad", "docker.io/a/good"), &[]);
            assert_eq!(ran.code, 2, "{ran:?}");
            // No words of a parser's.
            for word in ["serde", "expected", "budget", "flow", "simple key", "enum"] {
                assert!(!ran.err.contains(word), "{}", ran.err);
            }
        }
    }
}

#[test]
fn a_template_is_told_what_to_do() {
    for text in [
        "{{- if .Values.enabled }}\nkind: Pod\n{{- end }}\n",
        "kind: Pod\nspec: {containers: [{name: a, image: {{ .Values.image }}}]}\n",
        "kind: Pod\nmetadata:\n  {{- include \"x\" . | nindent 4 }}\n",
    ] {
        let ran = check_text(text, &[]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("render it with `helm template`"), "{text}{}", ran.err);
    }
    let ran = check_text(
        "kind: Pod\nspec: {containers: [{name: a, image: '{{ .Values.image }}'}]}\n",
        &[],
    );
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("hint: render the template with `helm template`"), "{}", ran.out);
}

#[test]
fn files_that_are_no_text_are_told_and_stop_nothing() {
    let directory = tree(&[("good.yaml", GOOD)]);
    let path = |name: &str| directory.path().join(name);
    fs::write(path("latin.yaml"), b"kind: Pod # gr\xFC\xDFe\n---\nkind: Service\n").unwrap();
    let wide: Vec<u8> = "\u{feff}kind: Pod".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(path("wide.yaml"), wide).unwrap();
    fs::write(path("picture.json"), b"\x89PNG\r\n\x1a\n\xFF\xFF").unwrap();
    let ran = check(directory.path(), &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("latin.yaml:1:15: not UTF-8\n  hint: save the file as UTF-8"),
        "{ran:?}"
    );
    assert!(ran.err.contains("wide.yaml:1:1: not UTF-8"), "{}", ran.err);
    assert!(ran.err.contains("1 image: 1 allowed"), "{}", ran.err);
    assert!(ran.err.contains("2 objects, 1 skipped, 2 not understood"), "{}", ran.err);
}

#[test]
fn what_was_named_and_cannot_be_opened_is_unreadable() {
    let directory = tree(&[("bad.yaml", BAD)]);
    let bad = directory.path().join("bad.yaml");
    let arguments = ["check", "-f", "/nonexistent", "-f", bad.to_str().unwrap()];
    let ran = imagegate_with(&arguments, "", &[]);
    assert_eq!(ran.code, 1, "a denial wins: {ran:?}");
    assert!(ran.err.contains("/nonexistent: cannot be read: there is no such file"), "{ran:?}");
    assert!(ran.err.contains("1 unreadable"), "{ran:?}");
}

#[test]
fn files_are_found_by_their_extension_in_any_case_and_as_git_sees_them() {
    let directory = tree(&[
        ("a.YAML", GOOD),
        ("b.Yml", GOOD),
        ("c/d.JSON", r#"{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x"}]}}"#),
        (".hidden/e.yaml", GOOD),
        ("f.txt", BAD),
        ("g.yaml.tmpl", BAD),
        (".git/h.yaml", BAD),
        ("vendor/i.yaml", BAD),
        (".gitignore", "vendor/\n"),
    ]);
    let found = |arguments: &[&str]| {
        let files = files(directory.path(), arguments);
        let root = directory.path().to_str().unwrap().to_owned() + "/";
        files.iter().map(|file| file.replace(&root, "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(&[]), ".hidden/e.yaml a.YAML b.Yml c/d.JSON");
    assert_eq!(found(&["--no-ignore"]), ".hidden/e.yaml a.YAML b.Yml c/d.JSON vendor/i.yaml");
    assert_eq!(found(&["--exclude", ".hidden", "--exclude", "*.yml"]), "a.YAML b.Yml c/d.JSON");
    assert_eq!(found(&["--include", "c/**"]), "c/d.JSON");
    assert_eq!(found(&["--include", "*.YAML", "--include", "*.Yml", "--exclude", "b*"]), "a.YAML");
    let ran = check(directory.path(), &["--include", "a["]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--include a[: not a glob"), "{}", ran.err);
    // A file that is named is read, whatever it is called.
    let named = directory.path().join("g.yaml.tmpl");
    assert_eq!(check(&named, &[]).code, 1);
}

#[test]
fn links_lead_somewhere_once_and_pipes_are_left_alone() {
    let directory = tree(&[("real/a.yaml", GOOD), ("b.yaml", GOOD)]);
    let path = |name: &str| directory.path().join(name);
    symlink(path("real"), path("a-link")).unwrap();
    symlink(directory.path(), path("real/loop")).unwrap();
    symlink(path("b.yaml"), path("c.yaml")).unwrap();
    symlink("self", path("self")).unwrap();
    mknodat(CWD, path("pipe.yaml"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    // The folder is read through the first path that leads to it.
    let ran = check(directory.path(), &["-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["summary"]["images"]), (0, &3.into()), "{ran:?}");
    assert_eq!(report["summary"]["skipped"], 1);
    symlink(path("gone.yaml"), path("dangling.yaml")).unwrap();
    symlink(path("gone.txt"), path("dangling.txt")).unwrap();
    let ran = check(directory.path(), &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("dangling.yaml: the link leads nowhere"), "{}", ran.err);
    assert!(ran.err.contains("1 unreadable"), "{}", ran.err);
}

#[test]
fn links_that_double_at_each_level_cost_nothing() {
    let directory = tree(&[("d40/a.yaml", GOOD)]);
    for level in 0..40 {
        let here = directory.path().join(format!("d{level}"));
        fs::create_dir(&here).unwrap();
        for side in ["left", "right"] {
            symlink(format!("../d{}", level + 1), here.join(side)).unwrap();
        }
    }
    assert_eq!(files(directory.path(), &[]).len(), 1);
}

#[test]
fn lists_reviews_and_values_in_a_row_are_read() {
    let pod = r#"{"kind":"Pod","metadata":{"namespace":"x"},
        "spec":{"containers":[{"name":"a","image":"quay.io/a:1"}]}}"#;
    let bare = pod.replace(r#""kind":"Pod","#, "");
    let review = |operation: &str| {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{
                "operation":"{operation}","namespace":"ci","userInfo":{{"username":"u"}},
                "object":{}}}}}"#,
            pod.replace(r#""metadata":{"namespace":"x"},"#, "")
        )
    };
    let rows = [
        (pod.to_owned(), 1),
        // One after another, with and without a line between them.
        (format!("{pod}{pod}\n{pod}\n"), 3),
        (format!("{pod}\n---\n{pod}\n"), 2),
        (format!("[{pod},{pod}]"), 2),
        (format!(r#"{{"kind":"List","items":[{pod},{pod}]}}"#), 2),
        // As `kubectl get -o json` sorts the fields.
        (format!(r#"{{"apiVersion":"v1","items":[{pod}],"kind":"List","metadata":{{}}}}"#), 1),
        // As the API answers: the entries do not say what they are.
        (format!(r#"{{"kind":"PodList","apiVersion":"v1","items":[{bare},{bare}]}}"#), 2),
        (format!(r#"{{"apiVersion":"v1","items":[{bare},{bare}],"kind":"PodList"}}"#), 2),
        (format!(r#"{{"kind":"List","items":[{{"kind":"List","items":[{pod}]}}]}}"#), 1),
        (review("CREATE"), 1),
        (format!("---\n{}\n---\n{}", review("UPDATE"), review("DELETE")), 1),
        // An object inside of another, as a template of OpenShift has it.
        (format!(r#"{{"kind":"Template","apiVersion":"x/v1","objects":[{pod}]}}"#), 1),
    ];
    for (text, denied) in rows {
        let ran = check_text(&text, &["-o", "json"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["denied"], denied, "{text}\n{}", ran.err);
        assert_eq!(report["unreadable"], 0, "{text}\n{}", ran.err);
    }
    let ran = check_text(&review("CREATE"), &["-o", "json"]);
    assert!(ran.out.contains(r#""namespace": "ci""#), "{}", ran.out);
    let ran = check_text(r#"{"kind":"List","items":[{"spec":1}]}"#, &[]);
    assert!(ran.err.contains("-:1:25: an entry of a List without a `kind`"), "{}", ran.err);
}

#[test]
fn who_asks_in_a_review_counts() {
    let policy = tree(&[(
        "policy.yaml",
        "exemptions: [{name: bot, images: [quay.io/a], users: [bot], reason: x}]\n",
    )]);
    let review = |user: &str| {
        format!(
            "kind: AdmissionReview\nrequest:\n  userInfo: {{username: {user}}}\n  object: \
             {{kind: Pod, spec: {{containers: [{{name: a, image: 'quay.io/a:1'}}]}}}}\n"
        )
    };
    let path = policy.path().join("policy.yaml");
    let run = |text: &str, more: &[&str]| {
        check_text(text, &[&["--policy", path.to_str().unwrap()], more].concat()).code
    };
    assert_eq!(run(&review("bot"), &[]), 0);
    assert_eq!(run(&review("eve"), &[]), 1);
    // Whoever is named on the command line asks.
    assert_eq!(run(&review("bot"), &["--user", "eve"]), 1);
}

#[test]
fn a_broken_value_among_others_stops_none_of_them() {
    let pod = r#"{"kind":"Pod","spec":{"containers":[{"name":"a","image":"quay.io/a:1"}]}}"#;
    let text = format!("{pod}\n{{\"kind\": \"Pod\", \"spec\": }}\n{pod}\n");
    let ran = check_text(&text, &["-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["denied"], &report["unreadable"]), (&2.into(), &1.into()), "{ran:?}");
    assert!(ran.err.contains("-:2:25: not valid JSON: "), "{}", ran.err);
    let lines: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|each| each["line"].clone()).collect();
    assert_eq!(lines, [1, 3]);
    let rows = [
        (r#"{"kind":"Pod","kind":"Pod"}"#, "-:1:15: the key `kind` is given twice"),
        (r#"{"kind":"Pod" "a":1}"#, "-:1:15: not valid JSON: a comma is missing"),
    ];
    for (text, expected) in rows {
        let ran = check_text(text, &[]);
        assert!(ran.code == 2 && ran.err.contains(expected), "{text}: {}", ran.err);
    }
}

#[test]
fn anchors_and_merges_are_read_and_cannot_grow() {
    let text = "\
kind: Pod
x: &image quay.io/a:1
y: &container
  name: a
  image: *image
spec:
  containers:
  - *container
  - <<: *container
    name: b
";
    let ran = check_text(text, &["-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| format!("{} {} {}", each["container"], each["image"], each["line"]))
        .collect();
    assert_eq!(found, [r#""a" "quay.io/a:1" 5"#, r#""b" "quay.io/a:1" 5"#], "{}", ran.err);
    let mut bomb = "kind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let names = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{names}]").unwrap();
    }
    let ran = check_text(&bomb, &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("the aliases up to here stand for too much"), "{}", ran.err);
    let deep = format!("kind: Pod\na: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    let json = format!(r#"{{"kind":"Pod","a":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    for text in [deep, json] {
        let ran = check_text(&text, &[]);
        assert!(ran.err.contains("more than 128 lists and mappings"), "{}", ran.err);
    }
}

#[test]
fn nothing_judged_is_not_fine_unless_that_is_wanted() {
    let empty = TempDir::new().unwrap();
    let services =
        tree(&[("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")]);
    for directory in [empty.path(), services.path()] {
        let ran = check(directory, &[]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains("nothing was judged"), "{}", ran.err);
        assert_eq!(check(directory, &["--allow-empty"]).code, 0);
    }
    // A `helm template |` that fails leaves nothing.
    assert_eq!(check_text("", &[]).code, 2);
    let ran = check_text("kind: [", &["--allow-empty"]);
    assert_eq!(ran.code, 2, "what cannot be read is not empty: {ran:?}");
}

#[test]
fn what_fails_is_up_to_the_caller() {
    let policy = tree(&[
        ("warn.yaml", "mode: warn\n"),
        ("audit.yaml", "mode: audit\n"),
        ("deny.yaml", "mode: enforce\n"),
    ]);
    let code = |mode: &str, fail_on: &str| {
        let path = policy.path().join(format!("{mode}.yaml"));
        let path = path.to_str().unwrap();
        let ran = check_text(BAD, &["--policy", path, "--fail-on", fail_on]);
        // Never in silence, whatever the exit code.
        assert!(ran.out.contains(&format!("{mode:<6} quay.io/a/bad:1")), "{ran:?}");
        ran.code
    };
    let rows =
        [("deny", [1, 0, 0]), ("warn", [1, 1, 0]), ("audit", [1, 1, 1]), ("never", [0, 0, 0])];
    for (fail_on, codes) in rows {
        let found = ["deny", "warn", "audit"].map(|mode| code(mode, fail_on));
        assert_eq!(found, codes, "{fail_on}");
    }
    assert_eq!(imagegate("check x --fail-on maybe").code, 2);
}

#[test]
fn the_same_image_is_shown_once_in_its_file_and_counted() {
    let many = BAD.replace("kind", "---\nkind").repeat(37);
    let ran = check_text(&many, &[]);
    assert!(ran.out.contains("deny   quay.io/a/bad:1 ×37  "), "{}", ran.out);
    assert!(ran.err.starts_with("37 images: 0 allowed, 37 denied\n37 objects\n"), "{}", ran.err);
    assert!(ran.err.contains("policy of variables and defaults (bee025311d0b)"), "{}", ran.err);
}

#[test]
fn the_order_is_that_of_the_files_however_many_read_them() {
    let names: Vec<String> = (0..300).map(|number| format!("{number:03}.yaml")).collect();
    let large = GOOD.replace("kind", "---\nkind").repeat(200);
    let content = |number: usize| if number.is_multiple_of(50) { large.as_str() } else { BAD };
    let files: Vec<_> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), content(at))).collect();
    let directory = tree(&files);
    let first = check(directory.path(), &["-o", "json"]).out;
    for _ in 0..3 {
        assert_eq!(check(directory.path(), &["-o", "json"]).out, first);
    }
    let mut sorted = self::files(directory.path(), &[]);
    let found = sorted.clone();
    sorted.sort();
    assert_eq!(found, sorted);
}

#[test]
fn a_large_document_streams() {
    // More than is held of one document, as YAML and as JSON.
    let note = "x".repeat(1_000);
    let containers = "containers: [{name: a, image: 'quay.io/a:1'}]";
    let pod = format!("- {{kind: Pod, spec: {{{containers}}}, note: {note}}}\n");
    let yaml = format!("---\nkind: Service\n---\nkind: List\nitems:\n{}", pod.repeat(3_000));
    let containers = r#""containers":[{"name":"a","image":"quay.io/a:1"}]"#;
    let pod = format!(r#"{{"kind":"Pod","spec":{{{containers}}},"note":"{note}"}},"#);
    let items = pod.repeat(3_000);
    let json = format!(
        "{{\"kind\":\"List\",\"items\":[{items}{{\"kind\":\"Service\"}}]}}\n---\n{{\"kind\":\"Service\"}}",
    );
    for (text, line) in [(yaml, 3_005), (json, 1)] {
        assert!(text.len() > 2 << 20);
        let ran = check_text(&text, &["-o", "json"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["denied"], 3_000, "{}", ran.err);
        assert_eq!(report["summary"]["notUnderstood"], 0, "{}", ran.err);
        assert_eq!(report["findings"][2_999]["line"], line);
    }
}

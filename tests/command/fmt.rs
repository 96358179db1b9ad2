//! `imagegate fmt`: what it prints, names, writes and leaves alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use crate::support::command::{imagegate, imagegate_with};

const UNTIDY: &str = "# ours\n\nblockedTags: [ 'latest' ] # moves\nmode:  warn\n";
const TIDY: &str = "# ours\n\nmode: warn\nblockedTags: [latest]  # moves\n";

struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

#[test]
fn standard_input_goes_to_standard_output() {
    let ran = imagegate_with(&["fmt", "-"], UNTIDY, &[]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, TIDY, ""));
    let again = imagegate_with(&["fmt", "-"], &ran.out, &[]);
    assert_eq!((again.code, again.out.as_str()), (0, TIDY));
    let checked = imagegate_with(&["fmt", "--check", "-"], UNTIDY, &[]);
    assert_eq!((checked.code, checked.out.as_str()), (1, "-\n"));
    assert_eq!(imagegate_with(&["fmt", "--check", "-"], TIDY, &[]).code, 0);
    let written = imagegate_with(&["fmt", "--write", "-"], UNTIDY, &[]);
    assert_eq!((written.code, written.out.as_str()), (2, ""), "{}", written.err);
}

#[test]
fn a_directory_is_looked_through_for_policies() {
    let files = Files::new(&[
        ("a/policy.yaml", UNTIDY),
        ("a/candidate.yaml", TIDY),
        ("a/cases.yaml", "policy: a\ncases:  []\n"),
        ("b/policy.yaml", "apiVersion: kyverno.io/v1\nkind:  ClusterPolicy\n"),
        ("c/map.yaml", &manifest(UNTIDY)),
        (".hidden/policy.yaml", UNTIDY),
    ]);
    let root = files.path("");
    let named = format!("{}\n{}\n", files.path("a/policy.yaml"), files.path("c/map.yaml"));
    let checked = imagegate(&format!("fmt --check {root}"));
    assert_eq!((checked.code, &checked.out), (1, &named));
    assert!(checked.err.starts_with("2 policies are not in the style"), "{}", checked.err);
    assert_eq!(files.read("a/policy.yaml"), UNTIDY);
    let printed = imagegate(&format!("fmt {root}"));
    assert_eq!((printed.code, printed.out.as_str()), (2, ""), "{}", printed.err);

    let written = imagegate(&format!("fmt --write {root}"));
    assert_eq!((written.code, &written.out, written.err.as_str()), (0, &named, ""));
    assert_eq!(files.read("a/policy.yaml"), TIDY);
    assert_eq!(files.read("c/map.yaml"), manifest(TIDY));
    assert_eq!(files.read(".hidden/policy.yaml"), UNTIDY);
    let again = imagegate(&format!("fmt --write {root}"));
    assert_eq!((again.code, again.out.as_str()), (0, ""));
    let nothing = imagegate(&format!("fmt --check {}", files.path("b")));
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.starts_with("error: no policy in full form in `"), "{}", nothing.err);
}

fn manifest(policy: &str) -> String {
    let policy: String = policy
        .lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("      {line}\n") })
        .collect();
    format!(
        "# the gate\napiVersion:   v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n    policy.yaml: |  # here\n{policy}    candidate.yaml: |-\n      mode: audit\n    # end\n"
    )
}

#[test]
fn of_a_manifest_only_the_policy_changes() {
    let ran = imagegate_with(&["fmt", "-"], &manifest(UNTIDY), &[]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, &*manifest(TIDY), ""));
    let windows = manifest(UNTIDY).replace('\n', "\r\n");
    let ran = imagegate_with(&["fmt", "-"], &windows, &[]);
    assert_eq!((ran.code, ran.out), (0, manifest(TIDY).replace('\n', "\r\n")));
    let both = manifest(UNTIDY).replace("mode: audit", "mode:  audit");
    let ran = imagegate_with(&["fmt", "-"], &both, &[]);
    assert_eq!((ran.code, ran.out), (0, manifest(TIDY)));
    let broken = manifest(UNTIDY).replace("mode: audit", "mode: audti");
    let ran = imagegate_with(&["fmt", "-"], &broken, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.starts_with("-:12:13: "), "{}", ran.err);

    let head = "kind: ConfigMap\ndata:\n  policy.yaml: ";
    for (value, said) in [
        ("\"mode:  warn\"\n", "hint: write it as `policy.yaml: |`"),
        (">\n    mode:  warn\n\n    updates: all\n", "hint: write it as `policy.yaml: |`"),
        ("|\n", "the policy is empty"),
    ] {
        let ran = imagegate_with(&["fmt", "-"], &format!("{head}{value}"), &[]);
        assert_ne!(ran.code, 0);
        assert!(ran.err.contains(said), "{value}: {}", ran.err);
    }
    let simple = imagegate_with(&["fmt", "-"], "kind: ConfigMap\ndata: {BLOCKED_TAGS: a}\n", &[]);
    assert_eq!(simple.code, 2);
    assert!(simple.err.contains("is a ConfigMap without a policy in full form"), "{}", simple.err);
}

#[test]
fn a_file_is_replaced_with_its_permissions_and_only_if_it_changes() {
    let files = Files::new(&[("policy.yaml", UNTIDY), ("tidy.yaml", TIDY)]);
    let path = files.path("policy.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(files.path("tidy.yaml")).unwrap().modified().unwrap();
    let ran = imagegate(&format!("fmt -w {path} {}", files.path("tidy.yaml")));
    assert_eq!((ran.code, ran.out), (0, format!("{path}\n")));
    assert_eq!(files.read("policy.yaml"), TIDY);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::metadata(files.path("tidy.yaml")).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_dir(files.0.path()).unwrap().count(), 2);
}

#[test]
fn what_the_kubelet_writes_is_left_to_it() {
    let files = Files::new(&[("..2026_11_27/policy.yaml", UNTIDY)]);
    symlink("..2026_11_27", files.path("..data")).unwrap();
    symlink("..data/policy.yaml", files.path("policy.yaml")).unwrap();
    for path in [files.path("policy.yaml"), files.path(""), files.path("..data/policy.yaml")] {
        let ran = imagegate(&format!("fmt --write {path}"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{path}");
        assert!(ran.err.contains("a file in a mounted volume"), "{}", ran.err);
        // To look at it does no harm.
        assert_eq!(imagegate(&format!("fmt --check {path}")).code, 1, "{path}");
        assert_eq!(imagegate(&format!("fmt {path}")).out, TIDY, "{path}");
    }
    assert_eq!(files.read("policy.yaml"), UNTIDY);
}

#[test]
fn what_is_no_policy_is_left_alone() {
    let files = Files::new(&[
        ("bad.yaml", "mode:  wran\n"),
        ("broken.yaml", "mode: [\n"),
        ("policy.json", "{\"mode\":\"warn\"}"),
        ("BLOCKED_TAGS", "latest"),
        ("good.yaml", UNTIDY),
    ]);
    fs::write(files.path("bytes.yaml"), b"mode: \xff\n").unwrap();
    for (name, code, said) in [
        ("bad.yaml", 3, "bad.yaml:1:8: mode: `wran` is not one of `enforce`, `warn`, `audit`"),
        ("broken.yaml", 3, "not valid YAML"),
        ("policy.json", 2, "is JSON\n  hint: "),
        ("BLOCKED_TAGS", 2, "is no policy in full form\n  hint: "),
        ("bytes.yaml", 2, "is not UTF-8 text"),
        ("missing.yaml", 2, "cannot read `"),
    ] {
        for flag in ["--write", "--check"] {
            let ran = imagegate(&format!("fmt {flag} {}", files.path(name)));
            assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{name}");
            assert!(ran.err.contains(said), "{name}: {}", ran.err);
        }
    }
    assert_eq!(files.read("bad.yaml"), "mode:  wran\n");
    // The others are judged all the same, and what was found wins.
    let all = ["bad.yaml", "missing.yaml", "good.yaml"].map(|name| files.path(name)).join(" ");
    assert_eq!(imagegate(&format!("fmt --check {all}")).code, 1);
    assert_eq!(imagegate(&format!("fmt --write {all}")).code, 3);
    assert_eq!(files.read("good.yaml"), TIDY);
}

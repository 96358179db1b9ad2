//! The custom resources that a policy names: what is accepted, and what is said of what is not.

use crate::support::policy::full_form;
use imagegate_core::policy::{Documents, compile};

/// The problems of some documents, as people read them.
fn problems(documents: &Documents) -> String {
    compile(documents).map(|(policy, _)| policy.to_json()).unwrap_err().to_string()
}

fn hash(documents: &Documents) -> String {
    compile(documents).unwrap().0.hash().to_owned()
}

#[test]
fn a_workload_is_a_custom_resource_with_a_path() {
    let workload = |fields: &str| full_form(&format!("workloads: [{{{fields}}}]"));
    let long = |count: usize| "/a".repeat(count);
    let (deep, deeper) = (long(16), long(17));
    let wide = format!("/{}", "a".repeat(511));
    let wider = format!("{wide}a");
    for path in ["/spec", "/spec/template/spec", "/spec/*/x", "/a~0b~1c", "/spec/a.b", &deep, &wide]
    {
        let fields = format!("group: x-k8s.io, kind: JobSet, podSpec: '{path}'");
        let json = compile(&workload(&fields)).unwrap().0.to_json();
        let expected =
            format!(r#""workloads":[{{"group":"x-k8s.io","kind":"JobSet","podSpec":"{path}"}}]"#);
        assert!(json.contains(&expected), "{json}");
    }
    for (path, why) in [
        ("", "it does not begin with `/`"),
        ("spec", "it does not begin with `/`"),
        ("/", "a step is empty"),
        ("/spec/", "a step is empty"),
        ("/spec//a", "a step is empty"),
        ("/spec~", "`~` is followed by neither"),
        ("/spec~2", "`~` is followed by neither"),
        (&deeper, "it has more than 16 steps"),
        (&wider, "it has more than 512 bytes"),
    ] {
        let fields = format!("group: a.b, kind: C, podSpec: '{path}'");
        let problems = problems(&workload(&fields));
        assert!(problems.contains("` is not a path: ") && problems.contains(why), "{problems}");
    }
    for (group, kind, expected) in [
        ("''", "Pod", "the group `` is built in\n  hint: Pods and the built-in pod templates"),
        ("apps", "Deployment", "the group `apps` is built in\n  hint: Pods and"),
        ("argoproj", "Rollout", "`argoproj` is not the group of a custom resource"),
        ("argoproj.io/v1", "Rollout", "hint: write the group without the version"),
        ("Argo.io", "Rollout", "`Argo.io` is not the group of a custom resource"),
        ("-a.io", "Rollout", "`-a.io` is not the group"),
        ("a..io", "Rollout", "`a..io` is not the group"),
        ("a.io", "''", "`` is not a kind"),
        ("a.io", "7x", "`7x` is not a kind\n  hint: write it as in a manifest"),
        ("a.io", "a/b", "`a/b` is not a kind"),
        ("a.io", "a-", "`a-` is not a kind"),
    ] {
        let fields = format!("group: {group}, kind: {kind}, podSpec: /spec");
        let problems = problems(&workload(&fields));
        assert!(problems.contains(expected), "{group} {kind}: {problems}");
    }
    for (fields, expected) in [
        (
            "kind: C, podSpec: /s",
            "workloads[0]: the workload has no `group`\n  hint: write `group: ",
        ),
        ("group: a.b, podSpec: /s", "the workload has no `kind`\n  hint: write `kind: Rollout`"),
        ("group: a.b, kind: C", "the workload has no `podSpec`\n  hint: write `podSpec: /spec/t"),
        ("group: a.b, kind: C, podspec: /s", "hint: did you mean `podSpec`?"),
    ] {
        let problems = problems(&workload(fields));
        assert!(problems.contains(expected), "{fields}: {problems}");
    }
}

#[test]
fn a_kind_may_have_several_paths_and_each_once() {
    let listed = |paths: &[String]| {
        let entry = |path: &String| format!("- {{group: a.b, kind: C, podSpec: {path}}}\n");
        full_form(&format!("workloads:\n{}", paths.iter().map(entry).collect::<String>()))
    };
    let paths: Vec<String> = (0..8).map(|number| format!("/spec/{number}")).collect();
    assert!(compile(&listed(&paths)).is_ok());
    let nine: Vec<String> = (0..9).map(|number| format!("/spec/{number}")).collect();
    let problems = problems(&listed(&nine));
    assert!(
        problems.contains("workloads[8].podSpec: the kind `C` has more than 8 paths"),
        "{problems}"
    );
    let twice = [String::from("/spec"), String::from("/spec")];
    let problems = compile(&listed(&twice)).unwrap_err().to_string();
    assert!(problems.contains("workloads[1].podSpec: this path of the kind `C` is there twice"));
    let entry = |n: usize| format!("- {{group: a.b, kind: C{n}, podSpec: /s}}\n");
    let many: String = (0..201).map(entry).collect();
    let problems = compile(&full_form(&format!("workloads:\n{many}"))).unwrap_err().to_string();
    assert!(problems.contains("201 workloads are more than the limit of 200"), "{problems}");
    assert_eq!(hash(&full_form("workloads: []")), hash(&full_form("mode: enforce")));
}

//! What `compile` accepts and warns of.

use crate::support::policy::{full_form, variables};
use imagegate_core::policy::{Documents, compile};

fn warnings(documents: &Documents) -> Vec<String> {
    compile(documents).unwrap().1.iter().map(ToString::to_string).collect()
}

#[test]
fn a_hint_that_is_never_shown_is_doubtful() {
    let (_, warnings) = compile(&full_form("denialWarnings: false\ndenialHint: ask")).unwrap();
    assert!(warnings[0].to_string().contains("the hint is not shown"), "{warnings:?}");
    let (_, warnings) = compile(&full_form("denialWarnings: false\ndenialHint: ''")).unwrap();
    assert_eq!(warnings, []);
}

#[test]
fn a_doubtful_list_is_warned_of_wherever_it_stands() {
    for list in ["allowedRegistries: [gcr.io, gcr.io]", "blockedTags: [a, a]"] {
        let twice = format!("{list}\noverrides: [{{name: o, {list}}}]");
        assert_eq!(warnings(&full_form(&twice)).len(), 2, "{list}");
    }
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let rows = [
        ("blockedTags: [a, a]", "`a` is listed twice"),
        ("requireTag: false", "an image without a tag is refused all the same"),
        (
            "templates: ignore\nworkloads: [{group: a.b, kind: C, podSpec: /spec}]",
            "`workloads` has no effect while `templates` is `ignore`",
        ),
    ];
    for (yaml, expected) in rows {
        let warnings = warnings(&full_form(yaml));
        assert!(warnings.iter().any(|warning| warning.contains(expected)), "{yaml}: {warnings:?}");
    }
    for (yaml, hint) in [
        (
            "blockedTags: ['v1.*']",
            "write `v1*`, or `/v1.*/` for a regex; if the glob is meant, `/v1[.].*/` says the same",
        ),
        ("allowedRegistries: ['docker.io.*']", "write `docker.io`"),
        ("allowedRegistries: ['gcr.io/acme.*']", "write `gcr.io/acme*`"),
        (
            "exemptions: [{name: a, images: [gcr.io], reason: r, users: ['ci.*']}]",
            "names are matched by globs, not by regexes: write `ci*`",
        ),
    ] {
        let [warning] = &warnings(&full_form(yaml))[..] else { panic!("{yaml}") };
        assert!(warning.contains("looks like a regex, but is a glob"), "{warning}");
        assert!(warning.ends_with(&format!("\n  hint: {hint}")), "{warning}");
    }
    let somewhere = "templates: ignore\nworkloads: [{group: a.b, kind: C, podSpec: /spec}]\n\
                     overrides: [{name: o, namespaces: [o], templates: warn}]";
    assert_eq!(warnings(&full_form(somewhere)), Vec::<String>::new());
    for yaml in ["allowedRegistries: ['registry.*.corp', '10.0.*']", "blockedTags: ['*-rc*']"] {
        assert!(warnings(&full_form(yaml)).is_empty(), "{yaml}");
    }
    let mut documents = full_form("mode: warn");
    documents.variables = variables([("BLOCKED_TAGS", "x")]).variables;
    assert_eq!(
        warnings(&documents),
        ["BLOCKED_TAGS: this variable is not used, since the policy is given in full form\n  \
          hint: remove the variable"]
    );
    assert!(warnings(&Documents::default()).is_empty());
}

//! What `compile` accepts, and what it says of what it does not.

use crate::support::policy::{full_form, variables, volume};
use imagegate_core::policy::{Documents, compile, compile_candidate};

/// The problems of some documents, as people read them.
fn problems(documents: &Documents) -> String {
    compile(documents).map(|(policy, _)| policy.to_json()).unwrap_err().to_string()
}

fn warnings(documents: &Documents) -> Vec<String> {
    compile(documents).unwrap().1.iter().map(ToString::to_string).collect()
}

fn hash(documents: &Documents) -> String {
    compile(documents).unwrap().0.hash().to_owned()
}

#[test]
fn both_forms_of_a_policy_have_the_same_hash() {
    let simple = [
        ("ALLOWED_REGISTRIES", "docker.io,gcr.io"),
        ("BLOCKED_TAGS", "staging,latest"),
        ("DISABLE_EMPTY_TAG", "true"),
    ];
    let full = "allowedRegistries: [docker.io, gcr.io]\nblockedTags: [staging, latest]\n\
                denialWarnings: false\n";
    let expected = hash(&Documents::default());
    assert_eq!(hash(&volume(simple)), expected);
    assert_eq!(hash(&variables(simple)), expected);
    assert_eq!(hash(&full_form(full)), expected);
    assert_eq!(expected.len(), 12);
    assert_ne!(hash(&full_form("requireDigest: true")), expected);
}

#[test]
fn a_hint_is_one_line_that_kubectl_can_show() {
    let long = "é".repeat(121);
    for (hint, problem) in [
        ("\"\"", None),
        ("'ask #platform'", None),
        (&long[..240], None),
        (&long, Some("the hint has more than 120 characters")),
        (r#""a\nb""#, Some("the hint has a line break, or another character")),
        (r#""a\u202eb""#, Some("the hint has a line break, or another character")),
        (r#""a\u2028b""#, Some("the hint has a line break, or another character")),
        (r#""a\eb""#, Some("the hint has a line break, or another character")),
        ("[a]", Some("expected a text, found a list")),
    ] {
        for policy in
            [format!("denialHint: {hint}"), format!("overrides: [{{name: o, denialHint: {hint}}}]")]
        {
            let result = compile(&full_form(&policy)).map_err(|problems| problems.to_string());
            match (problem, result) {
                (None, result) => assert!(result.is_ok(), "{policy}: {result:?}"),
                (Some(problem), result) => {
                    let problems = result.unwrap_err();
                    assert!(problems.contains(problem), "{policy}: {problems}");
                }
            }
        }
    }
}

#[test]
fn a_volume_key_wins_over_its_variable_alone() {
    let mut documents = volume([("BLOCKED_TAGS", "edge")]);
    documents.variables = variables([
        ("ALLOWED_REGISTRIES", "quay.io"),
        ("BLOCKED_TAGS", "latest"),
        ("UNRELATED", "x"),
    ])
    .variables;
    let json = compile(&documents).unwrap().0.to_json();
    assert!(json.contains(r#""allowedRegistries":["quay.io"]"#), "{json}");
    assert!(json.contains(r#""blockedTags":["edge"]"#), "{json}");
}

#[test]
fn lists_of_the_simple_form_are_separated_three_ways_and_blanks_dropped() {
    let documents =
        volume([("ALLOWED_REGISTRIES", " docker.io ;, gcr.io|quay.io,\n"), ("BLOCKED_TAGS", "")]);
    let json = compile(&documents).unwrap().0.to_json();
    assert!(json.contains(r#""allowedRegistries":["docker.io","gcr.io","quay.io"]"#), "{json}");
    assert!(json.contains(r#""blockedTags":[]"#), "{json}");
}

#[test]
fn an_exemption_names_rules_that_there_are() {
    let exemption = |rules: &str| {
        full_form(&format!("exemptions: [{{name: e, images: ['*'], reason: r, rules: {rules}}}]"))
    };
    for (rules, expected) in [
        ("[]", "the list of rules is empty\n  hint: leave `rules` out for every rule"),
        ("[blocked-tags]", "`blocked-tags` is not a rule\n  hint: did you mean `blocked-tag`?"),
        ("[x]", "`x` is not a rule\n  hint: the rules are `missing-tag`, `untrusted-registry`"),
        ("[invalid-reference]", "`invalid-reference` cannot be lifted\n  hint: what is not"),
        ("blocked-tag", "expected a list"),
    ] {
        let problems = problems(&exemption(rules));
        assert!(problems.contains(expected), "{rules}: {problems}");
    }
    let json = compile(&exemption("[blocked-tag]")).unwrap().0.to_json();
    assert!(json.contains(r#""reason":"r","rules":["blocked-tag"]}"#), "{json}");
    let json = compile(&full_form("exemptions: [{name: e, images: ['*'], reason: r}]"));
    assert!(!json.unwrap().0.to_json().contains("rules"), "the hash of such a policy stays");
}

#[test]
fn a_range_of_versions_is_a_tag_pattern_in_both_forms() {
    let simple = volume([("BLOCKED_TAGS", "semver:>=1.20 <2,semver:^3")]);
    let full = full_form("blockedTags: [semver:>=1.20 <2, semver:^3]\ndenialWarnings: false");
    assert_eq!(hash(&simple), hash(&full));
    assert_eq!(warnings(&full), Vec::<String>::new());
    for (range, expected) in [
        ("semver:>=2 <1", "`semver:>=2 <1` can match no version"),
        ("semver:1.27", "hint: tools differ on a version without an operator: write `^1.27`"),
        ("semver:^1||^2", "hint: write each range as an item of its own"),
        ("semver:^1.2.3-rc1", "hint: the suffix of a tag is not compared"),
        (">=1.20 <2", "hint: write `semver:` before a range of versions"),
    ] {
        let problems = problems(&full_form(&format!("allowedTags: ['{range}']")));
        assert!(problems.contains(expected), "{range}: {problems}");
    }
    // Nothing stands in a registry pattern for a version.
    assert!(compile(&full_form("allowedRegistries: ['semver:^1']")).is_err());
}

#[test]
fn booleans_of_the_simple_form_ignore_case() {
    for (text, expected) in [("TRUE", true), ("False", false), ("true\n", true)] {
        let json = compile(&volume([("DISABLE_EMPTY_TAG", text)])).unwrap().0.to_json();
        assert!(json.contains(&format!(r#""requireTag":{expected}"#)), "{text:?}: {json}");
    }
}

#[test]
fn a_tag_that_looks_like_a_number_keeps_its_text() {
    let json = compile(&full_form("blockedTags: [1.0, 1e3, 0x10, true, ~x]"));
    let json = json.unwrap_err().to_string();
    assert!(json.contains("`~x` is not a tag"), "{json}");
    let policy = compile(&full_form("blockedTags: [1.0, 1e3, 0x10, true, 007]")).unwrap().0;
    let expected = r#""blockedTags":["1.0","1e3","0x10","true","007"]"#;
    assert!(policy.to_json().contains(expected), "{}", policy.to_json());
}

#[test]
fn every_problem_of_the_simple_form_is_said_with_its_place() {
    let documents = volume([
        ("ALLOWED_REGISTRIES", "docker.io,https://gcr.io"),
        ("BLOCKED_TAGS", "a\nb c"),
        ("DISABLE_EMPTY_TAG", "yes"),
        ("BLOCKED_TAG", "x"),
    ]);
    let expected = "\
ALLOWED_REGISTRIES:1:11: `https://gcr.io` is a URL
  hint: leave out the scheme, as in `gcr.io/acme`
BLOCKED_TAG: this key is not known
  hint: did you mean `BLOCKED_TAGS`?
BLOCKED_TAGS:1:1: `a\\nb c` is not a tag or a glob over tags
  hint: a tag has letters, digits, `_`, `.` and `-`; write `/…/` for a regex
DISABLE_EMPTY_TAG:1:1: `yes` is neither `true` nor `false`
  hint: write `true` to refuse images without a tag";
    assert_eq!(problems(&documents), expected);
}

#[test]
fn every_problem_of_the_full_form_is_said_with_its_place() {
    let yaml = r#"mode: enforced
allowedRegistrys: [docker.io]
allowedRegistries: []
blockedRegistries: ["https://evil.example", "GCR.io/Acme", "a@b", "/(/"]
blockedTags: ["a b", ":latest"]
requireTag: maybe
overrides:
  - {namespaces: [], requireDigest: true}
  - {name: Prod, namespaces: ["prod"]}
  - 5
exemptions:
  - {name: x}
  - {name: y, images: [docker.io/a], reason: z, expires: tomorrow, serviceAccounts: [a]}
namespaceOptOut: {groops: [a]}
"#;
    let expected = "\
policy.yaml:1:7: mode: `enforced` is not one of `enforce`, `warn`, `audit`
  hint: did you mean `enforce`?
policy.yaml:2:1: the field `allowedRegistrys` is not known
  hint: did you mean `allowedRegistries`?
policy.yaml:3:20: allowedRegistries: the list of allowed registries is empty
  hint: write `*` to allow every registry
policy.yaml:4:21: blockedRegistries[0]: `https://evil.example` is a URL
  hint: leave out the scheme, as in `gcr.io/acme`
policy.yaml:4:45: blockedRegistries[1]: `GCR.io/Acme` can match no repository
  hint: the path behind the host is lower case
policy.yaml:4:60: blockedRegistries[2]: `a@b` names a user
  hint: leave out everything up to the `@`
policy.yaml:4:67: blockedRegistries[3]: `/(/` is not a valid regex: unclosed group
policy.yaml:5:15: blockedTags[0]: `a b` is not a tag or a glob over tags
  hint: a tag has letters, digits, `_`, `.` and `-`; write `/…/` for a regex
policy.yaml:5:22: blockedTags[1]: `:latest` begins with `:`
  hint: write the tag alone, as in `latest`
policy.yaml:6:13: requireTag: `maybe` is not one of `true`, `false`
policy.yaml:8:5: overrides[0]: the override has no name
  hint: write `name: …` for this override
policy.yaml:8:18: overrides[0].namespaces: the list of namespaces is empty
  hint: leave `namespaces` out for an override that only a path names
policy.yaml:9:12: overrides[1].name: `Prod` is not a name
  hint: a name has at most 63 lower-case letters, digits and `-`
policy.yaml:10:5: overrides[2]: expected a mapping, found a single value
policy.yaml:12:5: exemptions[0]: the exemption names no image
  hint: write `images: [gcr.io/acme/agent]`
policy.yaml:12:5: exemptions[0]: the exemption has no reason
  hint: write `reason: …`, such as a ticket
policy.yaml:13:58: exemptions[1].expires: `tomorrow` is not a day
  hint: write the last day as `2027-01-31`, or a moment as `2027-01-31T12:00:00Z`
policy.yaml:13:86: exemptions[1].serviceAccounts[0]: `a` is not a service account
  hint: write `namespace/name`
policy.yaml:14:19: namespaceOptOut: the field `groops` is not known
  hint: did you mean `groups`?";
    assert_eq!(problems(&full_form(yaml)), expected);
}

#[test]
fn documents_that_are_no_policy_are_refused() {
    let deep = format!("allowedRegistries: {}{}", "[".repeat(100), "]".repeat(100));
    let many_tags = "a,".repeat(10);
    let rows = [
        (volume([]), "the policy volume holds no policy"),
        (volume([("ALLOWED_REGISTRIES", " , ")]), "the list of allowed registries is empty"),
        (full_form(""), "the policy is empty"),
        (full_form("# only a comment"), "the policy is empty"),
        (full_form("- a"), "a policy is a mapping of fields"),
        (full_form("text"), "a policy is a mapping of fields"),
        (full_form("mode: warn\nmode: audit"), "the key `mode` is given twice"),
        (full_form("mode: warn\n---\nmode: audit"), "there is a second document"),
        (full_form("mode: [warn"), "not valid YAML"),
        (full_form("allowedRegistries: docker.io"), "expected a list, found a single value"),
        (full_form("blockedTags: [[latest]]"), "expected a text, found a list"),
        (full_form("mode:"), "expected a text, found nothing"),
        (full_form("a: &a [*a]"), "not valid YAML"),
        (full_form("mode: !!binary d2Fybg=="), "the tag `!!binary` means nothing here"),
        (full_form(&deep), "not valid YAML"),
        (full_form("allowedRegistries: [\"*\", \"\"]"), "does not begin with a registry host"),
        (full_form("allowedRegistries: ['reg*:443']"), "ends in the port of HTTPS"),
        (
            full_form("allowedRegistries: [\"docker.io/nginx:1\"]"),
            "can match no image\n  hint: write `docker.io/library/nginx:1`",
        ),
        (
            full_form("blockedRegistries: ['redis:7']"),
            "`redis:7` is a registry with a port, or an image with a tag\n  hint: for the tag write \
             `docker.io/library/redis:7`; a port is a number from 80 on",
        ),
        (
            full_form("exemptions: [{name: e, images: ['acme/*:1.*'], reason: r}]"),
            "for a repository of Docker Hub write `docker.io/acme/*:1.*`",
        ),
        (full_form("allowedRegistries: [\"/a)|(b/\"]"), "is not a valid regex"),
        (full_form("blockedTags: [\"/(a{900}){900}/\"]"), "is too large a regex"),
        (
            volume([("policy.yaml", "mode: warn"), ("BLOCKED_TAGS", &many_tags)]),
            "the policy is given in two forms, as `policy.yaml` and as `BLOCKED_TAGS`",
        ),
        (full_form("overrides: [{name: a}, {name: a}]"), "the name `a` is given to two overrides"),
        (
            full_form(
                "exemptions: [{name: a, images: [\"*\"], reason: r}, \
                 {name: a, images: [\"*\"], reason: r}]",
            ),
            "the name `a` is given to two exemptions",
        ),
    ];
    for (documents, expected) in rows {
        let problems = problems(&documents);
        assert!(problems.contains(expected), "{documents:?}\n{problems}");
    }
}

#[test]
fn a_pattern_that_can_match_nothing_is_a_problem_in_every_list() {
    let rows = [
        ("allowedRegistries: ['.*']", "`.*` can match no registry host"),
        ("allowedRegistries: [acme]", "`acme` can match no image"),
        ("allowedRegistries: [library/nginx]", "`library/nginx` can match no image"),
        ("allowedRegistries: ['docker.io/.*']", "`docker.io/.*` can match no repository"),
        ("allowedRegistries: ['*..corp']", "`*..corp` can match no registry host"),
        ("allowedRegistries: ['/docker.io/']", "`/docker.io/` can match no image"),
        ("allowedRegistries: ['/gcr[.]io:443/.*/']", "can match no image"),
        ("blockedRegistries: ['gcr.io/a..b']", "`gcr.io/a..b` can match no repository"),
        ("blockedRegistries: [gcr.io//a]", "`gcr.io//a` can match no repository"),
        ("blockedTags: ['-rc*']", "`-rc*` can match no tag"),
        ("blockedTags: ['/a:b/']", "`/a:b/` can match no tag"),
        ("blockedTags: ['/a{129}/']", "`/a{129}/` can match no tag"),
        ("allowedTags: ['.*']", "`.*` can match no tag"),
        ("overrides: [{name: a, allowedTags: ['.*']}]", "`.*` can match no tag"),
        ("overrides: [{name: a, namespaces: ['prod_*']}]", "`prod_*` can match no namespace"),
        (
            "exemptions: [{name: a, images: ['gcr.io/-*'], reason: r}]",
            "`gcr.io/-*` can match no repository",
        ),
        (
            "exemptions: [{name: a, images: [gcr.io], reason: r, namespaces: [Prod]}]",
            "`Prod` can match no namespace",
        ),
        (
            "exemptions: [{name: a, images: [gcr.io], reason: r, serviceAccounts: [ci/-a]}]",
            "`ci/-a` can match no service account",
        ),
        (
            "namespaceOptOut: {users: ['system:serviceaccount:ci']}",
            "`system:serviceaccount:ci` can match no user",
        ),
        (
            "namespaceOptOut: {users: ['system:serviceaccount:CI:*']}",
            "`system:serviceaccount:CI:*` can match no namespace",
        ),
    ];
    for (yaml, expected) in rows {
        let problems = problems(&full_form(yaml));
        assert!(problems.contains(expected), "{yaml}: {problems}");
        assert!(problems.contains("\n  hint: "), "{yaml}: {problems}");
    }
    let long = "a".repeat(256);
    let problems = problems(&full_form(&format!("allowedRegistries: [gcr.io/{long}]")));
    assert!(problems.contains("can match no repository"), "{problems}");
}

#[test]
fn bytes_that_are_not_text_are_refused() {
    for key in ["policy.yaml", "ALLOWED_REGISTRIES"] {
        let mut documents = volume([]);
        documents.volume.as_mut().unwrap().insert(key.to_owned(), vec![b'a', 0xff]);
        assert!(problems(&documents).contains("is not UTF-8 text"));
    }
}

#[test]
fn an_empty_list_is_a_problem_where_none_at_all_means_everything() {
    let exemption = |list: &str| {
        format!(
            "exemptions:\n- name: e\n  images: ['*']\n  reason: r\n  groups: [a]\n  {list}: []\n"
        )
        .replace("  groups: [a]\n  groups", "  groups")
    };
    let everybody = |list: &str| {
        format!("leave `{list}` out for everybody, or remove the exemption if nobody is meant")
    };
    let rows = [
        (exemption("users"), "exemptions[0].users: the list of users is empty", everybody("users")),
        (
            exemption("groups"),
            "exemptions[0].groups: the list of groups is empty",
            everybody("groups"),
        ),
        (
            exemption("serviceAccounts"),
            "exemptions[0].serviceAccounts: the list of service accounts is empty",
            everybody("serviceAccounts"),
        ),
        (
            exemption("namespaces"),
            "exemptions[0].namespaces: the list of namespaces is empty",
            "leave `namespaces` out for every namespace, or remove the exemption if none is meant"
                .into(),
        ),
        (
            exemption("images").replace("  images: ['*']\n", ""),
            "exemptions[0]: the exemption names no image",
            "write `images: [gcr.io/acme/agent]`".into(),
        ),
        (
            "allowedRegistries: []".into(),
            "allowedRegistries: the list of allowed registries is empty",
            "write `*` to allow every registry".into(),
        ),
        (
            "overrides:\n- {name: o, allowedRegistries: []}".into(),
            "overrides[0].allowedRegistries: the list of allowed registries is empty",
            "write `*` to allow every registry".into(),
        ),
        (
            "overrides:\n- {name: o, namespaces: []}".into(),
            "overrides[0].namespaces: the list of namespaces is empty",
            "leave `namespaces` out for an override that only a path names".into(),
        ),
    ];
    for (yaml, expected, hint) in rows {
        for (key, other) in [("policy.yaml", "policy.yaml"), ("candidate.yaml", "policy.yaml")] {
            let mut documents = volume([(other, "mode: warn"), (key, &yaml)]);
            documents.variables.clear();
            let problems = if key == "policy.yaml" {
                problems(&documents)
            } else {
                compile_candidate(&documents).unwrap().unwrap_err().to_string()
            };
            let ends = format!("{expected}\n  hint: {hint}");
            assert!(problems.ends_with(&ends), "{yaml}\n{problems}");
            assert_eq!(problems.lines().count(), 2, "{problems}");
        }
    }
}

#[test]
fn problems_are_bounded_and_the_rest_counted() {
    let items = vec!["a b"; 250].join(",");
    let problems = problems(&full_form(&format!("blockedTags: [{items}]")));
    assert_eq!(problems.matches("is not a tag").count(), 100);
    assert!(problems.ends_with("policy: 150 more problems are not shown"), "{problems}");
}

#[test]
fn an_override_has_the_fields_that_were_written_and_no_others() {
    for (field, value) in [
        ("mode", "warn"),
        ("allowedRegistries", "[quay.io]"),
        ("blockedRegistries", "[quay.io]"),
        ("allowedTags", "[a]"),
        ("blockedTags", "[a]"),
        ("requireTag", "true"),
        ("requireDigest", "true"),
        ("shortNames", "dockerHub"),
        ("updates", "all"),
        ("templates", "ignore"),
        ("denialWarnings", "true"),
        ("denialHint", "ask"),
        ("messages", "{blocked-tag: no}"),
    ] {
        let yaml = format!("overrides: [{{name: o, {field}: {value}}}]");
        let json = compile(&full_form(&yaml)).unwrap().0.to_json();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut fields: Vec<&String> = json["overrides"][0].as_object().unwrap().keys().collect();
        fields.retain(|name| *name != "name");
        assert_eq!(fields, [field]);
    }
}

#[test]
fn a_field_that_no_override_has_is_a_problem() {
    assert_eq!(
        problems(&full_form("overrides: [{name: o, moode: warn}]")),
        "policy.yaml:1:23: overrides[0]: the field `moode` is not known\n  \
         hint: did you mean `mode`?"
    );
}

#[test]
fn an_item_of_the_simple_form_has_the_place_of_its_first_character() {
    let documents = volume([("ALLOWED_REGISTRIES", "docker.io,\n  https://gcr.io")]);
    let problems = problems(&documents);
    assert!(problems.starts_with("ALLOWED_REGISTRIES:2:3: `https://gcr.io`"), "{problems}");
}

#[test]
fn a_better_hint_takes_the_place_of_the_usual_one() {
    let problems = problems(&full_form("blockedTags: ['^v1']"));
    assert!(problems.contains("hint: write `v1*`, or `/v1.*/` for a regex"), "{problems}");
}

#[test]
fn a_star_may_stand_for_the_colon_of_a_service_account() {
    let exemption = |user: &str| {
        full_form(&format!(
            "exemptions: [{{name: e, images: [gcr.io], reason: r, users: ['{user}']}}]"
        ))
    };
    assert!(compile(&exemption("system:serviceaccount:ci*")).is_ok());
    assert!(problems(&exemption("system:serviceaccount:ci")).contains("can match no user"));
    assert_eq!(warnings(&exemption("^ci*")), Vec::<String>::new(), "a glob without `.*`");
}

#[test]
fn a_policy_may_be_as_large_as_a_volume_and_no_larger() {
    const LARGEST: usize = 4 << 20;
    let mut keys = volume([("policy.yaml", "mode: warn\n"), ("candidate.yaml", "mode: warn\n")]);
    for (more, fits) in [(0, true), (1, false)] {
        let text = keys.volume.as_mut().unwrap().get_mut("policy.yaml").unwrap();
        text.resize(LARGEST - "mode: warn\n".len() + more, b'\n');
        assert_eq!(compile(&keys).is_ok(), fits, "{more}");
        let candidate = compile_candidate(&keys).unwrap().unwrap().0.to_json();
        assert_eq!(candidate.contains(r#""mode":"warn""#), fits, "it is not read: {candidate}");
    }
}

#[test]
fn a_service_account_has_a_namespace_and_a_name() {
    for account in ["a", "/a", "ci/", "ci/a/b", "/"] {
        let exemption = "{name: e, images: [gcr.io], reason: r, serviceAccounts";
        let problems = problems(&full_form(&format!("exemptions: [{exemption}: ['{account}']}}]")));
        assert!(problems.contains(&format!("`{account}` is not a service account")), "{problems}");
    }
}

#[test]
fn a_candidate_is_compiled_apart_from_the_policy() {
    let documents = volume([("policy.yaml", "mode: warn"), ("candidate.yaml", "mode: wrong")]);
    assert!(compile(&documents).is_ok());
    let problems = compile_candidate(&documents).unwrap().unwrap_err().to_string();
    assert!(problems.starts_with("candidate.yaml:1:7: mode: `wrong` is not one of"), "{problems}");
    assert!(compile_candidate(&full_form("mode: warn")).is_none());
}

//! Entries of the allowed registries that have rules of their own: which entry decides, what it decides,
//! and what is said of it.

use crate::support::policy::{container, full_form, judge, message, pod_in, policy};
use imagegate_core::image::Reference;
use imagegate_core::policy::{Decision, Difference, Mode, Rule, Subject, Workload, compile};
use proptest::prelude::*;

const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The rule that an image breaks, and what follows.
fn broken(yaml: &str, image: &str) -> Option<(Rule, Mode)> {
    let policy = policy(yaml);
    let verdict = judge(&policy, image);
    verdict.violations.first().map(|violation| (violation.rule, violation.mode))
}

fn step(yaml: &str, image: &str) -> String {
    let explanation = policy(yaml).explain(&pod_in("default"), &container(image));
    let registry = explanation.steps.into_iter().find(|it| it.rule == Rule::UntrustedRegistry);
    registry.unwrap().detail
}

#[test]
fn the_most_specific_entry_decides() {
    let entry = |registry: &str| format!("{{registry: '{registry}', requireDigest: true}}");
    // In either order, the entry with rules decides only where it is the more specific one.
    let rows = [
        ("gcr.io/acme", "gcr.io", "gcr.io/acme/web:1", true),
        ("gcr.io/acme", "gcr.io", "gcr.io/other/web:1", false),
        ("gcr.io", "gcr.io/acme", "gcr.io/acme/web:1", false),
        ("gcr.io/acme/web", "gcr.io/acme", "gcr.io/acme/web/x:1", true),
        ("*.io/acme/web", "gcr.io/acme", "gcr.io/acme/web:1", true),
        ("gcr.io/acme", "*.io/acme", "gcr.io/acme/web:1", true),
        ("*.io/acme", "gcr.io/acme", "gcr.io/acme/web:1", false),
        ("*.io/acme", "gcr.io/*", "gcr.io/acme/web:1", false),
        ("gcr.io/acme", "gcr.io/*", "gcr.io/acme/web:1", true),
        ("gcr.io/acme-*", "gcr.io/a*", "gcr.io/acme-x/web:1", true),
        ("gcr.io/a*", "gcr.io/acme-*", "gcr.io/acme-x/web:1", false),
        ("gcr.io", "*", "gcr.io/acme/web:1", true),
        ("*.io", "/.*/", "gcr.io/acme/web:1", true),
        ("/.*/", "*", "gcr.io/acme/web:1", true),
        ("/.*/", "*.io", "gcr.io/acme/web:1", false),
        ("*", "gcr.io", "gcr.io/acme/web:1", false),
        ("GCR.io/acme", "gcr.io", "gcr.io/acme/web:1", true),
        ("gcr.io/acme/web:1", "gcr.io/acme/web", "gcr.io/acme/web:1", true),
        ("gcr.io/acme/web:1", "gcr.io/acme/web", "gcr.io/acme/web:2", false),
        ("gcr.io/acme/web:1", "gcr.io/acme/web:*", "gcr.io/acme/web:1", true),
        ("gcr.io/acme/web:*", "gcr.io/acme/web:1", "gcr.io/acme/web:1", false),
        ("gcr.io/acme/*:1", "gcr.io/acme/web", "gcr.io/acme/web:1", false),
    ];
    for (with_rules, plain, image, decides) in rows {
        let expected = decides.then_some((Rule::MissingDigest, Mode::Enforce));
        for list in
            [[entry(with_rules), format!("'{plain}'")], [format!("'{plain}'"), entry(with_rules)]]
        {
            let yaml = format!("allowedRegistries: [{}]", list.join(", "));
            assert_eq!(broken(&yaml, image), expected, "{yaml} on {image}");
        }
    }
}

#[test]
fn of_two_entries_that_are_as_specific_the_first_decides() {
    let first = "allowedRegistries: [{registry: 'a*.io', requireDigest: true}, '*b.io']";
    assert_eq!(broken(first, "ab.io/x:1").map(|(rule, _)| rule), Some(Rule::MissingDigest));
    let second = "allowedRegistries: ['*b.io', {registry: 'a*.io', requireDigest: true}]";
    assert_eq!(broken(second, "ab.io/x:1"), None);
}

#[test]
fn what_an_entry_leaves_out_comes_from_the_policy() {
    let yaml = "
allowedRegistries:
  - {registry: docker.io/library, requireDigest: true, reason: public}
  - {registry: gcr.io/dev, blockedTags: [], requireTag: false, mode: warn}
  - {registry: gcr.io/new, allowedTags: ['v*'], mode: audit}
  - gcr.io/acme
blockedTags: [latest]
overrides:
  - {name: strict, namespaces: [prod], blockedTags: [latest, edge], requireDigest: true}
  - {name: own, namespaces: [own], allowedRegistries: [{registry: gcr.io, allowedTags: [a]}]}
";
    let policy = policy(yaml);
    let enforced = |rule| Some((rule, Mode::Enforce));
    let rows = [
        ("default", "docker.io/nginx:1", enforced(Rule::MissingDigest)),
        ("default", "docker.io/nginx:latest", enforced(Rule::BlockedTag)),
        ("default", "docker.io/nginx", enforced(Rule::MissingTag)),
        ("default", "gcr.io/dev/a", None),
        ("default", "gcr.io/dev/a:latest", None),
        ("default", "gcr.io/new/a:1", Some((Rule::BlockedTag, Mode::Audit))),
        ("default", "gcr.io/new/a:v1", None),
        ("default", "gcr.io/new/a", Some((Rule::MissingTag, Mode::Audit))),
        ("default", "gcr.io/acme/a:latest", enforced(Rule::BlockedTag)),
        ("default", "gcr.io/other/a:1", enforced(Rule::UntrustedRegistry)),
        // An override keeps the entries, unless it has a list of its own.
        ("prod", "gcr.io/acme/a:edge", enforced(Rule::BlockedTag)),
        ("prod", "gcr.io/dev/a:edge", Some((Rule::MissingDigest, Mode::Warn))),
        ("own", "gcr.io/dev/a:b", enforced(Rule::BlockedTag)),
        ("own", "gcr.io/dev/a:a", None),
    ];
    for (namespace, image, expected) in rows {
        let verdict = policy.evaluate(&pod_in(namespace), &[container(image)]);
        let broken = verdict.violations.first().map(|it| (it.rule, it.mode));
        assert_eq!(broken, expected, "{image} in {namespace}");
    }
}

#[test]
fn an_entry_never_softens_what_is_said_of_a_registry_that_is_refused() {
    let yaml = "
allowedRegistries: [{registry: gcr.io, mode: audit, requireTag: false, blockedTags: []}]
blockedRegistries: [gcr.io/evil]
";
    let enforced = |rule| Some((rule, Mode::Enforce));
    assert_eq!(broken(yaml, "gcr.io/evil/a:1"), enforced(Rule::UntrustedRegistry));
    assert_eq!(broken(yaml, "gcr.io/evil/a"), enforced(Rule::MissingTag));
    assert_eq!(broken(yaml, "quay.io/a:1"), enforced(Rule::UntrustedRegistry));
    let short = "allowedRegistries: [{registry: docker.io, mode: audit}]";
    assert_eq!(broken(short, "nginx:1"), enforced(Rule::UntrustedRegistry));
    let read = format!("{short}\nshortNames: dockerHub");
    assert_eq!(broken(&read, "nginx:latest"), Some((Rule::BlockedTag, Mode::Audit)));
}

#[test]
fn an_image_fares_no_better_for_being_refused() {
    let entry = "mode: warn\nshortNames: dockerHub\nallowedRegistries: [{registry: gcr.io, mode: enforce}, \
                 {registry: docker.io, mode: enforce, allowedTags: ['1']}]\n";
    let blocked = format!("{entry}blockedRegistries: [gcr.io/acme]\n");
    let unnamed = entry.replace("dockerHub", "deny");
    let rows = [
        (entry, "gcr.io/acme/b", Rule::MissingTag, Mode::Enforce),
        (&blocked, "gcr.io/acme/b:1", Rule::UntrustedRegistry, Mode::Enforce),
        (&blocked, "quay.io/acme/b:1", Rule::UntrustedRegistry, Mode::Warn),
        (entry, "nginx:2", Rule::BlockedTag, Mode::Enforce),
        (&unnamed, "nginx:2", Rule::UntrustedRegistry, Mode::Enforce),
    ];
    for (yaml, image, rule, mode) in rows {
        assert_eq!(broken(yaml, image), Some((rule, mode)), "{yaml} {image}");
    }
    // The rules of the entry hold where an exemption accepts the registry.
    let exempt = "allowedRegistries: [{registry: gcr.io, requireDigest: true}]\nblockedRegistries: [gcr.io/acme]\n\
                  exemptions: [{name: e, images: [gcr.io/acme], rules: [untrusted-registry], reason: r}]\n";
    assert_eq!(broken(exempt, "gcr.io/acme/b:1"), Some((Rule::MissingDigest, Mode::Enforce)));
}

#[test]
fn messages_name_the_list_that_decided() {
    let policy = policy(
        "allowedRegistries: [{registry: docker.io/library, blockedTags: [edge]}, \
         {registry: gcr.io, allowedTags: ['v*', 'w*']}]",
    );
    for (image, expected) in [
        ("docker.io/nginx:edge", "These tags \"edge\" are prohibited."),
        ("gcr.io/a:1", "Only the tags \"v*,w*\" are allowed."),
        ("gcr.io/a:latest", "These tags \"staging,latest\" are prohibited."),
        ("quay.io/a:1", "Only images from docker.io/library,gcr.io are allowed."),
    ] {
        let message = message(&policy, image).unwrap();
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn an_explanation_names_the_entry_that_decides() {
    let yaml = "allowedRegistries: [gcr.io, \
                {registry: gcr.io/a, mode: warn, requireDigest: true, reason: \"not ours\\n\"}, \
                {registry: gcr.io/b, reason: INC-1}]";
    for (image, expected) in [
        ("gcr.io/a/x:1", "`gcr.io/a` covers it and sets mode, requireDigest: not ours"),
        ("gcr.io/b/x:1", "`gcr.io/b` covers it: INC-1"),
        ("gcr.io/c/x:1", "`gcr.io` covers it"),
    ] {
        assert_eq!(step(yaml, image), expected);
    }
}

#[test]
fn a_request_is_refused_by_its_strictest_violation_alone() {
    let policy = policy("allowedRegistries: [docker.io, {registry: gcr.io, mode: warn}]");
    let judge = |images: &[&str]| {
        let images: Vec<_> = images.iter().map(|image| container(image)).collect();
        let verdict = policy.evaluate(&pod_in("default"), &images);
        let modes: Vec<_> = verdict.violations.iter().map(|it| it.mode).collect();
        (verdict.decision, verdict.mode, modes)
    };
    let (warned, refused) = ("gcr.io/a:latest", "docker.io/a:latest");
    assert_eq!(judge(&[warned]), (Decision::Allow, Mode::Warn, vec![Mode::Warn]));
    assert_eq!(
        judge(&[warned, refused]),
        (Decision::Deny, Mode::Enforce, vec![Mode::Warn, Mode::Enforce])
    );
    assert_eq!(judge(&["gcr.io/a:1"]), (Decision::Allow, Mode::Enforce, vec![]));
    // However many others there are, the reason for a denial is among what is described.
    let many = [vec![warned; 40], vec![refused]].concat();
    let (decision, mode, modes) = judge(&many);
    assert_eq!((decision, mode, modes.len()), (Decision::Deny, Mode::Enforce, 32));
    assert_eq!(modes.last(), Some(&Mode::Enforce));
    let template = Subject { workload: Workload::Template, ..pod_in("default") };
    assert_eq!(policy.evaluate(&template, &[container(refused)]).mode, Mode::Warn);
}

#[test]
fn an_entry_may_be_stricter_than_the_policy() {
    let yaml = "mode: warn\nallowedRegistries: [docker.io, {registry: gcr.io, mode: enforce}]";
    assert_eq!(broken(yaml, "gcr.io/a:latest"), Some((Rule::BlockedTag, Mode::Enforce)));
    assert_eq!(broken(yaml, "docker.io/a:latest"), Some((Rule::BlockedTag, Mode::Warn)));
    let policy = policy(yaml);
    let template = Subject { workload: Workload::Template, ..pod_in("default") };
    let verdict = policy.evaluate(&template, &[container("gcr.io/a:latest")]);
    assert_eq!((verdict.decision, verdict.mode), (Decision::Allow, Mode::Warn));
}

#[test]
fn exemptions_lift_the_rules_of_an_entry_too() {
    let yaml = "allowedRegistries: [{registry: gcr.io, requireDigest: true}]\n\
                exemptions: [{name: e, images: [gcr.io/a], rules: [missing-digest], reason: r}]";
    assert_eq!(broken(yaml, "gcr.io/a:1"), None);
    assert_eq!(broken(yaml, "gcr.io/a:latest"), Some((Rule::BlockedTag, Mode::Enforce)));
    assert_eq!(broken(yaml, "gcr.io/b:1"), Some((Rule::MissingDigest, Mode::Enforce)));
}

#[test]
fn problems_of_an_entry_have_their_place() {
    let rows = [
        (
            "[{mode: warn}]",
            "1:21: allowedRegistries[0]: the entry names no registry\n  hint: write `registry: gcr.io/acme` beside its rules",
        ),
        (
            "[a.b, {registry: gcr.io, moode: warn}]",
            "1:45: allowedRegistries[1]: the field `moode` is not known\n  hint: did you mean `mode`?",
        ),
        ("[{registry: [a.b]}]", "allowedRegistries[0].registry: expected a text, found a list"),
        ("[{registry: gcr.io, mode: wran}]", "allowedRegistries[0].mode: `wran` is not one of"),
        (
            "[{registry: gcr.io, blockedTags: ['a b']}]",
            "allowedRegistries[0].blockedTags[0]: `a b` is not a tag",
        ),
        (
            "[{registry: gcr.io, requireDigest: 1}]",
            "allowedRegistries[0].requireDigest: `1` is not one of `true`, `false`",
        ),
        ("[{registry: acme, mode: warn}]", "1:32: allowedRegistries[0]: `acme` can match no image"),
        ("[[a.b]]", "allowedRegistries[0]: expected a text or a mapping, found a list"),
        (
            "[gcr.io, {registry: gcr.io, mode: warn}]",
            "1:21: allowedRegistries[0]: `gcr.io` has two entries\n  hint: write all rules of a registry into one entry",
        ),
        (
            "[{registry: gcr.io, mode: audit}, {registry: 'GCR.io:443', requireDigest: true}]",
            "`GCR.io:443` has two entries",
        ),
        (
            "[index.docker.io, {registry: docker.io, mode: warn}]",
            "`index.docker.io` has two entries",
        ),
    ];
    for (list, expected) in rows {
        for yaml in [
            format!("allowedRegistries: {list}"),
            format!("overrides: [{{name: o, allowedRegistries: {list}}}]"),
        ] {
            let problems = compile(&full_form(&yaml)).unwrap_err().to_string();
            // In an override, the same entry stands at another column.
            let expected = match expected.split_once(": ") {
                Some((place, rest)) if yaml.starts_with('o') && place.starts_with('1') => rest,
                _ => expected,
            };
            assert!(problems.contains(expected), "{yaml}\n{problems}\n{expected}");
        }
    }
}

#[test]
fn an_entry_that_contradicts_itself_is_warned_about() {
    let warnings = |yaml: &str| {
        let (_, warnings) = compile(&full_form(yaml)).unwrap();
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let [warning] = &warnings("allowedRegistries: [{registry: gcr.io, requireTag: false}]")[..]
    else {
        panic!("one warning");
    };
    assert!(warning.contains("allowedRegistries[0].requireTag: an image without a tag is refused"));
    let fine = "allowedRegistries: [{registry: gcr.io, requireTag: false, blockedTags: []}]";
    assert!(warnings(fine).is_empty());
}

#[test]
fn an_entry_that_is_only_a_registry_is_its_pattern() {
    let form = |yaml: &str| policy(yaml).to_json();
    assert_eq!(
        form("allowedRegistries: [{registry: gcr.io}]"),
        form("allowedRegistries: [gcr.io]")
    );
    let json = form(
        "allowedRegistries: [docker.io, {registry: gcr.io, requireTag: true, mode: warn, \
         blockedTags: [a], allowedTags: [], requireDigest: false, reason: r}]",
    );
    let expected = r#""allowedRegistries":["docker.io",{"allowedTags":[],"blockedTags":["a"],"mode":"warn","reason":"r","registry":"gcr.io","requireDigest":false,"requireTag":true}]"#;
    assert!(json.contains(expected), "{json}");
}

#[test]
fn changes_of_entries_are_said_in_words() {
    let with = |fields: &str| {
        format!("allowedRegistries: [docker.io, {{registry: gcr.io/a{fields}}}, gcr.io]")
    };
    let rows = [
        (
            with(""),
            with(", requireDigest: true"),
            "allowedRegistries[gcr.io/a].requireDigest: false → true",
            false,
        ),
        (
            with(", requireDigest: true"),
            with(""),
            "allowedRegistries[gcr.io/a].requireDigest: true → false",
            true,
        ),
        (
            with(", mode: warn"),
            with(", mode: audit"),
            "allowedRegistries[gcr.io/a].mode: warn → audit",
            true,
        ),
        (
            with(", reason: a"),
            with(", reason: b"),
            "allowedRegistries[gcr.io/a].reason: a → b",
            false,
        ),
        (
            with(""),
            with(", blockedTags: [latest]"),
            "allowedRegistries[gcr.io/a].blockedTags: -staging",
            true,
        ),
        (
            with(", allowedTags: [a]"),
            with(", allowedTags: [a, b]"),
            "allowedRegistries[gcr.io/a].allowedTags: +b",
            true,
        ),
        (
            with(", requireDigest: true"),
            "allowedRegistries: [docker.io, gcr.io]".to_owned(),
            "allowedRegistries[gcr.io/a].requireDigest: true → false; allowedRegistries: -gcr.io/a",
            true,
        ),
        // What is taken away may fall to an entry that is less strict.
        (
            "allowedRegistries: [{registry: gcr.io, mode: warn}, gcr.io/a]".to_owned(),
            "allowedRegistries: [{registry: gcr.io, mode: warn}]".to_owned(),
            "allowedRegistries: -gcr.io/a",
            true,
        ),
        (
            format!("overrides: [{{name: o, {}}}]", with("")),
            format!(
                "overrides: [{{name: o, requireDigest: true, {}}}]",
                with(", requireDigest: false")
            ),
            "overrides[o].requireDigest: false → true",
            false,
        ),
    ];
    for (old, new, expected, loosens) in rows {
        let difference = Difference::between(&policy(&old), &policy(&new));
        assert_eq!(difference.to_string(), expected, "{old} => {new}");
        assert_eq!(difference.loosens, loosens, "{old} => {new}");
    }
}

#[test]
fn ten_thousand_entries_are_found_as_ten_are() {
    let entry = |n: usize| format!("- {{registry: gcr.io/team-{n}, allowedTags: [t{n}]}}\n");
    let entries: String = (0..10_000).map(entry).collect();
    let policy = policy(&format!("allowedRegistries:\n{entries}"));
    for n in [0, 1, 4_999, 9_999] {
        assert!(judge(&policy, &format!("gcr.io/team-{n}/a:t{n}")).violations.is_empty(), "{n}");
        let other = judge(&policy, &format!("gcr.io/team-{n}/a:t{}", n + 1));
        assert_eq!(other.violations[0].rule, Rule::BlockedTag, "{n}");
    }
}

/// A pattern with what the documentation says of how specific it is.
fn ranked() -> impl Strategy<Value = (String, Vec<usize>)> {
    let host = prop_oneof![Just("a.io"), Just("*.io"), Just("a*.io")];
    let path = prop_oneof![Just(""), Just("/a"), Just("/*"), Just("/a/b"), Just("/a/*")];
    (host, path).prop_map(|(host, path)| {
        let pattern = format!("{host}{path}");
        let literals = pattern.chars().filter(|c| *c != '*' && *c != '/').count();
        let exact = |text: &str| usize::from(!text.contains('*'));
        (pattern, vec![path.matches('/').count(), exact(host), exact(path), literals])
    })
}

proptest! {
    /// The model: of the entries that cover the image alone, the most specific one, and the first of
    /// several; a policy without entries that says what this one does.
    #[test]
    fn an_image_is_judged_as_by_a_policy_that_says_what_its_entry_does(
        entries in proptest::collection::vec((ranked(), 0..4_usize), 1..6),
        image in "[ab][.]io/[ab]{1}(/[ab]){0,2}",
        tail in prop_oneof![Just(""), Just(":1"), Just(":latest"), Just(DIGEST)],
        base in prop_oneof![Just(""), Just("requireTag: false\n"), Just("requireDigest: true\n")],
    ) {
        const RULES: [&str; 4] = ["", "requireDigest: true", "blockedTags: []", "mode: warn, requireTag: false"];
        let mut unique: Vec<((String, Vec<usize>), usize)> = Vec::new();
        for entry in entries {
            if unique.iter().all(|((known, _), _)| *known != entry.0.0) {
                unique.push(entry);
            }
        }
        let entries = unique.iter().map(|((pattern, _), rules)| match RULES[*rules] {
            "" => format!("- '{pattern}'\n"),
            rules => format!("- {{registry: '{pattern}', {rules}}}\n"),
        });
        let yaml = format!("{base}allowedRegistries:\n{}", entries.collect::<String>());
        let image = format!("{image}{tail}");
        prop_assume!(Reference::parse(&image).is_ok());
        let covers = |pattern: &str| {
            let alone = policy(&format!("allowedRegistries: ['{pattern}']"));
            let steps = alone.explain(&pod_in("default"), &container(&image)).steps;
            steps.iter().any(|step| step.rule == Rule::UntrustedRegistry && step.passed)
        };
        let covering = unique.iter().enumerate().filter(|(_, ((pattern, _), _))| covers(pattern));
        let decides = covering.max_by_key(|(at, ((_, rank), _))| (rank.clone(), std::cmp::Reverse(*at)));
        let model = match decides {
            None => format!("{base}allowedRegistries: [other.example]\n"),
            Some((_, (_, rules))) => {
                let rules = RULES[*rules].replace(", ", "\n");
                let base = if rules.contains("requireTag") { base.replace("requireTag: false\n", "") } else { base.to_owned() };
                let base = if rules.contains("requireDigest") { base.replace("requireDigest: true\n", "") } else { base };
                format!("{base}allowedRegistries: ['*']\n{rules}\n")
            }
        };
        prop_assert_eq!(broken(&yaml, &image), broken(&model, &image), "{}\n{}", yaml, model);
    }
}

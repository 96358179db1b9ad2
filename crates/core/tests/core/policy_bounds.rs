//! What a policy may cost: its documents and what they come to are bounded before they are paid for.

use crate::support::policy::{container, full_form, pod_in};
use allocation_counter::measure;
use imagegate_core::policy::{Difference, Documents, Policy, Problems, compile};

/// A sixteenth of what the API server takes in a ConfigMap, so that the test is done soon.
const LENGTH: usize = 1 << 16;
/// What compiling a policy may take, in times the length of its document, besides its regexes.
const MOST_TO_COMPILE: usize = 64;
/// What a compiled policy may keep, likewise.
const MOST_KEPT: usize = 32;
/// What regexes may take besides, of any policy: to compile, kept, and for each thread that matches.
const REGEXES: [usize; 3] = [12 << 20, 8 << 20, 8 << 20];

/// Repeats items, numbered in base 36, up to a size.
fn filled(head: &str, tail: &str, item: impl Fn(&str) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0_u32.. {
        let item = item(&base_36(number));
        if text.len() + item.len() + tail.len() > LENGTH {
            break;
        }
        text.push_str(&item);
    }
    text + tail
}

fn base_36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).unwrap());
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// Compiles a document, and what it took and kept.
fn compiled(text: &str) -> (Result<Policy, Problems>, usize, usize) {
    let documents = full_form(text);
    let mut result = None;
    let cost = measure(|| result = Some(compile(&documents)));
    let bytes = |count: i64| usize::try_from(count).unwrap_or_default();
    let kept = bytes(cost.bytes_current);
    let taken = usize::try_from(cost.bytes_max).unwrap();
    (result.unwrap().map(|(policy, _)| policy), taken, kept)
}

#[test]
fn a_policy_takes_no_more_than_a_multiple_of_its_document() {
    let list =
        |field: &str, item: &dyn Fn(&str) -> String| filled(&format!("{field}: ["), "]", item);
    let exemption = |field: &str, item: &dyn Fn(&str) -> String| {
        let head = format!("exemptions: [{{name: a, images: ['*'], reason: r, {field}: [");
        filled(&head, "]}]", item)
    };
    let overrides = |fields: &dyn Fn(&str) -> String| {
        filled("overrides:\n", "", |n| format!("- {{name: a{n},{}}}\n", fields(n)))
    };
    let half = filled("", "", |n| format!("{n},")).split_off(LENGTH / 2);
    let nested = format!("{}{half}{}", "&a [".repeat(30), "]".repeat(30));
    let reason = "exemptions: [{name: a, images: ['*'], reason: \"x";
    let rows = [
        ("equal tags", list("blockedTags", &|_| "a,".into())),
        ("tags", list("blockedTags", &|n| format!("{n},"))),
        ("tags in a block", filled("blockedTags:\n", "", |n| format!("- {n}\n"))),
        ("escaped tags", list("blockedTags", &|n| format!("\"\\x41{n}\","))),
        ("numbers", list("blockedTags", &|_| "1e308,".into())),
        ("globs", list("blockedTags", &|n| format!("{n}*,"))),
        ("globs that are scanned", list("allowedTags", &|n| format!("'*{n}*',"))),
        (
            "ranges",
            list("blockedTags", &|n| format!("semver:={},", u32::from_str_radix(n, 36).unwrap())),
        ),
        ("hosts", list("allowedRegistries", &|n| format!("{n}.a,"))),
        ("hosts that are none", list("allowedRegistries", &|n| format!("{n},"))),
        ("paths", list("allowedRegistries", &|n| format!("{n}.a/b,"))),
        ("paths of globs", list("allowedRegistries", &|n| format!("{n}*/b,"))),
        ("entries", list("allowedRegistries", &|n| format!("{{registry: {n}.a,mode: warn}},"))),
        (
            "entries with lists",
            list("allowedRegistries", &|n| format!("{{registry: a.a/{n},blockedTags: [{n}]}},")),
        ),
        (
            "hosts beside an entry",
            filled("allowedRegistries: [{registry: a.b,mode: warn},", "]", |n| format!("{n}.a,")),
        ),
        ("entries without a registry", list("allowedRegistries", &|_| "{mode: a},".into())),
        ("images of one repository", list("allowedRegistries", &|n| format!("a.a/b:{n},"))),
        ("images", list("allowedRegistries", &|n| format!("a.a/{n}:1,"))),
        ("images of globs", list("blockedRegistries", &|n| format!("{n}*/b:1,"))),
        ("versions of images", list("blockedRegistries", &|n| format!("a.a/{n}:semver:^1,"))),
        ("empty lists", list("blockedTags", &|_| "[],".into())),
        ("nothing", list("blockedTags", &|_| "~,".into())),
        ("what is no tag", list("blockedTags", &|_| "~a,".into())),
        ("keys", filled("{", "}", |n| format!("{n},"))),
        ("empty mappings", list("overrides", &|_| "{},".into())),
        ("mappings", list("exemptions", &|_| "{a},".into())),
        (
            "overrides with lists",
            overrides(&|n| {
                format!(
                    "allowedRegistries: [a.{n}],blockedRegistries: [b.{n}],\
                     blockedTags: [{n}],allowedTags: [{n}]"
                )
            }),
        ),
        ("overrides with namespaces", overrides(&|n| format!("namespaces: [{n}*]"))),
        (
            "namespaces of an override",
            filled("overrides: [{name: a, namespaces: [", "]}]", |n| format!("{n}*,")),
        ),
        ("users", exemption("users", &|n| format!("{n}*,"))),
        ("service accounts", exemption("serviceAccounts", &|n| format!("a/{n},"))),
        ("a long reason", filled(reason, "\"}]", |_| "\\x01".into())),
        ("who may opt out", filled("namespaceOptOut: {users: [", "]}", |n| format!("{n},"))),
        ("anchors", list("blockedTags", &|_| "&a a,".into())),
        ("anchors in each other", nested),
        ("an alias", format!("blockedTags: &a [{half}]\nallowedTags: *a")),
    ];
    let default = crate::support::policy::default_policy();
    for (what, text) in rows {
        let (policy, taken, kept) = compiled(&text);
        println!("{what}: {} times, kept {} times", taken / text.len(), kept / text.len());
        assert!(taken <= MOST_TO_COMPILE * text.len(), "{what}: {taken} of {}", text.len());
        assert!(kept <= MOST_KEPT * text.len(), "{what}: {kept} of {}", text.len());
        if let Ok(policy) = policy {
            let compared = measure(|| drop(Difference::between(&default, &policy))).bytes_max;
            assert!(compared <= (MOST_TO_COMPILE * text.len()) as u64, "{what}: {compared}");
        }
    }
}

#[test]
fn a_policy_may_have_many_regexes_but_not_any_number() {
    let list = |field: &str, count: usize, from: usize| {
        let regexes = (from..from + count).map(|n| format!("'/v{n}-[0-9]+(-rc[0-9]*)?/'"));
        format!("{field}: [{}]", regexes.collect::<Vec<_>>().join(","))
    };
    let override_of = |n: usize, list: String| format!("- {{name: o{n}, {list}}}\n");
    let equal: String = (0..60).map(|n| override_of(n, list("blockedTags", 100, 0))).collect();
    assert!(compiled(&format!("overrides:\n{equal}")).0.is_ok(), "equal lists count once");

    let bomb: String =
        (0..40).map(|n| override_of(n, list("blockedTags", 1_000, n * 1_000))).collect();
    let spread: String = (0..1_001).map(|n| override_of(n, list("allowedTags", 1, n))).collect();
    let exempt = (0..1_000).map(|n| format!("- {{name: e{n}, reason: r, images: ['/a{n}/']}}\n"));
    let rows = [
        (format!("overrides:\n{bomb}"), "overrides[1].blockedTags"),
        (format!("overrides:\n{spread}"), "overrides[1000].allowedTags"),
        (list("blockedTags", 1_001, 0), "blockedTags"),
        (
            format!("blockedTags: ['/a/']\nexemptions:\n{}", exempt.collect::<String>()),
            "exemptions[999].images",
        ),
    ];
    for (text, path) in rows {
        let (policy, taken, _) = compiled(&text);
        let Problems(problems) = policy.unwrap_err();
        let said: Vec<_> = problems.iter().map(|it| (it.path.as_str(), &*it.message)).collect();
        assert_eq!(said, [(path, "more than the 1000 regexes that a policy may have")]);
        assert!(taken <= MOST_TO_COMPILE * text.len() + REGEXES[0], "{taken} of {}", text.len());
    }
}

/// Regexes whose machines remember as much as they may, on texts that make them.
#[test]
fn regexes_are_bounded_by_what_they_come_to() {
    let many = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(",")
    };
    let exempt =
        |n: usize| format!("{{name: e{n}, reason: r, images: ['/[^:]*a[ab]{{60}}[bc]{{{n}}}/']}}");
    let each = |n: usize| {
        format!(
            "{{name: o{n}, namespaces: [n{n}], blockedTags: ['/[ab]*a[ab]{{60}}([bc]{{{n}}})?/']}}"
        )
    };
    let rows = [
        (
            "usual",
            format!(
                "allowedRegistries: [{}]",
                many(1000, &|n| format!("'/[a-z0-9-]+[.]r{n}[.]example[.]com/team-[0-9]+/.*/'"))
            ),
            true,
        ),
        (
            "long",
            format!("blockedTags: [{}]", many(6, &|n| format!("'/a{n}([a-z]{{4000}})?/'"))),
            true,
        ),
        (
            "long and many",
            format!("blockedTags: [{}]", many(16, &|n| format!("'/a{n}([a-z]{{4000}})?/'"))),
            false,
        ),
        ("too long", "blockedTags: ['/a0([a-z]{9000})?/']".to_owned(), false),
        ("nested", "blockedTags: ['/((((a{100}){100}){100}){100}){100}/']".to_owned(), false),
        ("gaps", format!("blockedTags: [{}]", many(270, &|n| format!("'/.*a{n}.{{90}}b/'"))), true),
        (
            "exponential",
            format!(
                "blockedTags: [{}]",
                many(180, &|n| format!("'/[ab]*a[ab]{{60}}([bc]{{{n}}})?/'"))
            ),
            true,
        ),
        ("lists", format!("overrides: [{}]", many(180, &each)), true),
        ("exemptions", format!("requireDigest: true\nexemptions: [{}]", many(180, &exempt)), true),
        (
            "characters",
            format!("blockedTags: [{}]", many(20, &|n| format!("'/(?u)a{n}[^a]{{50}}/'"))),
            true,
        ),
        (
            "choices",
            format!(
                "blockedTags: [{}]",
                many(99, &|n| format!(
                    "'/({})x{n}/'",
                    many(100, &|m| format!("a{m}")).replace(',', "|")
                ))
            ),
            true,
        ),
    ];
    for (what, text, accepted) in rows {
        let (policy, taken, kept) = compiled(&text);
        assert_eq!(policy.is_ok(), accepted, "{what}: {:?}", policy.err());
        assert!(taken <= MOST_TO_COMPILE * text.len() + REGEXES[0], "{what}: {taken}");
        assert!(kept <= MOST_KEPT * text.len() + REGEXES[1], "{what}: {kept}");
        let remembered = policy.map_or(0, |policy| remembered(&policy));
        println!("{what}: taken {taken}, kept {kept}, remembered {remembered}");
        assert!(remembered <= REGEXES[2], "{what}: {remembered}");
    }
}

/// What a policy remembers of many images that are like none before.
fn remembered(policy: &Policy) -> usize {
    let mut state = 1_u64;
    let mut letters = || {
        let mut letter = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if state >> 63 == 0 { 'a' } else { 'b' }
        };
        (0..120).map(|_| letter()).collect::<String>()
    };
    let cost = measure(|| {
        for number in 0..200 {
            let (image, namespace) =
                (format!("docker.io/x/{}:{}", letters(), letters()), format!("n{}", number % 180));
            drop(policy.evaluate(&pod_in(&namespace), &[container(&image)]));
        }
    });
    usize::try_from(cost.bytes_current).unwrap()
}

#[test]
fn an_alias_bomb_is_refused_at_its_line() {
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","));
    let bomb =
        format!("a0: &a0 [{}]\n{}", "aaaa,".repeat(9), (1..17).map(level).collect::<String>());
    let (policy, taken, _) = compiled(&bomb);
    let Problems(problems) = policy.unwrap_err();
    assert!(taken < 1 << 20, "{taken}");
    assert_eq!(
        problems[0].to_string(),
        "policy.yaml:5:10: the aliases up to here stand for more than the whole document\n  \
         hint: write fewer of them, or put the list into the base"
    );
}

#[test]
fn a_document_larger_than_any_volume_is_refused_unread() {
    let documents: Documents = full_form(&"#".repeat((4 << 20) + 1));
    let problems = compile(&documents).unwrap_err().to_string();
    assert_eq!(problems, "policy: the policy is larger than 4 MiB");
}

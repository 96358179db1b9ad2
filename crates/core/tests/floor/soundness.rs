//! The floor of a policy never refuses what the policy admits, and says what it leaves to the gate.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::Command;

use imagegate_core::admission::Review;
use imagegate_core::policy::{Decision, Extent, Floor, Policy, Rule};
use serde_json::{Value, json};

use crate::evaluation::Evaluation;
use crate::requests::{Generator, NOW, policies};
use crate::skip::{Need, skip};
use crate::support::policy::policy;

/// How many requests there are; `make floor` asks for more.
const REQUESTS: usize = 2_000;

/// Where the requests and what was said of them are written, unless a variable names another file.
const CORPUS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/floor.jsonl");

fn floor(policy: &Policy) -> Floor {
    policy.floor(NOW, None).unwrap()
}

fn create(kind: &str, spec: &Value) -> Value {
    let object = if kind == "Pod" {
        json!({"spec": spec})
    } else {
        json!({"spec": {"template": {"spec": spec}}})
    };
    let group = if kind == "Pod" { "" } else { "apps" };
    json!({
        "kind": {"group": group, "version": "v1", "kind": kind},
        "operation": "CREATE",
        "namespace": "default",
        "userInfo": {"username": "jane", "groups": ["dev"]},
        "object": object,
    })
}

fn of_image(image: &str) -> Value {
    create("Pod", &json!({"containers": [{"name": "nginx", "image": image}]}))
}

/// What the gate says of a request, a second or a year after the floor was made.
fn gate<'p>(policy: &'p Policy, request: &Value, now: i64) -> imagegate_core::policy::Verdict<'p> {
    let review =
        json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request});
    let review = serde_json::to_vec(&review).unwrap();
    Review::parse_with(&review, policy.reading()).unwrap().judge(policy, None, now)
}

#[test]
fn a_floor_never_refuses_what_the_policy_admits() {
    let wanted = std::env::var("IMAGEGATE_FLOOR_REQUESTS").ok();
    let wanted = wanted.map_or(REQUESTS, |wanted| wanted.parse().unwrap());
    // Other requests by another number, so that several processes can share the work.
    let seed = std::env::var("IMAGEGATE_FLOOR_SEED").map_or(1, |seed| seed.parse::<u64>().unwrap());
    let path = std::env::var_os("IMAGEGATE_FLOOR_CORPUS").unwrap_or_else(|| CORPUS.into());
    let mut corpus = BufWriter::new(File::create(&path).unwrap());
    let policies = policies();
    let mut table = String::from(
        "| policy | requests | refused by the gate | by the floor too |\n|---|---|---|---|\n",
    );
    let (mut contradictions, mut other_words) = (Vec::new(), Vec::new());
    let (mut all_denied, mut all_caught) = (0, 0);
    for (index, (name, policy)) in policies.iter().enumerate() {
        let floor = floor(policy);
        let evaluation = Evaluation::new(&floor);
        let words = policy.to_json();
        let has_unsayable_words =
            ["{registry}", "{repository}", "{tag}"].iter().any(|name| words.contains(name));
        let expressions = json!({"variables": floor.variables, "validations": floor.validations});
        writeln!(corpus, "{expressions}").unwrap();
        let mut generator = Generator::new(seed * 1_000 + index as u64);
        let count = wanted / policies.len() + usize::from(index < wanted % policies.len());
        let (mut denied, mut caught) = (0, 0);
        for _ in 0..count {
            let request = generator.request();
            let later = if generator.below(4) == 0 { 31_536_000 } else { 1 };
            let verdict = gate(policy, &request, NOW + later);
            let is_denied = verdict.decision == Decision::Deny;
            let refusal = evaluation.refusal(&request);
            denied += usize::from(is_denied);
            match &refusal {
                Some((rule, message)) if !is_denied => {
                    contradictions.push(format!("{name}: {rule:?} {message}\n{request:#}"));
                }
                Some((rule, message)) => {
                    caught += 1;
                    // Why something is no reference no expression can say; and where the floor leaves a
                    // rule to the gate, or one of two lists of tags or registries, it goes on to the next.
                    let mut same = verdict.violations.iter().filter(|violation| {
                        violation.rule == *rule
                            && message.contains(&format!("({})", violation.image))
                    });
                    let is_said = *rule == Rule::InvalidReference
                        || same.clone().next().is_none()
                        || same.any(|violation| {
                            let by_the_other_list = has_two_lists(*rule)
                                && first_sentence(&violation.message) == first_sentence(message);
                            by_the_other_list || violation.message.starts_with(message)
                        });
                    if !is_said && !has_unsayable_words {
                        let said = &verdict.violations;
                        other_words.push(format!("{name}: {message}\n{said:?}"));
                    }
                }
                None => {}
            }
            let refused = refusal.map(|(_, message)| message);
            let row = json!({"request": request, "denied": is_denied, "refused": refused});
            writeln!(corpus, "{row}").unwrap();
        }
        let _ = writeln!(table, "| {name} | {count} | {denied} | {} |", share(caught, denied));
        all_denied += denied;
        all_caught += caught;
    }
    let _ =
        writeln!(table, "| all | {wanted} | {all_denied} | {} |", share(all_caught, all_denied));
    println!("{table}\n{} contradictions", contradictions.len());
    assert!(contradictions.is_empty(), "{}\n{}", contradictions.len(), contradictions[0]);
    assert!(other_words.is_empty(), "{}\n{}", other_words.len(), other_words[0]);
    // Fewer would say that a rule has been lost.
    assert!(all_caught * 100 >= all_denied * 85, "{all_caught} of {all_denied}");
    corpus.flush().unwrap();
    // That one is slow: the first request of each policy.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/deploy/floor.py");
    let ran = Command::new(script).arg(path).arg("1").output().unwrap();
    match ran.status.code() {
        Some(0) => {}
        Some(77 | 127) => skip("floor::by_cel_python", Need::CelPython),
        _ => panic!(
            "{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        ),
    }
}

fn has_two_lists(rule: Rule) -> bool {
    matches!(rule, Rule::BlockedTag | Rule::UntrustedRegistry)
}

fn first_sentence(message: &str) -> Option<&str> {
    message.split_once("). ").map(|(first, _)| first)
}

fn share(part: usize, whole: usize) -> String {
    match (part * 1000).checked_div(whole) {
        Some(share) => format!("{part} ({}.{} %)", share / 10, share % 10),
        None => "none".to_owned(),
    }
}

#[test]
fn the_policy_that_says_nothing_is_held_to_the_letter() {
    let policy = policy("{}");
    let floor = floor(&policy);
    let evaluation = Evaluation::new(&floor);
    let long = format!("gcr.io/{}:1", "a".repeat(256));
    for (image, expected) in [
        ("docker.io/library/nginx:1.27", None),
        ("index.docker.io/nginx:1.27", None),
        ("GCR.io:0443/acme/web:1", None),
        (
            "docker.io/nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            None,
        ),
        // Left to the gate.
        (long.as_str(), None),
        ("nginx", Some("nginx image has no tag! (nginx). Only images with tags are allowed.")),
        (
            "nginx:latest",
            Some(
                "nginx image comes from an untrusted registry! (nginx:latest). Only images from docker.io,gcr.io are allowed.",
            ),
        ),
        (
            "docker.io/nginx:latest",
            Some(
                "nginx image has a non-allowed tag! (docker.io/nginx:latest). These tags \"staging,latest\" are prohibited.",
            ),
        ),
        (
            "gcr.io:5000/acme/web:1",
            Some(
                "nginx image comes from an untrusted registry! (gcr.io:5000/acme/web:1). Only images from docker.io,gcr.io are allowed.",
            ),
        ),
        ("a b", Some("nginx image is not a valid reference! (a b).")),
        ("sha256:e3", Some("nginx image is not a valid reference! (sha256:e3).")),
    ] {
        let refusal = evaluation.refusal(&of_image(image)).map(|(_, message)| message);
        assert_eq!(refusal.as_deref(), expected, "{image}");
    }
    assert_eq!(floor.hash, policy.hash());
    assert!(!floor.judges_templates);
}

#[test]
fn each_list_of_images_is_looked_at() {
    let evaluation = Evaluation::new(&floor(&policy("templates: enforce")));
    let fine = json!([{"name": "a", "image": "gcr.io/a:1"}]);
    let bad = json!([{"name": "b", "image": "evil.example/a:1"}]);
    for spec in [
        json!({"containers": bad}),
        json!({"containers": fine, "initContainers": bad}),
        json!({"containers": fine, "ephemeralContainers": bad}),
        json!({"containers": fine, "volumes": [{"name": "v", "image": {"reference": "evil.example/a:1"}}]}),
    ] {
        for kind in ["Pod", "Deployment"] {
            let refusal = evaluation.refusal(&create(kind, &spec));
            assert_eq!(
                refusal.map(|(rule, _)| rule),
                Some(Rule::UntrustedRegistry),
                "{kind} {spec}"
            );
        }
    }
    assert_eq!(evaluation.refusal(&create("Pod", &json!({"containers": fine}))), None);
}

#[test]
fn a_pinned_override_has_a_floor_of_its_own() {
    let policy = policy(
        "overrides:\n  - {name: strict, requireDigest: true}\n  - {name: prod, namespaces: [prod], mode: warn}\n",
    );
    let image = of_image("gcr.io/a:1");
    assert_eq!(Evaluation::new(&floor(&policy)).refusal(&image), None);
    let strict = policy.floor(NOW, Some("strict")).unwrap();
    let refusal = Evaluation::new(&strict).refusal(&image);
    assert_eq!(refusal.map(|(rule, _)| rule), Some(Rule::MissingDigest));
    assert_eq!(policy.floor(NOW, Some("prod")).unwrap().validations, []);
    assert_eq!(policy.floor(NOW, Some("none")), None);
    assert_eq!(policy.pinned_overrides().collect::<Vec<_>>(), ["strict"]);
}

/// A Pod with one good image, and one of another registry in a list, with labels.
fn with_bad(list: &str, labels: &Value) -> Value {
    let mut request = create(
        "Pod",
        &json!({
            "containers": [{"name": "good", "image": "gcr.io/a:1", "imagePullPolicy": "Always"}],
            list: [{"name": "bad", "image": "evil.example/a:1", "imagePullPolicy": "Always"}],
        }),
    );
    request["object"]["metadata"] = json!({"labels": labels});
    request
}

#[test]
fn labels_and_kinds_decide_as_in_the_gate() {
    let policy = policy(
        "templates: enforce\noverrides:\n  - {name: debug, namespaces: [dev], containers: [ephemeral], mode: warn}\n  \
         - {name: legacy, podSelector: {matchLabels: {a: b}}, mode: audit}\n  \
         - {name: jobs, kinds: [Deployment], allowedRegistries: [evil.example]}\n",
    );
    let floor = floor(&policy);
    let evaluation = Evaluation::new(&floor);
    let of = |namespace: &str, list: &str, labels: Value| {
        let mut request = with_bad(list, &labels);
        request["namespace"] = namespace.into();
        evaluation.refusal(&request).is_some()
    };
    assert!(!of("dev", "ephemeralContainers", json!({})));
    assert!(of("dev", "initContainers", json!({})));
    assert!(of("default", "ephemeralContainers", json!({"a": "c"})));
    assert!(!of("default", "initContainers", json!({"a": "b"})));
    let bad = json!({"containers": [{"name": "a", "image": "evil.example/a:1"}]});
    let good = json!({"containers": [{"name": "a", "image": "gcr.io/a:1"}]});
    assert_eq!(evaluation.refusal(&create("Deployment", &bad)), None);
    assert!(evaluation.refusal(&create("Deployment", &good)).is_some());
    assert!(evaluation.refusal(&create("StatefulSet", &bad)).is_some());
    assert!(floor.coverage.iter().all(|each| each.extent != Extent::Nothing));
    assert_eq!(policy.pinned_overrides().count(), 0);
}

#[test]
fn a_pod_with_more_labels_than_are_read_is_left_to_the_gate() {
    let policy = policy("overrides: [{name: a, podSelector: {matchLabels: {a: b}}, mode: warn}]\n");
    let evaluation = Evaluation::new(&floor(&policy));
    let many = |count: usize| {
        let labels = (0..count).map(|number| (format!("l{number}"), "".into()));
        Value::Object(labels.collect())
    };
    assert!(evaluation.refusal(&with_bad("initContainers", &many(1_000))).is_some());
    assert_eq!(evaluation.refusal(&with_bad("initContainers", &many(1_001))), None);
}

#[test]
fn an_override_that_a_path_names_has_its_selector_still() {
    let policy = policy(
        "overrides:\n  - {name: debug, namespaces: [dev], containers: [ephemeral], allowedRegistries: ['*']}\n  \
         - {name: shop, namespaces: [shop], mode: warn}\n",
    );
    let evaluation = Evaluation::new(&policy.floor(NOW, Some("debug")).unwrap());
    for (namespace, list, is_refused) in [
        ("default", "ephemeralContainers", false),
        ("default", "initContainers", true),
        ("shop", "initContainers", false),
    ] {
        let mut request = with_bad(list, &json!({}));
        request["namespace"] = namespace.into();
        let verdict = {
            let review = json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request});
            let mut review = review;
            review["request"]["uid"] = "u".into();
            let review = serde_json::to_vec(&review).unwrap();
            let review = Review::parse_with(&review, policy.reading()).unwrap();
            review.judge(&policy, Some("debug"), NOW).decision
        };
        assert_eq!(verdict == Decision::Deny, is_refused, "{namespace} {list}");
        assert_eq!(evaluation.refusal(&request).is_some(), is_refused, "{namespace} {list}");
    }
}

#[test]
fn a_pull_policy_is_demanded_as_the_gate_demands_it() {
    let digest = "gcr.io/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let always = "imagePullPolicy: always\nblockedTags: []\nrequireTag: false\n";
    let mutable = "imagePullPolicy: alwaysForMutableTags\nblockedTags: []\nrequireTag: false\n";
    let refused = "nginx image is not always pulled! (gcr.io/a:1). Only images with the pull policy Always are allowed.";
    for (yaml, image, pull_policy, is_refused) in [
        (always, "gcr.io/a:1", Some("IfNotPresent"), true),
        (always, "gcr.io/a:1", Some("Never"), true),
        (always, "gcr.io/a:1", Some("Always"), false),
        (always, "gcr.io/a:1", None, true),
        // What the API server fills in where none is said.
        (always, "gcr.io/a:latest", None, false),
        (always, "gcr.io/a", None, false),
        (always, "gcr.io:443/a", None, false),
        (always, "gcr.io/a:latest", Some("IfNotPresent"), true),
        (always, digest, None, true),
        (mutable, digest, Some("Never"), false),
        (mutable, "gcr.io/a:1", Some("Never"), true),
    ] {
        let policy = policy(yaml);
        let floor = floor(&policy);
        let mut container = json!({"name": "nginx", "image": image});
        if let Some(pull_policy) = pull_policy {
            container["imagePullPolicy"] = pull_policy.into();
        }
        let request = create("Pod", &json!({"containers": [container]}));
        let refusal = Evaluation::new(&floor).refusal(&request);
        assert_eq!(refusal.is_some(), is_refused, "{image} {pull_policy:?}");
        if let Some((rule, message)) = refusal.filter(|_| yaml == always && image == "gcr.io/a:1") {
            assert_eq!((rule, message.as_str()), (Rule::PullPolicy, refused));
        }
        let held = floor.coverage.iter().find(|each| each.rule == Some(Rule::PullPolicy));
        assert_eq!(held.map(|each| each.extent), Some(Extent::Whole));
    }
}

#[test]
fn what_is_left_to_the_gate_is_said() {
    let said = |yaml: &str| {
        let floor = floor(&policy(yaml));
        let coverage = floor.coverage.into_iter().map(|each| {
            let rule = each.rule.map_or("all", Rule::as_str);
            let of = each.of.map(|of| format!("{of} ")).unwrap_or_default();
            format!("{of}{rule}: {:?} {}", each.extent, each.left.join("; "))
        });
        coverage.collect::<Vec<_>>()
    };
    let name = "invalid-reference: Part a repository of more than 255 characters";
    let (registry, tag) = ("untrusted-registry: Whole ", "blocked-tag: Whole ");
    assert_eq!(said("{}"), [name, "missing-tag: Whole ", registry, tag]);
    assert_eq!(
        said("blockedTags: ['semver:<1']\nrequireTag: false\n"),
        [name, registry, "blocked-tag: Nothing `blockedTags` as a whole"]
    );
    let expiring = "exemptions: [{name: a, images: [gcr.io/a], reason: r, expires: 2027-06-30}]";
    let left = "all: Part the exemption `a` admits beyond 2027-06-30, until the floor is made anew";
    assert_eq!(said(expiring).last().map(String::as_str), Some(left));
    let overridden = "mode: warn\noverrides: [{name: a, namespaces: [b], mode: enforce, blockedTags: [], requireTag: false}]";
    assert_eq!(said(overridden), [format!("a {name}"), format!("a {registry}")]);
}

#[test]
fn long_lists_are_said_by_host_or_left() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| {
        let entries: Vec<_> = (0..count).map(entry).collect();
        format!("allowedRegistries: [{}]\n", entries.join(", "))
    };
    let by_path = floor(&policy(&many(10_000, &|number| format!("gcr.io/team-{number}"))));
    let evaluation = Evaluation::new(&by_path);
    assert_eq!(evaluation.refusal(&of_image("gcr.io/other/x:1")), None);
    assert!(evaluation.refusal(&of_image("quay.io/team-1/x:1")).is_some());
    let by_host = floor(&policy(&many(10_000, &|number| format!("r{number}.example.com"))));
    let evaluation = Evaluation::new(&by_host);
    assert_eq!(evaluation.refusal(&of_image("quay.io/team-1/x:1")), None);
    assert!(evaluation.refusal(&of_image("nginx:1")).is_some());
    let registry = by_host.coverage.iter().find(|each| each.rule == Some(Rule::UntrustedRegistry));
    assert_eq!(registry.map(|each| each.extent), Some(Extent::Part));
}

/// The cost of an expression over `images` images of 160 characters, by the published rules: a unit for
/// each name, selection and call, and for `matches` a tenth of the text's length times a quarter of the
/// regex's. Everything counts, as if nothing were cut short.
fn cost(expression: &str, images: u64) -> u64 {
    let mut regexes = 0;
    let mut rest = expression;
    let mut others = 0;
    while let Some((before, behind)) = rest.split_once(".matches('") {
        others += before.matches(|c: char| !c.is_alphanumeric()).count() as u64;
        let mut length = 0_u64;
        let mut characters = behind.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (_, '\\') => {
                    characters.next();
                    length += 1;
                }
                (end, '\'') => break end,
                _ => length += 1,
            }
        };
        regexes += 161_u64.div_ceil(10) * length.div_ceil(4);
        rest = &behind[end..];
    }
    others += rest.matches(|c: char| !c.is_alphanumeric()).count() as u64;
    (regexes + others) * images
}

#[test]
fn a_hundred_containers_stay_within_the_limits_of_the_api_server() {
    let mut most = 0;
    for (name, policy) in policies() {
        let floor = floor(&policy);
        let mut together = 0;
        for validation in &floor.validations {
            for expression in [&validation.expression, &validation.message_expression] {
                let cost = cost(expression, 100);
                assert!(cost <= 1_000_000, "{name}: {cost}\n{expression}");
                most = most.max(cost);
                together += cost;
            }
        }
        assert!(together <= 10_000_000, "{name}: {together}");
    }
    // The estimate is of the real size of things.
    assert!(most > 300_000, "{most}");
}

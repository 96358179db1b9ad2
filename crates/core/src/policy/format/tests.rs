//! The order of the fields, beside the schema; and how texts are written.

use std::collections::BTreeSet;

use serde_json::Value;

use super::order::Place;
use super::scalar;

const SCHEMA: &str = include_str!("../../../../../config/policy.schema.json");

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_field_of_the_schema_has_its_place_in_the_order() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let definition = |name: &str| &schema["definitions"][name];
    for (place, definition) in [
        (Place::Policy, &schema),
        (Place::Override, definition("override")),
        (Place::Exemption, definition("exemption")),
        (Place::RegistryEntry, definition("registryEntry")),
        (Place::Workload, definition("workload")),
        (Place::PodSelector, definition("podSelector")),
        (Place::OptOut, &schema["properties"]["namespaceOptOut"]),
    ] {
        let fields = definition["properties"].as_object().unwrap();
        let known = names(fields.keys().map(String::as_str));
        assert_eq!(names(place.fields()), known, "{place:?}");
        for (name, field) in fields {
            let is_text = !matches!(field["type"].as_str(), Some("boolean" | "integer"));
            assert_eq!(place.is_bare(name), !is_text || name == "expires", "{place:?}: {name}");
        }
    }
}

#[test]
fn what_any_reader_takes_for_something_else_is_quoted() {
    let bare = [
        "nginx",
        "gcr.io/acme",
        "v1.27",
        "1.27-alpine",
        "1.2.3a",
        "kube-system/job-controller",
        "/spec/template",
        "_a",
        "jane@example.com",
        "0-x",
        "nope",
        "Nullable",
        "0xfg",
        "e1",
    ];
    for text in bare {
        let mut out = String::new();
        scalar::write(text, &mut out);
        assert_eq!(out, text);
    }
    let quoted = [
        ("", r#""""#),
        ("1", r#""1""#),
        ("1.10", r#""1.10""#),
        ("1.2.3", r#""1.2.3""#),
        ("1e3", r#""1e3""#),
        ("1_000", r#""1_000""#),
        ("0x1F", r#""0x1F""#),
        ("0o17", r#""0o17""#),
        ("2027-01-31", r#""2027-01-31""#),
        ("1:30", r#""1:30""#),
        ("yes", r#""yes""#),
        ("NO", r#""NO""#),
        ("On", r#""On""#),
        ("y", r#""y""#),
        ("~", r#""~""#),
        ("null", r#""null""#),
        ("True", r#""True""#),
        (".nan", r#"".nan""#),
        ("-rc", r#""-rc""#),
        ("...", r#""...""#),
        ("a b", r#""a b""#),
        ("a:b", r#""a:b""#),
        ("a #b", r#""a #b""#),
        ("*", r#""*""#),
        ("[a]", r#""[a]""#),
        (r"/v\d/", r"'/v\d/'"),
        (r#"say "hi" to Jane's"#, r#"'say "hi" to Jane''s'"#),
        ("a\tb\\", r#""a\tb\\""#),
        ("é\u{202e}\u{7}\u{e0001}", "\"é\\u202e\\x07\\U000e0001\""),
    ];
    for (text, expected) in quoted {
        let mut out = String::new();
        scalar::write(text, &mut out);
        assert_eq!(out, expected);
    }
}

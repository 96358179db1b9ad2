//! What is a document, what is none, and how far aliases carry.

use super::{Key, Node, Value, parse};

/// The tree as JSON-like text, without places.
fn shown(node: &Node<'_>) -> String {
    value(&node.value)
}

fn value(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Scalar(text) => format!("{text:?}"),
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Shared(shared) => self::value(shared),
        Value::Mapping(entries) => {
            let entry = |(Key { name, .. }, node): &(Key<'_>, Node<'_>)| {
                format!("{name:?}: {}", shown(node))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn scalars_keep_their_text() {
    let rows = [
        ("", "null"),
        ("---\n", "null"),
        ("a", r#""a""#),
        ("[]", "[]"),
        ("\u{feff}a: b", r#"{"a": "b"}"#),
        ("a: b\r\nc: d\r\n", r#"{"a": "b", "c": "d"}"#),
        ("a: b\n...\n", r#"{"a": "b"}"#),
        ("%YAML 1.2\n---\na: b", r#"{"a": "b"}"#),
        (r#"a: [b, 'c d', "e\n", "f"]"#, r#"{"a": ["b", "c d", "e\n", "f"]}"#),
        (
            "a:\n- 1.0\n- yes\n- 0x10\n- 1e3\n- .nan",
            r#"{"a": ["1.0", "yes", "0x10", "1e3", ".nan"]}"#,
        ),
        ("a:\n- null\n- ~\n-\n- ''\n- 'null'", r#"{"a": [null, null, null, "", "null"]}"#),
        ("- |\n  b\n  c\n- >\n  d\n  e", r#"["b\nc\n", "d e\n"]"#),
        ("a: b\n  c", r#"{"a": "b c"}"#),
        (
            r#"a: [!!str 1, !!int "2", !!str ~, ! ~, !!null x]"#,
            r#"{"a": ["1", "2", "~", "~", null]}"#,
        ),
        ("a: &x [b, c]\nd: [*x, *x]", r#"{"a": ["b", "c"], "d": [["b", "c"], ["b", "c"]]}"#),
        ("a: &x b\n*x : c", r#"{"a": "b", "b": "c"}"#),
        ("&x a: *x", r#"{"a": "a"}"#),
        ("a: &x 1\nb: &x 2\nc: *x", r#"{"a": "1", "b": "2", "c": "2"}"#),
        (
            "a: &x {b: c, e: g}\nd: [{<<: *x, e: f}]",
            r#"{"a": {"b": "c", "e": "g"}, "d": [{"e": "f", "b": "c"}]}"#,
        ),
        ("a: {<<: [{b: 1}, {b: 2, c: 3}]}", r#"{"a": {"b": "1", "c": "3"}}"#),
        ("a: {'<<': b}", r#"{"a": {"<<": "b"}}"#),
    ];
    for (text, expected) in rows {
        let tree = parse(text).unwrap_or_else(|malformed| panic!("{text:?}: {malformed:?}"));
        assert_eq!(shown(&tree), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_document_is_refused_at_its_place() {
    let many = (0..33).map(|key| format!("k{key}: 1\n")).collect::<Vec<_>>().concat();
    let rows = [
        ("a: [b\n", "not valid YAML: ", (1, 4)),
        ("a: [b]\na: [c]", "the key `a` is given twice", (2, 1)),
        ("a: [{b: c, b: d}]", "the key `b` is given twice", (1, 12)),
        ("a: {<<: {}, <<: {}}", "the key `<<` is given twice", (1, 17)),
        ("a: [b]\n---\na: [c]", "there is a second document", (2, 1)),
        ("a: &x [*x]", "not valid YAML: an alias inside of what it names", (1, 8)),
        ("a: *x", "not valid YAML: ", (1, 4)),
        ("a: [!!binary aGk=]", "the tag `!!binary` means nothing here", (1, 14)),
        ("a: !other 3", "the tag `!other` means nothing here", (1, 11)),
        ("a: !!str [b]", "the tag `!!str` means nothing here", (1, 10)),
        ("[a]: b", "a key of a mapping is a text", (1, 1)),
        ("a: {<<: b}", "`<<` merges mappings", (1, 9)),
        (&many, "a mapping of more than 32 keys", (33, 1)),
    ];
    for (text, expected, place) in rows {
        let malformed = parse(text).unwrap_err();
        assert!(malformed.message.starts_with(expected), "{text:?}: {}", malformed.message);
        assert_eq!(malformed.place, Some(place), "{text:?}: {}", malformed.message);
    }
}

#[test]
fn nesting_is_bounded_with_and_without_aliases() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let aliased = |depth: usize| {
        let each = |n: usize| format!("- &a{n} [*a{}]\n", n - 1);
        format!("- &a1 []\n{}", (2..=depth).map(each).collect::<String>())
    };
    assert!(parse(&nested(32)).is_ok());
    assert!(parse(&nested(33)).is_err());
    assert!(parse(&aliased(31)).is_ok());
    assert!(parse(&aliased(32)).is_err());
}

#[test]
fn aliases_stand_for_no_more_than_the_document_allows() {
    let bomb = |levels: usize| {
        let level = |n: usize| format!("- &l{n} [{}]\n", vec![format!("*l{}", n - 1); 9].join(","));
        format!("- &l0 [aaaaaaaa]\n{}", (1..=levels).map(level).collect::<String>())
    };
    assert!(parse(&bomb(2)).is_ok());
    let malformed = parse(&bomb(9)).unwrap_err();
    assert_eq!(malformed.message, "the aliases up to here stand for more than the whole document");
    assert_eq!(malformed.place.map(|(line, _)| line), Some(5));

    // One list of the size that people write, in many overrides.
    let list = vec!["registry.example.com/team"; 50].join(", ");
    let overrides = "- {allowedRegistries: *list}\n".repeat(40);
    assert!(parse(&format!("- &list [{list}]\n{overrides}")).is_ok());
    // A long text once more is the document's own size; twice more is not.
    let long = "x".repeat(100_000);
    assert!(parse(&format!("[&x {long}, *x]")).is_ok());
    assert!(parse(&format!("[&x {long}, *x, *x]")).is_err());
}

#[test]
fn an_alias_weighs_what_it_stands_for_and_nothing_before_it() {
    let many = |item: &str| {
        let items = vec![item; 5_000].join(",");
        format!("- &x [{items}]\n- [{}]\n", vec!["*x"; 20].join(","))
    };
    for item in ["''", "[]", "{}"] {
        assert!(parse(&many(item)).is_err(), "100,000 times `{item}` from 20 kB");
    }
    let long = "a".repeat(40_000);
    // Short keys behind a long text, and a long key.
    assert!(parse(&format!("- {long}\n- &k a: b\n- *k\n")).is_ok());
    assert!(parse(&format!("- ? &k {long}\n  : b\n- *k\n")).is_ok());
    assert!(parse(&format!("- ? &k {long}\n  : b\n- *k\n- *k\n")).is_err());
}

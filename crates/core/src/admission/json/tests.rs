//! The reader against `serde_json`: it accepts nothing more, reads the same, and declines nothing
//! that an API server writes.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::blocks::container_end;
use super::oracle::{Review, compare};
use super::skip::value_end;
use super::{DEEPEST, Level, is_plain, read};

/// Bodies from a real API server. Those without a workload may be declined.
const RECORDED: [&str; 5] = [
    include_str!("../../../../../tests/data/admission-reviews/create-cronjobs.json"),
    include_str!("../../../../../tests/data/admission-reviews/create-pods.json"),
    include_str!("../../../../../tests/data/admission-reviews/delete-pods.json"),
    include_str!("../../../../../tests/data/admission-reviews/update-deployments.json"),
    include_str!(
        "../../../../../tests/data/admission-reviews/update-pods-ephemeralcontainers.json"
    ),
];

#[test]
fn no_recorded_body_of_a_workload_is_declined() {
    for body in RECORDED {
        assert!(read::<Review<'_>>(body.as_bytes()).is_some(), "{body}");
        compare(body.as_bytes());
    }
}

#[test]
fn neither_many_containers_nor_a_key_beyond_ascii_is_declined() {
    let containers = vec![r#"{"name":"c","image":"i"}"#; 200].join(",");
    let review = |more: &str| {
        format!(r#"{{"request":{{"object":{{"spec":{{"containers":[{containers}]{more}}}}}}}}}"#)
    };
    for more in ["", r#","é":1"#] {
        assert!(read::<Review<'_>>(review(more).as_bytes()).is_some(), "{more}");
    }
}

/// At the edges of the grammar.
#[rustfmt::skip]
const ROWS: [&str; 73] = [
    "\"0\u{1}23456789abcdef\"", "\"01234567\u{1f}9abcdef012345\"", "\" 123456789abcdef\"",
    r#""0123456\n89abcdef\"0123456789\\""#,
    "", " ", "null", "nul", "nulll", "true", "tru", "false", "{}", "[]", " [ ] ", "[,]", "[1,]",
    "[1 2]", "[1,2]", "{,}", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1,}"#, r#"{"a":1 "b":2}"#,
    r#"{"a":1]"#, "[1}", "[", "{", r#"{""#, r#"{"":[]}"#, "01", "-", "-0", "-01", "1.", "1.5",
    ".5", "1e", "1e5", "1E+5", "1e-", "-1.0e-0", "+1", "1 ", "1x", "--1", r#""\u12aF""#,
    r#""\u12g0""#, r#""\u12"#, r#""\x""#, r#""\""#, r#""\\""#, r#""\/\b\f\n\r\t""#, "\"\u{1}\"",
    "\"\n\"", "\"\u{7f}\"", r#""\ud800""#, "[1]]", "[1] [2]", "\u{feff}1", "\u{a0}1", "'a'",
    "NaN", "1_0", "\u{b}1",
    // What fits the neighbours and not the bracket around.
    r#"["a","b":1]"#, r#"[1,"b":2]"#, r#"[{},"a":{}]"#, r#"{"a":1,"b"}"#, r#"{"a":[],[]}"#,
    r#"{"a":"b":"c"}"#, r#"["a":1]"#, r#"{"a":{"b":1],"c":[2}}"#,
];

#[test]
fn rows() {
    for text in ROWS {
        compare(text.as_bytes());
    }
    compare(b"\"\xff\"");
    compare(b"{\"\xff\":1}");
    compare(b"[\"\xff\",\"01234567\xff\"]");
    assert!(read::<Review<'_>>(b"{\"\xff\":1}").is_none());
    assert!(read::<Review<'_>>(br#"{"kind":"a","kind":"b"}"#).is_none());
}

/// JSON without white space in which every rule of the grammar is at work.
const RICH: &str = r#"{"a":[1,-2.5e+3,0,{"b":"x\"\\\\\u00e9,:]}","":[]},[[],{},[{}]],true],"c":{"d":null,"":false},"f":"\\"}"#;

#[test]
fn one_byte_off_is_seen_wherever_it_stands_in_a_block() {
    for place in 0..RICH.len() {
        let (front, rest) = RICH.as_bytes().split_at(place);
        // In the last byte of a block, in the first of the next, and further on.
        for shift in [63, 64, 69] {
            // The text of the first item moves the rest.
            let filling = (shift + 64 * 4 - place - 4) % 64;
            let check = |rest: &[u8]| {
                let filling = "x".repeat(filling);
                let text = [br#"[""#, filling.as_bytes(), br#"","#, front, rest, b"]"].concat();
                check_skipping(&text);
            };
            check(rest);
            check(&rest[1..]);
            for byte in *b"{}[],:\"\\019a-.eE+tn\x01\x1f\x7f\xff " {
                check(&[&[byte], rest].concat());
                check(&[&[byte], &rest[1..]].concat());
            }
        }
    }
}

/// Both ways of skipping find the same end, and that is where `serde_json` finds it.
fn check_skipping(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    let end = value_end(text, 0, DEEPEST);
    let is_json = serde_json::from_slice::<IgnoredAny>(text).is_ok();
    assert_eq!(end == Some(text.len()), is_json, "{shown}");
    let in_blocks = container_end(Level::new(), text, 0);
    // It knows no white space; but then it leaves the text to the other.
    if in_blocks.is_some() || !text.contains(&b' ') {
        assert_eq!(in_blocks, end, "{shown}");
    }
}

#[test]
fn a_plain_text_is_one_that_serde_json_writes_as_it_is() {
    for length in 0..40 {
        for place in 0..length {
            for byte in 0..0x80 {
                let mut text = vec![b'x'; length];
                text[place] = byte;
                let text = String::from_utf8(text).unwrap();
                let as_it_is = serde_json::to_string(&text).unwrap() == format!("\"{text}\"");
                assert_eq!(is_plain(&text), as_it_is, "{text:?}");
            }
        }
        assert!(is_plain(&"é".repeat(length)));
    }
}

#[test]
fn nesting_is_bounded() {
    for depth in 120..130 {
        let nested = |open: &str, close: &str| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
        };
        let empty = format!("{}[]{}", "[".repeat(depth), "]".repeat(depth));
        for text in [nested("[", "]"), nested(r#"{"a":"#, "}"), empty.into_bytes()] {
            // `serde_json` skips it however deep it is: the caller asks that for the rest.
            assert!(serde_json::from_slice::<IgnoredAny>(&text).is_ok());
            assert!(read::<IgnoredAny>(&text).is_some() || depth >= 127);
            for field in ["object", "options"] {
                let text = String::from_utf8(text.clone()).unwrap();
                check_bounded(&format!(r#"{{"request":{{"{field}":{text}}}}}"#));
            }
        }
    }
    for depth in 50..70 {
        let specs = r#"{"spec":{"template":"#.repeat(depth) + "{}" + &"}}".repeat(depth);
        check_bounded(&format!(r#"{{"request":{{"object":{specs}}}}}"#));
    }
}

/// What is read, `serde_json` reads too.
fn check_bounded(review: &str) {
    if read::<Review<'_>>(review.as_bytes()).is_some() {
        assert!(serde_json::from_str::<Review<'_>>(review).is_ok());
    }
}

/// Pieces that are near JSON more often than not.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => proptest::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", " ", "\n", "null", "true", "false", "0", "1",
            "-", ".", "e", "12.5e3", "\"a\"", "\"\\u00e9\"", "{}", "[]", "\"k\":", "\"kind\":",
            "\"spec\":", "\"request\":{", "\"object\":{", "\"containers\":[", "\"image\":",
            "\"name\":\"x\"", "\"01234567\"", "\"0123456\\\"789\"",
        ]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..3),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// JSON that is valid, with white space here and there.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| serde_json::json!(value).to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<String>().prop_map(|value| serde_json::json!(value).to_string()),
        "[ -~]{0,20}".prop_map(|value| serde_json::json!(value).to_string()),
    ];
    let key = prop_oneof![
        proptest::sample::select(vec![
            "kind",
            "request",
            "object",
            "spec",
            "containers",
            "image",
            "name",
            "template",
            "groups",
            "userInfo",
            "uid",
            "dryRun",
            "volumes",
            "reference",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        let member = (key.clone(), inner.clone())
            .prop_map(|(key, value)| format!("{} :{value}", serde_json::json!(key)));
        prop_oneof![
            proptest::collection::vec(inner, 0..5)
                .prop_map(|members| format!("[{}]", members.join(", "))),
            proptest::collection::vec(member, 0..5)
                .prop_map(|members| format!("{{{}\t}}", members.join(",\n"))),
        ]
    })
}

/// Where, how, and a byte.
type Edit = (prop::sample::Index, u8, u8);

fn edits(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec((any::<prop::sample::Index>(), 0..5_u8, any::<u8>()), count)
}

fn edited(mut text: Vec<u8>, edits: Vec<Edit>) -> Vec<u8> {
    for (place, edit, byte) in edits {
        let place = place.index(text.len());
        match edit {
            0 => {
                text.remove(place);
            }
            1 => text.insert(place, byte),
            2 => text[place] = byte,
            3 => text.insert(place, b"{}[],:\"\\ 0"[byte as usize % 10]),
            _ => {
                let piece = text[place..(place + 40).min(text.len())].to_vec();
                text.splice(place..place, piece);
            }
        }
    }
    text
}

/// Many, unless somebody says how many.
fn cases() -> ProptestConfig {
    let is_said = std::env::var_os("PROPTEST_CASES").is_some();
    if is_said { ProptestConfig::default() } else { ProptestConfig::with_cases(2000) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn agrees_on_soup(text in soup()) {
        compare(&text);
    }

    #[test]
    fn agrees_on_values(text in value()) {
        compare(text.as_bytes());
    }

    #[test]
    fn agrees_on_compact_values(values in proptest::collection::vec(value(), 1..5), edits in edits(0..3)) {
        let values: Vec<serde_json::Value> =
            values.iter().filter_map(|value| serde_json::from_str(value).ok()).collect();
        compare(&edited(serde_json::to_vec(&values).unwrap(), edits));
    }

    #[test]
    fn agrees_on_broken_bodies(
        body in proptest::sample::select(RECORDED.to_vec()),
        edits in edits(1..4),
    ) {
        compare(&edited(body.as_bytes().to_vec(), edits));
    }
}

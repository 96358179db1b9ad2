//! One way to write a policy: the same policy, the same comments, and nothing left to change.

use imagegate_core::policy::{Documents, Unformatted, compile, format};
use proptest::prelude::*;

fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|unformatted| panic!("{unformatted:?}\n{text}"))
}

fn hash(text: &str) -> String {
    compile(&Documents::full_form(text))
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
        .0
        .hash()
        .to_owned()
}

/// Checks rows of a text and what becomes of it, twice.
fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let once = formatted(text);
        assert_eq!(once, *expected, "\n{text}\n{once}");
        assert_eq!(formatted(&once), once, "{text}");
    }
}

#[test]
fn fields_are_in_the_order_of_their_documentation_and_lists_in_that_of_the_author() {
    check(&[
        (
            "exemptions: [{reason: r, images: [b.io, a.io], name: x}]\nmode: warn\nblockedTags: [z, a]\n",
            "mode: warn\nblockedTags: [z, a]\nexemptions:\n  - name: x\n    images: [b.io, a.io]\n    reason: r\n",
        ),
        (
            "overrides:\n- mode: warn\n  namespaces: [a]\n  podSelector: {matchExpressions: [{operator: Exists, key: k}], matchLabels: {z: '1', a: b}}\n  name: x\n",
            "overrides:\n  - name: x\n    namespaces: [a]\n    podSelector:\n      matchLabels: {z: \"1\", a: b}\n      matchExpressions:\n        - {key: k, operator: Exists}\n    mode: warn\n",
        ),
        (
            r#"{"requireTag": "true", "messages": {"blocked-tag": "x y", "missing-tag": "z"}, "refuseEditsThatDeny": 3}"#,
            "requireTag: true\nmessages:\n  missing-tag: z\n  blocked-tag: \"x y\"\nrefuseEditsThatDeny: 3\n",
        ),
    ]);
}

#[test]
fn what_fits_stands_on_one_line() {
    let registries: Vec<_> = (0..9).map(|index| format!("registry-{index}.example.com")).collect();
    let short = format!("allowedRegistries: [{}]\n", registries[..3].join(", "));
    let lines: Vec<_> = registries.iter().map(|registry| format!("  - {registry}\n")).collect();
    let lines = lines.concat();
    let long = format!("allowedRegistries:\n{lines}");
    check(&[
        (&short, &short),
        (&format!("allowedRegistries: [{}]", registries.join(", ")), &long),
        (&format!("allowedRegistries:\n{}", lines.replace("  -", "-")), &long),
        ("allowedRegistries:\n  - gcr.io\n", "allowedRegistries: [gcr.io]\n"),
        (
            "allowedRegistries:\n  - gcr.io\n  - registry: quay.io\n    mode: warn\n",
            "allowedRegistries:\n  - gcr.io\n  - {registry: quay.io, mode: warn}\n",
        ),
        ("namespaceOptOut:\n  groups:\n    - a\n", "namespaceOptOut: {groups: [a]}\n"),
        ("shortNames:\n    registry: quay.io\n", "shortNames: {registry: quay.io}\n"),
        ("overrides: []\nmessages: {}\n", "messages: {}\noverrides: []\n"),
    ]);
}

#[test]
fn a_list_breaks_behind_the_hundredth_column() {
    let text = |length: usize| format!("blockedTags: [a, {}]\n", "b".repeat(length));
    assert_eq!(text(82).trim_end().len(), 100);
    check(&[
        (&text(82), &text(82)),
        (&text(83), &format!("blockedTags:\n  - a\n  - {}\n", "b".repeat(83))),
    ]);
}

#[test]
fn a_tag_stays_a_text() {
    check(&[(
        "blockedTags: [1.10, yes, 1e3, 2027-01-31, 'latest', \"v1\", ! 017]\nexemptions: [{name: a, images: [a.io], reason: 1, owner: yes, users: [!!str ~], expires: '2027-01-31'}]\n",
        "blockedTags: [\"1.10\", \"yes\", \"1e3\", \"2027-01-31\", latest, v1, \"017\"]\nexemptions:\n  - name: a\n    images: [a.io]\n    users: [\"~\"]\n    reason: \"1\"\n    owner: \"yes\"\n    expires: 2027-01-31\n",
    )]);
}

#[test]
fn comments_stay_with_what_they_stand_at() {
    check(&[
        // A header, above a field, behind it, at the end.
        (
            "# header\n\n# tags\nblockedTags: [a] # b\n# mode\nmode: warn # m\n# end\n",
            "# header\n\n# mode\nmode: warn  # m\n# tags\nblockedTags: [a]  # b\n# end\n",
        ),
        (
            "# yaml-language-server: $schema=x\nblockedTags: []\nmode: warn\n",
            "# yaml-language-server: $schema=x\n\nmode: warn\nblockedTags: []\n",
        ),
        (
            "blockedTags: []\n# yaml-language-server: $schema=x\n# m\nmode: warn\n",
            "# yaml-language-server: $schema=x\n\n# m\nmode: warn\nblockedTags: []\n",
        ),
        (
            "# a\n\nblockedTags: []\n# b\n\n# c\nmode: warn\n",
            "# a\n\n# b\n\n# c\nmode: warn\nblockedTags: []\n",
        ),
        ("# a\n{ # b\n  mode: warn # c\n} # d\n", "# a\n# b\nmode: warn  # c\n# d\n"),
        // In lists, in brackets or not.
        (
            "blockedTags: # k\n# one\n- a # ia\n\n# two\n- b\n# end\nmode: warn",
            "# end\nmode: warn\nblockedTags:  # k\n  # one\n  - a  # ia\n\n  # two\n  - b\n",
        ),
        (
            "blockedTags: [ # k\n  # one\n  a, # ia\n  # two\n  b\n  # end\n] # close\n",
            "# close\nblockedTags:  # k\n  # one\n  - a  # ia\n  # two\n  - b\n  # end\n",
        ),
        ("blockedTags: [ # k\n  a, b]\n", "blockedTags: [a, b]  # k\n"),
        ("blockedTags:\n  # none yet\n  []\n", "# none yet\nblockedTags: []\n"),
        (
            "blockedTags: [\n# none yet\n]\nmode: warn\n",
            "mode: warn\nblockedTags: [\n  # none yet\n]\n",
        ),
        ("mode: # a\n  # b\n  warn # c\n", "# b\n# c\nmode: warn  # a\n"),
        // Between entries, and at the end of one.
        (
            "overrides:\n  # first\n  - name: a # an\n    mode: warn\n    # end of a\n  # - name: b\n\n  # second\n  - mode: audit\n    # c\n    name: c\n  # end of the list\nmode: warn\n",
            "mode: warn\noverrides:\n  # first\n  - name: a  # an\n    mode: warn\n    # end of a\n  # - name: b\n\n  # second\n  # c\n  - name: c\n    mode: audit\n  # end of the list\n",
        ),
        (
            "allowedRegistries: [a.io, {registry: b.io, mode: warn}] # c\n",
            "allowedRegistries:  # c\n  - a.io\n  - {registry: b.io, mode: warn}\n",
        ),
        (
            "allowedRegistries:\n  - {registry: b.io, # x\n     mode: warn} # y\n",
            "allowedRegistries:\n  # y\n  - registry: b.io  # x\n    mode: warn\n",
        ),
        ("overrides:\n- # c\n  name: a\n", "overrides:\n  # c\n  - name: a\n"),
        ("--- # top\nmode: warn\n... # end\n", "# top\nmode: warn\n# end\n"),
        ("{} # c\n# d\n", "{}\n# c\n# d\n"),
    ]);
}

#[test]
fn blank_lines_are_one_at_most_and_none_where_something_begins_or_ends() {
    check(&[
        (
            "\n\n\nmode: warn\n\n\n\nblockedTags:\n\n  - a # x\n\n  - b\n\n\n",
            "mode: warn\n\nblockedTags:\n  - a  # x\n\n  - b\n",
        ),
        (
            "# a\n\n\n# b\n\nmode: warn\r\n\r\n\r\nupdates: all",
            "# a\n\n# b\n\nmode: warn\n\nupdates: all\n",
        ),
        ("mode: warn  \n   \n# c  \n   \nupdates: all\n", "mode: warn\n\n# c\n\nupdates: all\n"),
    ]);
}

#[test]
fn comments_behind_neighbouring_lines_begin_in_one_column() {
    let long = "a".repeat(60);
    check(&[
        (
            "mode: warn # a\nblockedTags: [a] # b\nrequireTag: true\nupdates: all # c\n",
            "mode: warn        # a\nblockedTags: [a]  # b\nrequireTag: true\nupdates: all  # c\n",
        ),
        (
            &format!("mode: warn # a\nblockedTags: [{long}] # b\nupdates: all # c\n"),
            &format!("mode: warn    # a\nblockedTags: [{long}]  # b\nupdates: all  # c\n"),
        ),
    ]);
}

#[test]
fn texts_over_several_lines_stay_so() {
    let words = "word ".repeat(40);
    let exemption = "exemptions:\n  - name: a\n    images: [a.io]\n";
    let row = |reason: &str| format!("{exemption}    reason: {reason}");
    let folded = format!(
        ">-  # why\n      {}\n      {}\n",
        "word ".repeat(19).trim_end(),
        "word ".repeat(17).trim_end()
    );
    check(&[
        (&row("|-\n       one\n         two\n"), &row("\"one\\n  two\"\n")),
        (&row("|-\n       one\n\n       two\n\n"), &row("|-\n      one\n\n      two\n")),
        (&row("|+\n       one\n\n"), &row("\"one\\n\\n\"\n")),
        (&row("  'one\n      two'\n"), &row("\"one two\"\n")),
        (&row(&format!(">- # why\n     {}\n", "word ".repeat(36).trim_end())), &row(&folded)),
        (&row(words.trim_end()), &row(&format!("\"{}\"\n", words.trim_end()))),
    ]);
}

#[test]
fn aliases_stay_behind_their_anchors() {
    check(&[
        (
            "overrides:\n- &o\n  namespaces: &n [a]\n  name: x\n- <<: *o\n  name: z\nblockedTags: &t\n- a # c\nallowedTags: *t\n",
            "overrides:\n  - &o\n    namespaces: &n [a]\n    name: x\n  - <<: *o\n    name: z\nblockedTags: &t\n  - a  # c\nallowedTags: *t\n",
        ),
        ("blockedTags: &&t [a]\nallowedTags: *&t\n", "blockedTags: &&t [a]\nallowedTags: *&t\n"),
        // An anchor without an alias moves.
        ("blockedTags: &t [a]\nmode: warn\n", "mode: warn\nblockedTags: &t [a]\n"),
    ]);
}

#[test]
fn what_is_no_valid_policy_is_refused_with_its_problems() {
    for text in ["", "a: [", "mode: wran\n", "- a\n", "mode: warn\n---\nmode: warn\n", "mode: ~\n"]
    {
        let Err(Unformatted::Invalid(problems)) = format(text) else { panic!("{text}") };
        assert!(!problems.0.is_empty(), "{text}");
    }
    let Err(Unformatted::Refused(problem)) = format("&a\nmode: warn\n") else {
        panic!("formatted")
    };
    assert_eq!(problem.message, "the policy as a whole has an anchor");
}

/// A list in one of the ways in which people write it, between its key and the next field.
fn list(items: Vec<(String, Option<String>)>, indent: usize, style: usize) -> String {
    let pad = " ".repeat(indent);
    let has_comments = items.iter().any(|(_, comment)| comment.is_some());
    match style {
        0 if !has_comments => {
            let items: Vec<_> = items.into_iter().map(|(item, _)| item).collect();
            format!(" [{}]\n", items.join(","))
        }
        1 => {
            let lines = items.into_iter().map(|(item, comment)| {
                let comment = comment.map(|text| format!(" #{text}")).unwrap_or_default();
                format!("{pad}    {item},{comment}\n")
            });
            format!(" [\n{}{pad}  ]\n", lines.collect::<String>())
        }
        _ if items.is_empty() => " []\n".to_owned(),
        _ => {
            let lines = items.into_iter().map(|(item, comment)| {
                let above = comment.as_ref().map(|text| format!("\n{pad}  # above{text}\n"));
                let beside = comment.map(|text| format!(" #{text}")).unwrap_or_default();
                format!("{}{pad}  - {item}{beside}\n", above.unwrap_or_default())
            });
            format!("\n{}", lines.collect::<String>())
        }
    }
}

fn comment() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.3, "[ #:a-z\\[\\]{},'\"é-]{0,12}")
}

fn items() -> impl Strategy<Value = Vec<(String, Option<String>)>> {
    let item = prop_oneof![
        "[a-z]{1,12}",
        Just("1.10".to_owned()),
        Just("'yes'".to_owned()),
        Just("'*-x'".to_owned()),
        Just(r#""a\x2db""#.to_owned()),
        "'[a-z]{30,60}'",
    ];
    proptest::collection::vec((item, comment()), 0..5)
}

/// A field of a policy or an override, indented.
fn field(indent: usize) -> impl Strategy<Value = (usize, String)> {
    let names = [
        ("mode", Some("warn")),
        ("requireTag", Some("false")),
        ("denialHint", Some("'a b: c'")),
        ("updates", Some("all")),
        ("blockedTags", None),
        ("allowedTags", None),
        ("messages", Some("{missing-tag: 'a b', blocked-tag: c}")),
    ];
    let pad = " ".repeat(indent);
    (0..names.len(), items(), comment(), comment(), 0_usize..3, any::<bool>()).prop_map(
        move |(which, items, above, beside, style, blank)| {
            let (name, value) = names[which];
            let blank = if blank { "\n" } else { "" };
            let above = above.map(|text| format!("{blank}{pad}#{text}\n")).unwrap_or_default();
            let text = match value {
                Some(value) => {
                    let beside = beside.map(|text| format!(" #{text}")).unwrap_or_default();
                    format!(" {value}{beside}\n")
                }
                None => list(items, indent, style),
            };
            (which, format!("{above}{pad}{name}:{text}{blank}"))
        },
    )
}

fn fields(indent: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(field(indent), 0..6).prop_map(|mut fields| {
        let mut seen = Vec::new();
        fields.retain(|(which, _)| {
            !seen.contains(which) && {
                seen.push(*which);
                true
            }
        });
        fields.into_iter().map(|(_, text)| text).collect()
    })
}

fn policy() -> impl Strategy<Value = String> {
    let overrides = proptest::collection::vec((fields(4), comment(), comment()), 0..3);
    (comment(), fields(0), overrides, comment(), any::<bool>()).prop_map(
        |(header, base, overrides, end, blank)| {
            let header = header.map(|text| format!("#{text}\n{}", if blank { "\n" } else { "" }));
            let mut text = header.unwrap_or_default();
            let list: Vec<String> = overrides
                .into_iter()
                .enumerate()
                .map(|(index, (fields, above, inside))| {
                    let above = above.map(|text| format!("  #{text}\n")).unwrap_or_default();
                    let inside = inside.map(|text| format!("    #{text}\n")).unwrap_or_default();
                    format!(
                        "{above}  - name: o{index}\n    namespaces: [ns{index}]\n{fields}{inside}"
                    )
                })
                .collect();
            if !list.is_empty() {
                text.push_str("overrides:\n");
                text.push_str(&list.concat());
            }
            text.push_str(&base);
            text.push_str("templates: enforce\n");
            text.push_str(&end.map(|text| format!("#{text}\n")).unwrap_or_default());
            text
        },
    )
}

/// The comments of a text that has no `#` in a text of its own.
fn comments(text: &str) -> Vec<&str> {
    let mut found: Vec<_> =
        text.lines().filter_map(|line| line.find('#').map(|at| line[at..].trim_end())).collect();
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn the_policy_and_its_comments_stay_and_the_second_time_nothing_changes(text in policy()) {
        let once = format(&text);
        prop_assert!(once.is_ok(), "{:?}\n{}", once, text);
        let once = once.unwrap();
        prop_assert_eq!(hash(&once), hash(&text), "{}", &text);
        prop_assert_eq!(comments(&once), comments(&text), "{}\n{}", &text, &once);
        prop_assert_eq!(formatted(&once), once.clone(), "{}\n{}", &text, &once);
        prop_assert!(once.lines().all(|line| line == line.trim_end()), "{}", &once);
        prop_assert!(!once.contains("\n\n\n") && once.ends_with('\n'), "{}", &once);
    }
}

//! Laws of parsing and folding that hold for every text.

use imagegate_core::image::{Reference, fold_registry};
use proptest::prelude::*;

/// Hosts of every kind the grammar has, spelled in every way that is folded.
fn host() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "(index[.]|registry-1[.])?docker[.]io",
        "[a-zA-Z0-9]([a-zA-Z0-9-]{0,4}[a-zA-Z0-9])?([.][a-zA-Z0-9]{1,4}){0,3}",
        "(localhost|LOCALHOST|Localhost)",
        "\\[[0-9a-fA-F:]{1,8}\\]",
    ];
    (name, "(:0{0,2}(443|[0-9]{1,5}))?", any::<bool>()).prop_map(|(name, port, upper)| {
        if upper { name.to_uppercase() + &port } else { name + &port }
    })
}

fn repository() -> impl Strategy<Value = String> {
    "(library/)?[a-z0-9]{1,5}(([.]|_|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,4}){0,2}"
}

/// Texts that are references, but for a host that may turn out to be none.
fn reference() -> impl Strategy<Value = String> {
    let host = prop_oneof![Just(String::new()), host().prop_map(|host| host + "/")];
    let tag = "(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,8})?";
    let digest = "(@sha256:[0-9a-f]{64}|@sha384:[0-9a-f]{96}|@sha512:[0-9a-f]{128})?";
    (host, repository(), tag, digest)
        .prop_map(|(host, path, tag, digest)| host + &path + &tag + &digest)
}

/// Texts of what references are made of, in any order.
fn jumble() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9:/@._\\[\\] -]",
        "(docker[.]io|FOO|foo|localhost|library|:0?443|://|sha256:|a{64}|\\[::1\\]|é|\n)",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_canonical_form_is_a_fixed_point(text in prop_oneof![reference(), jumble()]) {
        let Ok(read) = Reference::parse(&text) else { return Ok(()) };
        let canonical = read.to_string();
        let again = Reference::parse(&canonical);
        prop_assert!(again.is_ok(), "{text:?} is {canonical:?}, which is {again:?}");
        let again = again.unwrap();
        prop_assert_eq!(again.registry(), read.registry());
        prop_assert_eq!(again.repository(), read.repository());
        prop_assert_eq!(again.tag(), read.tag());
        prop_assert_eq!(again.digest(), read.digest());
        prop_assert_eq!(again.to_string(), canonical.as_str());
        prop_assert!(!again.is_short_name(), "{text:?} is {canonical:?}, a short name");
    }

    #[test]
    fn a_reference_is_read_as_it_was_put_together(
        host in host(),
        path in repository(),
        tag in proptest::option::of("[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,8}"),
        digest in proptest::option::of("sha256:[0-9a-f]{64}"),
    ) {
        prop_assume!(is_host(&host));
        let tagged = tag.as_ref().map_or(String::new(), |tag| format!(":{tag}"));
        let pinned = digest.as_ref().map_or(String::new(), |digest| format!("@{digest}"));
        let text = format!("{host}/{path}{tagged}{pinned}");
        let read = Reference::parse(&text);
        prop_assert!(read.is_ok(), "{text:?} is {read:?}");
        let read = read.unwrap();
        let official = read.registry() == "docker.io" && !path.contains('/');
        prop_assert_eq!(read.registry(), fold_registry(&host).unwrap());
        prop_assert_eq!(read.repository(), if official { format!("library/{path}") } else { path });
        prop_assert_eq!(read.tag(), tag.as_deref());
        prop_assert_eq!(read.digest(), digest.as_deref());
        prop_assert!(!read.is_short_name());
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(text in prop_oneof![any::<String>(), jumble()]) {
        if let Ok(read) = Reference::parse(&text) {
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
            prop_assert!(read.repository().len() <= 255);
            prop_assert!(read.tag().is_none_or(|tag| tag.len() <= 128));
            prop_assert_eq!(read.written(), text.as_str());
        }
        let _ = fold_registry(&text);
    }

    #[test]
    fn text_behind_an_allowed_host_makes_it_another(
        allowed in prop_oneof![Just("docker.io"), Just("gcr.io"), Just("localhost"), Just("[::1]")],
        suffix in prop_oneof![
            any::<String>(),
            "[a-z0-9.:@_-]{0,6}",
            ":0{0,3}(443|[0-9]{1,4})",
            "[.:@](443|evil[.]example)?",
        ],
    ) {
        prop_assume!(!suffix.contains('/'));
        let text = format!("{allowed}{suffix}/x:1");
        let Ok(read) = Reference::parse(&text) else { return Ok(()) };
        let same = suffix.is_empty() || is_https(&suffix);
        prop_assert_eq!(
            read.registry() == allowed && !read.is_short_name(),
            same,
            "{:?} is {}",
            text,
            read
        );
    }

    #[test]
    fn text_before_an_allowed_host_makes_it_another(
        prefix in prop_oneof![any::<String>(), "[a-zA-Z0-9.:@_/-]{1,8}", "(x[.]|x-|x@|X/|x:1/)"],
    ) {
        prop_assume!(!prefix.is_empty() && !prefix.to_ascii_lowercase().starts_with("gcr.io"));
        let text = format!("{prefix}gcr.io/x:1");
        let Ok(read) = Reference::parse(&text) else { return Ok(()) };
        prop_assert_ne!(read.registry(), "gcr.io", "{:?}", text);
    }

    #[test]
    fn folding_is_idempotent(host in prop_oneof![host(), "[a-zA-Z0-9.:\\[\\]-]{0,10}"]) {
        let Ok(folded) = fold_registry(&host) else { return Ok(()) };
        prop_assert_eq!(fold_registry(&folded).unwrap(), &*folded);
        // A lower-case word is no host, and so it is not what it is in upper case.
        prop_assume!(is_host(&host));
        let upper = host.to_ascii_uppercase();
        prop_assert_eq!(fold_registry(&upper).unwrap(), &*folded);
        // In front of a slash it is a host, and so a pattern can mean what a reference names.
        let text = format!("{folded}/x");
        let read = Reference::parse(&text).map(|read| (read.registry().to_owned(), read.is_short_name()));
        prop_assert_eq!(read, Ok((folded.into_owned(), false)));
    }

    #[test]
    fn a_folded_host_is_not_copied(host in host()) {
        let folded = fold_registry(&host).unwrap().into_owned();
        prop_assert!(matches!(fold_registry(&folded), Ok(std::borrow::Cow::Borrowed(_))));
    }
}

#[test]
fn single_words_keep_the_port_that_makes_them_hosts() {
    for (written, folded) in [
        ("FOO", "foo:443"),
        ("foo", "foo"),
        ("foo:443", "foo:443"),
        ("foo:0443", "foo:443"),
        ("foo:80", "foo:80"),
        ("localhost:443", "localhost"),
        ("LOCALHOST", "localhost"),
        ("gcr.io:0443", "gcr.io"),
        ("gcr.io:05000", "gcr.io:5000"),
        ("gcr.io:000", "gcr.io:0"),
        ("Index.Docker.io:00443", "docker.io"),
        ("index.docker.io:80", "index.docker.io:80"),
        ("[::1]:443", "[::1]"),
        ("[ABCD]", "[abcd]:443"),
    ] {
        assert_eq!(fold_registry(written).unwrap(), folded, "{written}");
    }
}

fn is_host(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost" || text != text.to_ascii_lowercase()
}

fn is_https(suffix: &str) -> bool {
    suffix.strip_prefix(':').is_some_and(|port| port.trim_start_matches('0') == "443")
}

#[test]
fn an_address_in_brackets_is_folded_as_a_whole() {
    for (written, folded) in [
        ("[2001:DB8::A]", "[2001:db8::a]"),
        ("[2001:db8:0::1]:5000", "[2001:db8::1]:5000"),
        ("[2001:0db8:0:0:0:0:0:0001]:05000", "[2001:db8::1]:5000"),
        ("[0:0:0:0:0:0:0:1]:443", "[::1]"),
        ("[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]"),
        ("[ABC]:443", "[abc]:443"),
        ("[::01]", "[::1]"),
        ("[::A]:05000", "[::a]:5000"),
        ("[::A]:443", "[::a]"),
    ] {
        assert_eq!(fold_registry(written).unwrap(), folded, "{written}");
    }
}

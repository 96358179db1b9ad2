//! Laws of an import that hold for every list and every image.

use imagegate_import::{documents, import};
use proptest::prelude::*;

use super::{admits, compiled, imported};

/// An image that is spelled as it is normalised, and below a host.
fn image() -> impl Strategy<Value = String> {
    let host = "(gcr\\.io|gcr\\.iox|a\\.gcr\\.io|r\\.corp:5000|docker\\.io/acme)";
    (host, "(/[ab]{1,3}){1,3}", "(:1|:latest)?").prop_map(|(host, path, tag)| host + &path + &tag)
}

fn prefix() -> impl Strategy<Value = String> {
    let host = "(gcr\\.io|gcr\\.i|a\\.gcr\\.io|r\\.corp:5000|docker\\.io/acme)";
    (host, "(/[ab]{1,2}){0,2}", "/?").prop_map(|(host, path, end)| host + &path + &end)
}

fn glob() -> impl Strategy<Value = String> {
    let host = "(gcr\\.io|\\*\\.io|r\\.corp:5000|docker\\.io/acme|\\*)/";
    (host, "([ab*]{1,3}/){0,2}", "([ab]{0,2}\\*|[ab]{1,2}:\\*|[ab]{1,2})")
        .prop_map(|(host, path, end)| host + &path + &end)
}

/// Whether a glob of Kyverno matches: `*` is any run of characters, `?` is one.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(glob, text))
        }
        (Some((expected, glob)), Some((found, text))) => {
            (expected == found || *expected == b'?') && matches(glob, text)
        }
        _ => false,
    }
}

fn constraint(kind: &str, repos: &[String]) -> String {
    format!(
        "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: {kind}\nmetadata: {{name: a}}\n\
         spec: {{parameters: {{repos: {repos:?}}}}}\n"
    )
}

proptest! {
    #[test]
    fn prefixes_are_kept_exactly_or_made_stricter(
        repos in proptest::collection::vec(prefix(), 1..4),
        images in proptest::collection::vec(image(), 1..10),
    ) {
        let stricter = compiled(&imported(&constraint("K8sAllowedRepos", &repos), false));
        let exact = compiled(&imported(&constraint("K8sAllowedRepos", &repos), true));
        let blocking = compiled(&imported(&constraint("K8sDisallowedRepos", &repos), false));
        for image in images {
            let covered = repos.iter().any(|repo| image.starts_with(repo));
            prop_assert_eq!(admits(&exact, "default", &image), covered, "{}", image);
            prop_assert!(!admits(&stricter, "default", &image) || covered, "{}", image);
            prop_assert_eq!(admits(&blocking, "default", &image), !covered, "{}", image);
        }
    }

    #[test]
    fn globs_are_never_made_wider(
        globs in proptest::collection::vec(glob(), 1..3),
        images in proptest::collection::vec(image(), 1..10),
        exactly in any::<bool>(),
    ) {
        let image_pattern = globs.join(" | ");
        let text = format!(
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: a}}\nspec:\n  rules:\n  \
             - name: r\n    validate: {{pattern: {{spec: {{containers: [{{image: {image_pattern:?}}}]}}}}}}\n"
        );
        let policy = compiled(&imported(&text, exactly));
        for image in images {
            let mut covered = globs.iter().any(|glob| matches(glob.as_bytes(), image.as_bytes()));
            // What a note says: whether there is a tag is not looked at.
            let (_, last) = image.rsplit_once('/').unwrap();
            if !last.contains(':') {
                let tagged = format!("{image}:1");
                covered |= globs.iter().filter(|glob| glob.ends_with(":*")).any(|glob| matches(glob.as_bytes(), tagged.as_bytes()));
            }
            prop_assert!(!admits(&policy, "default", &image) || covered, "{}", image);
        }
    }

    #[test]
    fn what_is_refused_there_is_refused_here(
        glob in "(q|quay|docker\\.io/)?[*?]{0,1}(quay|q|a)?[*?]{0,1}(/[ab*]{1,2}){0,2}(:1|:1\\*|\\*)?",
        images in proptest::collection::vec("(quay(\\.io)?/|docker\\.io/|q/)?[aq](/[ab])?(:1|:12)?", 1..10),
    ) {
        let text = format!(
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: a}}\nspec:\n  rules:\n  \
             - name: r\n    validate: {{pattern: {{spec: {{containers: [{{image: '!{glob}'}}]}}}}}}\n"
        );
        let imported = imported(&text, false);
        let left_out = imported.notes.iter().any(|note| note.to_string().contains("left out"));
        let policy = compiled(&imported);
        for image in images {
            let is_refused = matches(glob.as_bytes(), image.as_bytes());
            let is_admitted = admits(&policy, "default", &image);
            prop_assert!(left_out || !is_refused || !is_admitted, "{} {}", glob, image);
        }
    }

    #[test]
    fn whatever_is_read_becomes_a_policy(
        texts in proptest::collection::vec("[a-z0-9.*?:/@|&!^$()\\[\\]{} -]{0,12}", 4),
        exactly in any::<bool>(),
    ) {
        let [one, other, tag, namespace] = texts.as_slice() else { panic!("{texts:?}") };
        let text = format!(
            "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sAllowedReposv2\n\
             metadata: {{name: {one:?}}}\n\
             spec: {{match: {{namespaces: [{namespace:?}]}}, parameters: {{allowedImages: [{one:?}]}}}}\n\
             ---\napiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: a}}\nspec:\n  rules:\n  \
             - name: r\n    validate: {{pattern: {{spec: {{containers: [{{image: {other:?}}}]}}}}}}\n\
             ---\nregistries: {{reject: [{other:?}]}}\ntags: {{reject: [{tag:?}]}}\n\
             ---\ndata: {{ALLOWED_REGISTRIES: {one:?}, BLOCKED_TAGS: {tag:?}}}\n"
        );
        let documents = documents("f", &text).unwrap();
        compiled(&import(&documents, exactly));
    }

    #[test]
    fn no_expression_breaks_the_reader(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("object.spec.containers"), Just(".all(c, "), Just("c.image"), Just(")"),
                Just(".startsWith('gcr.io/')"), Just(" && "), Just(" || "), Just("!"), Just("["),
                Just("]"), Just("'x'"), Just(" ? "), Just(" : "), Just("has("), Just(" in "), Just("-"),
                Just(".exists(p, "), Just("c.image.startsWith(p)"), Just("{"), Just("}"), Just("1"),
            ],
            0..12,
        ),
    ) {
        let expression = parts.concat();
        let text = format!(
            "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {{name: a}}\n\
             spec: {{validations: [{{expression: {expression:?}}}]}}\n"
        );
        compiled(&imported(&text, false));
    }
}

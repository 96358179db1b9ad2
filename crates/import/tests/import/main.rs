//! One policy per source, in its format, with images and the verdicts there and here.

mod gatekeeper;
mod kubewarden;
mod kyverno;
mod kyverno_scopes;
mod original;
mod policies_in_cel;
mod properties;
mod selectors;
mod together;

use imagegate_core::policy::{ContainerImage, Documents, Policy, Subject, compile};
use imagegate_import::{Imported, documents, import};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What a text becomes.
fn imported(text: &str, exactly: bool) -> Imported {
    import(&documents("policy", text).unwrap(), exactly)
}

fn compiled(imported: &Imported) -> Policy {
    match compile(&Documents::full_form(&*imported.policy)) {
        Ok((policy, _)) => policy,
        Err(problems) => panic!("{problems}\n{}", imported.policy),
    }
}

/// Whether the policy admits an image without a word: not by a mode that only warns.
fn admits(policy: &Policy, namespace: &str, image: &str) -> bool {
    let subject = Subject { namespace, ..Subject::default() };
    let image = ContainerImage {
        container: "a".into(),
        image: Some(image.into()),
        ..ContainerImage::default()
    };
    policy.evaluate(&subject, [&image]).violations.is_empty()
}

/// Compares verdicts. A row is `there here image [namespace]`, where `+` admits and `-` refuses. They may
/// differ only if a note says something, and where it differs this is the stricter of the two unless
/// the row says `wider`.
fn verdicts(imported: &Imported, rows: &str) {
    let policy = compiled(imported);
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let [there, here, image, rest @ ..] = words.as_slice() else { panic!("{row}") };
        let namespace = rest.iter().find(|word| **word != "wider").copied().unwrap_or("default");
        let image = image.replace("DIGEST", DIGEST);
        let found = if admits(&policy, namespace, &image) { "+" } else { "-" };
        assert_eq!(found, *here, "{row}\n{}", imported.policy);
        if there != here {
            assert!(!imported.notes.is_empty(), "{row} differs, and no note says so");
            let is_wider = rest.contains(&"wider");
            assert_eq!(is_wider, *here == "+", "{row}");
        }
    }
}

/// The notes hold these texts, in this order, and no others.
fn notes(imported: &Imported, expected: &[&str]) {
    let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), expected.len(), "{notes:#?}");
    for (note, expected) in notes.iter().zip(expected) {
        assert!(note.contains(expected), "{expected} is not in {note}");
        assert!(imported.policy.contains(note), "{note}");
    }
}

/// Each line of the policy that says something has a comment.
fn commented(imported: &Imported) {
    for line in imported.policy.lines().filter(|line| !line.starts_with('#')) {
        let heads =
            ["allowedRegistries:", "blockedRegistries:", "blockedTags:", "allowedTags:", "images:"];
        let is_head = heads.iter().any(|head| line.trim() == *head);
        let of_scope = [
            "overrides:",
            "exemptions:",
            "- name:",
            "namespaces:",
            "podSelector:",
            "reason:",
            "rules:",
        ];
        let of_scope = of_scope.iter().any(|start| line.trim().starts_with(start));
        let is_plain = line.is_empty() || is_head || of_scope;
        assert!(is_plain || line.contains(" # "), "{line}");
    }
}

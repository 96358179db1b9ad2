//! Every policy of the project is in the style of `imagegate fmt`: the examples, those of the pages, and
//! what `propose` and `import` print.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::command::{imagegate, imagegate_with};
use imagegate_core::policy::{Unformatted, format};

#[test]
fn the_policies_of_the_project_are_in_the_one_style() {
    let ran = imagegate("fmt --check config");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[test]
fn the_policies_of_the_pages_are_in_the_one_style() {
    let mut policies = 0;
    let mut pages = pages(Path::new("docs"));
    pages.push("README.md".into());
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("\n```yaml\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            match format(block) {
                Ok(formatted) => assert_eq!(block, formatted, "{}\n{formatted}", page.display()),
                // Of another kind, or a part of one.
                Err(Unformatted::Invalid(_)) => continue,
                Err(refused) => panic!("{}: {refused:?}\n{block}", page.display()),
            }
            policies += 1;
        }
    }
    assert!(policies >= 30, "{policies}");
}

#[test]
fn what_is_printed_as_a_policy_is_in_the_one_style() {
    let pods = fs::read_to_string("tests/data/propose/pods.json").unwrap();
    let tags = "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sDisallowedTags\n\
                metadata: {name: tags}\nspec: {parameters: {tags: [latest]}}\n";
    for (arguments, input) in [
        (&["propose", "-f", "-"][..], &*pods),
        (&["propose", "-f", "-", "--tight"], &pods),
        (&["import", "-"], tags),
    ] {
        let printed = imagegate_with(arguments, input, &[]);
        let checked = imagegate_with(&["fmt", "--check", "-"], &printed.out, &[]);
        assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{}", printed.out);
    }
    let exempting =
        "propose -f - --exempt-existing --owner a --expires 2999-01-31 --policy config/policy";
    let words: Vec<_> = exempting.split(' ').collect();
    let printed = imagegate_with(&words, &pods, &[]);
    assert!(printed.out.contains("exemptions:\n  - name: "), "{}", printed.err);
    let checked = imagegate_with(&["fmt", "--check", "-"], &printed.out, &[]);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{}", printed.out);
}

fn pages(directory: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(self::pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}

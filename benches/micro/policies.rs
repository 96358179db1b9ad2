//! Policies with many rules of mixed kinds: mostly exact ones, as people write them, and globs of
//! every sort.

use std::fmt::Write as _;

use imagegate_core::policy::{Documents, Policy, compile};

/// The registry rule at `index`: of ten, three hosts, three paths, three globs and a glob with a
/// path.
fn registry(index: usize) -> String {
    match index % 10 {
        0..=2 => format!("registry-{index}.example.com"),
        3..=5 => format!("shared.example.com/team-{index}"),
        6 => format!("*.region-{index}.example.net"),
        7 => format!("shared.example.com/group-{index}-*"),
        8 => format!("cache-{index}.*.example.org"),
        _ => format!("*.region-{index}.example.net/acme"),
    }
}

/// The tag rule at `index`: of ten, eight exact ones and two globs.
fn tag(index: usize) -> String {
    match index % 10 {
        0..=7 => format!("build-{index}"),
        8 => format!("snapshot-{index}-*"),
        _ => format!("*-rc{index}"),
    }
}

/// Documents whose policy allows `count` registries and blocks `count` tags.
pub(crate) fn documents(registries: usize, tags: usize) -> Documents {
    let mut yaml = String::from("allowedRegistries:\n");
    for index in 0..registries {
        writeln!(yaml, "- \"{}\"", registry(index)).unwrap();
    }
    yaml.push_str("blockedTags:\n");
    for index in 0..tags {
        writeln!(yaml, "- \"{}\"", tag(index)).unwrap();
    }
    Documents::full_form(yaml)
}

/// The policy of [`documents`].
pub(crate) fn policy(registries: usize, tags: usize) -> Policy {
    match compile(&documents(registries, tags)) {
        Ok((policy, _)) => policy,
        Err(problems) => panic!("{problems:?}"),
    }
}

//! The policy as YAML, with a comment at each line where it comes from.

use imagegate_core::policy::printable;

use crate::assemble::{Assembled, Override, Rules};
use crate::demand::{Entry, Pull};

/// The text of a `policy.yaml`.
pub(crate) fn yaml(policy: &Assembled) -> String {
    let mut out = Lines::default();
    out.push("# Written by `imagegate import`; each comment says where its line comes from.");
    if !policy.notes.is_empty() {
        out.push("#");
        out.push("# What is not said exactly as there:");
        for note in &policy.notes {
            out.push(&format!("#   {note}"));
        }
    }
    out.push("");
    out.rules("", &policy.base, None);
    if !policy.overrides.is_empty() {
        out.push("overrides:");
    }
    for (index, Override { namespaces, pods, rules }) in policy.overrides.iter().enumerate() {
        out.push(&format!("  - name: imported-{}", index + 1));
        if !namespaces.is_empty() {
            out.push(&format!("    namespaces: {}", quoted_list(namespaces)));
        }
        if let Some(selector) = pods {
            // YAML reads JSON.
            out.push(&format!("    podSelector: {selector}"));
        }
        out.rules("    ", rules, Some(&policy.base));
    }
    if !policy.exemptions.is_empty() {
        out.push("exemptions:");
    }
    for (index, exemption) in policy.exemptions.iter().enumerate() {
        out.push(&format!("  - name: imported-{}", index + 1));
        out.entries("    ", "images", &exemption.images, "");
        out.push(&format!("    rules: [{}]", exemption.rules.join(", ")));
        if !exemption.scope.namespaces.is_empty() {
            out.push(&format!("    namespaces: {}", quoted_list(&exemption.scope.namespaces)));
        }
        out.push(&format!(
            "    reason: {}",
            quoted(&format!("imported from {}", exemption.source))
        ));
    }
    out.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn commented(&mut self, line: &str, comment: &str) {
        let comment = printable(comment);
        self.push(&if comment.is_empty() {
            line.to_owned()
        } else {
            format!("{line} # {comment}")
        });
    }

    /// The rules; with a base, those fields alone that differ from it, and the mode.
    fn rules(&mut self, indent: &str, rules: &Rules, base: Option<&Rules>) {
        let from = match rules.sources.as_slice() {
            [] => "no source demands anything here".to_owned(),
            sources => sources.join(", "),
        };
        let differs = |of: fn(&Rules, &Rules) -> bool| base.is_none_or(|base| of(rules, base));
        self.commented(&format!("{indent}mode: {}", rules.mode.name()), &from);
        if differs(|a, b| a.allowed_registries != b.allowed_registries) {
            match &rules.allowed_registries {
                Some(entries) => self.entries(indent, "allowedRegistries", entries, ""),
                None => self.commented(
                    &format!("{indent}allowedRegistries: [\"*\"]"),
                    "no source says from where images may come",
                ),
            }
        }
        if differs(|a, b| a.blocked_registries != b.blocked_registries) {
            let entries = &rules.blocked_registries;
            self.entries(indent, "blockedRegistries", entries, "no source refuses a registry");
        }
        if differs(|a, b| a.blocked_tags != b.blocked_tags) {
            self.entries(indent, "blockedTags", &rules.blocked_tags, "no source refuses a tag");
        }
        if differs(|a, b| a.allowed_tags != b.allowed_tags) {
            let (entries, why_none) = match &rules.allowed_tags {
                Some(entries) => (entries.as_slice(), ""),
                None => (&[][..], "no source lists tags"),
            };
            self.entries(indent, "allowedTags", entries, why_none);
        }
        let mut flag = |name: &str, place: &Option<String>| {
            let line = format!("{indent}{name}: {}", place.is_some());
            self.commented(&line, place.as_deref().unwrap_or("no source requires it"));
        };
        if differs(|a, b| a.require_tag != b.require_tag) {
            flag("requireTag", &rules.require_tag);
        }
        if differs(|a, b| a.require_digest != b.require_digest) {
            flag("requireDigest", &rules.require_digest);
        }
        // Few sources ask for it, and where none does nothing is said.
        if base.map_or(rules.require_pull.is_some(), |base| rules.require_pull != base.require_pull)
        {
            let (name, from) = match &rules.require_pull {
                Some(Pull { is_for_all: true, from }) => ("always", from.as_str()),
                Some(Pull { from, .. }) => ("alwaysForMutableTags", from.as_str()),
                None => ("any", "no source requires it"),
            };
            self.commented(&format!("{indent}imagePullPolicy: {name}"), from);
        }
        if differs(|a, b| a.short_names != b.short_names) {
            let (name, why) = if rules.short_names {
                ("dockerHub", "there an image may leave its registry out")
            } else {
                ("deny", "there every image names its registry")
            };
            self.commented(&format!("{indent}shortNames: {name}"), why);
        }
    }

    fn entries(&mut self, indent: &str, field: &str, entries: &[Entry], why_none: &str) {
        if entries.is_empty() {
            return self.commented(&format!("{indent}{field}: []"), why_none);
        }
        self.push(&format!("{indent}{field}:"));
        for entry in entries {
            self.commented(&format!("{indent}  - {}", quoted(&entry.pattern)), &entry.from);
        }
    }
}

/// A text in double quotes, whose escapes YAML shares with JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn quoted_list(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

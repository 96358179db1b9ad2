//! A file's text with its policy in the one style: the whole of it, or inside of a manifest.
//!
//! Of a manifest nothing else changes: not a byte in front of the policy, and none behind it.

use std::ffi::OsStr;
use std::path::Path;

use super::super::located::{Manifest, Origin, STDIN};
use super::super::policy_source::manifest;
use super::shown;
use imagegate_core::policy::{
    CANDIDATE_KEY, POLICY_KEY, Problems, SIMPLE_KEYS, Unformatted, format as core,
};

/// The text of a file, formatted.
pub(super) struct Formatted(pub(super) String);

/// Why a file is not formatted.
pub(super) enum Failure {
    /// Its policy has problems.
    Invalid(Problems),
    /// It cannot be read, or holds no policy that can be formatted.
    Unusable(String),
}

/// Formats the policy in the text of a file.
pub(super) fn format(path: &Path, text: &str) -> Result<Formatted, Failure> {
    let name = shown(path);
    if path.file_name().and_then(OsStr::to_str).is_some_and(|name| SIMPLE_KEYS.contains(&name)) {
        let hint = "the simple form is one line, in which there is nothing to format";
        return Err(Failure::Unusable(format!(
            "`{name}` is no policy in full form\n  hint: {hint}"
        )));
    }
    if path.extension() == Some(OsStr::new("json")) {
        let hint = format!("`imagegate fmt - < {name}` prints it as YAML");
        return Err(Failure::Unusable(format!("`{name}` is JSON\n  hint: {hint}")));
    }
    let Some((found, _)) = manifest(&name, text.as_bytes()) else {
        return policy(text, POLICY_KEY, &Origin::File(name)).map(Formatted);
    };
    let values =
        [POLICY_KEY, CANDIDATE_KEY].map(|key| found.keys.get(key).map(|(_, value)| value.clone()));
    if values.iter().all(Option::is_none) {
        let hint =
            format!("`{POLICY_KEY}` in it would be formatted; the simple form has one style only");
        let what = format!("`{name}` is a ConfigMap without a policy in full form");
        return Err(Failure::Unusable(format!("{what}\n  hint: {hint}")));
    }
    let origin = Origin::Manifest(found);
    let mut formatted = text.to_owned();
    for (key, value) in [POLICY_KEY, CANDIDATE_KEY].into_iter().zip(values) {
        let Some(value) = value else { continue };
        let wanted = policy(&value, key, &origin)?;
        if wanted.trim_end() != value.trim_end() {
            formatted = replaced(&name, &formatted, key, &wanted).ok_or_else(|| {
                let hint = format!("write it as `{key}: |`, with the policy in the lines below");
                let what = format!("{name}: `{key}` is not a literal block");
                Failure::Unusable(format!("{what}\n  hint: {hint}"))
            })?;
        }
    }
    Ok(Formatted(formatted))
}

/// Whether a text is the manifest of a ConfigMap with a policy in full form.
pub(super) fn is_manifest(text: &str) -> bool {
    manifest(STDIN, text.as_bytes()).is_some_and(|(Manifest { keys, .. }, _)| {
        keys.contains_key(POLICY_KEY) || keys.contains_key(CANDIDATE_KEY)
    })
}

fn policy(text: &str, key: &str, origin: &Origin) -> Result<String, Failure> {
    core(text).map_err(|unformatted| match unformatted {
        Unformatted::Invalid(mut problems) => {
            for problem in &mut problems.0 {
                key.clone_into(&mut problem.document);
            }
            Failure::Invalid(origin.problems(problems))
        }
        Unformatted::Refused(mut problem) => {
            key.clone_into(&mut problem.document);
            Failure::Unusable(origin.located(problem).to_string())
        }
    })
}

/// The manifest with another value of a key; `None` where the value is not a literal block.
fn replaced(path: &str, text: &str, key: &str, wanted: &str) -> Option<String> {
    let (before, _) = manifest(path, text.as_bytes())?;
    let ((line, _), value) = before.keys.get(key)?;
    let start = usize::try_from(line.checked_sub(1)?).ok()?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let count = value.lines().count();
    // The value is said to begin at its indicator, or in the line below.
    let (first, indent) = (start..start + 2).find_map(|first| {
        let written = lines.get(first..first.checked_add(count)?)?;
        let indent = written.first()?.len() - written.first()?.trim_start_matches(' ').len();
        let is_same = |(written, read): (&&str, &str)| {
            let written = written.trim_end_matches(['\n', '\r']);
            written.get(indent..).unwrap_or_default() == read
        };
        (indent > 0 && written.iter().zip(value.lines()).all(is_same)).then_some((first, indent))
    })?;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = lines.get(..first)?.concat();
    for line in wanted.lines() {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
        out.push_str(end);
    }
    let behind = lines.get(first + count..)?.concat();
    if behind.is_empty() && !text.ends_with('\n') {
        out.truncate(out.trim_end_matches(['\n', '\r']).len());
    }
    out.push_str(&behind);
    // Whatever else stands in the manifest says what it said.
    let (after, _) = manifest(path, out.as_bytes())?;
    let is_as_wanted = after.keys.len() == before.keys.len()
        && after.keys.iter().all(|(name, (_, value))| match before.keys.get(name) {
            Some(_) if name == key => value.trim_end() == wanted.trim_end(),
            Some((_, before)) => value == before,
            None => false,
        });
    is_as_wanted.then_some(out)
}

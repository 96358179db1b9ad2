//! The kinds that a policy names beside the built-in ones.
//!
//! A path is a JSON Pointer (RFC 6901), with `*` for every entry of a list or of a mapping.

use super::dns::is_dns_name;
use crate::policy::judge::verdict::TemplateMode;
use crate::policy::judge::workloads::{Named, PodSpecPath, Step, Workloads};
use crate::policy::problem::{At, Report, shorten};
use crate::policy::read::source::{RawWorkload, Text};
use crate::policy::rules::fields::Rules;

/// A kind has the length of a DNS label, as for the API server.
const LONGEST_KIND: usize = 63;
/// The steps of a path. The deepest that is known has eight.
const MOST_STEPS: usize = 16;
/// Bytes of a path.
const LONGEST_PATH: usize = 512;
/// The object is gone through once for each path of its kind.
const MOST_PATHS: usize = 8;

/// Compiles the kinds with their paths.
pub(super) fn compile(raw: &[RawWorkload<'_>], report: &mut Report) -> Workloads {
    let mut workloads = Workloads::default();
    for each in raw {
        let group = required(each.group.as_ref(), &each.at, "group", "argoproj.io", report);
        let kind = required(each.kind.as_ref(), &each.at, "kind", "Rollout", report);
        let hint = "/spec/template/spec";
        let path = required(each.pod_spec.as_ref(), &each.at, "podSpec", hint, report);
        let group = group.filter(|group| check_group(group, report));
        let kind = kind.filter(|kind| check_kind(kind, report));
        let path = path.and_then(|text| Some((text, pod_spec(text, report)?)));
        if let (Some(group), Some(kind), Some(path)) = (group, kind, path) {
            add(&mut workloads, &group.value, &kind.value, path, report);
        }
    }
    workloads
}

/// Warns of kinds that are named and, since no template is judged anywhere, never judged.
pub(super) fn warn_if_ignored<'r>(
    raw: &[RawWorkload<'_>],
    mut rules: impl Iterator<Item = &'r Rules>,
    report: &mut Report,
) {
    let Some(first) = raw.first() else { return };
    if rules.all(|rules| rules.templates == TemplateMode::Ignore) {
        let message = "`workloads` has no effect while `templates` is `ignore`";
        report.warning(&first.at, message, Some("write `templates: warn` or `templates: enforce`"));
    }
}

fn required<'r, 'a>(
    text: Option<&'r Text<'a>>,
    at: &At,
    field: &str,
    example: &str,
    report: &mut Report,
) -> Option<&'r Text<'a>> {
    if text.is_none() {
        let hint = format!("write `{field}: {example}`, or what it is for this kind");
        report.problem(at, format!("the workload has no `{field}`"), Some(&hint));
    }
    text
}

/// The API server wants a dot in the group of a custom resource, and no built-in workload has one.
fn check_group(group: &Text<'_>, report: &mut Report) -> bool {
    let text = &*group.value;
    if text.contains('.') && is_dns_name(text) {
        return true;
    }
    let (message, hint) = match text {
        "" | "apps" | "batch" | "extensions" => (
            format!("the group `{text}` is built in"),
            "Pods and the built-in pod templates are judged without being named",
        ),
        _ => (
            format!("`{}` is not the group of a custom resource", shorten(text)),
            "write the group without the version, such as `argoproj.io`",
        ),
    };
    report.problem(&group.at, message, Some(hint));
    false
}

fn check_kind(kind: &Text<'_>, report: &mut Report) -> bool {
    let text = &*kind.value;
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_kind = text.len() <= LONGEST_KIND
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(inner)
        && !text.ends_with('-');
    if !is_kind {
        let hint = "write it as in a manifest, such as `Rollout`";
        report.problem(&kind.at, format!("`{}` is not a kind", shorten(text)), Some(hint));
    }
    is_kind
}

fn pod_spec(path: &Text<'_>, report: &mut Report) -> Option<PodSpecPath> {
    let text = &*path.value;
    let hint = "write the keys that lead to the pod spec, such as `/spec/template/spec`";
    let why = match steps(text) {
        Ok(steps) => return Some(PodSpecPath(steps)),
        Err(why) => why,
    };
    report.problem(&path.at, format!("`{}` is not a path: {why}", shorten(text)), Some(hint));
    None
}

fn steps(text: &str) -> Result<Box<[Step]>, String> {
    if text.len() > LONGEST_PATH {
        return Err(format!("it has more than {LONGEST_PATH} bytes"));
    }
    let Some(keys) = text.strip_prefix('/') else {
        return Err("it does not begin with `/`".to_owned());
    };
    let steps: Box<[Step]> = keys.split('/').map(step).collect::<Result<_, _>>()?;
    if steps.len() > MOST_STEPS {
        return Err(format!("it has more than {MOST_STEPS} steps"));
    }
    Ok(steps)
}

fn step(text: &str) -> Result<Step, String> {
    if text.is_empty() {
        return Err("a step is empty".to_owned());
    }
    if text == "*" {
        return Ok(Step::Every);
    }
    let mut pieces = text.split('~');
    let mut key = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (character, rest) = match (piece.strip_prefix('0'), piece.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => return Err("`~` is followed by neither `0`, for `~`, nor `1`, for `/`".to_owned()),
        };
        key.push(character);
        key.push_str(rest);
    }
    Ok(Step::Key(key.into()))
}

fn add(
    workloads: &mut Workloads,
    group: &str,
    kind: &str,
    (written, path): (&Text<'_>, PodSpecPath),
    report: &mut Report,
) {
    let Workloads(kinds) = workloads;
    let known = kinds.iter_mut().find(|each| &*each.group == group && &*each.kind == kind);
    let Some(named) = known else {
        let pod_specs = vec![path];
        return kinds.push(Named { group: group.into(), kind: kind.into(), pod_specs });
    };
    if named.pod_specs.contains(&path) {
        let message = format!("this path of the kind `{kind}` is there twice");
        report.problem(&written.at, message, Some("remove one of the two"));
    } else if named.pod_specs.len() == MOST_PATHS {
        let message = format!("the kind `{kind}` has more than {MOST_PATHS} paths");
        report.problem(&written.at, message, Some("write `*` for every entry of a list"));
    } else {
        named.pod_specs.push(path);
    }
}

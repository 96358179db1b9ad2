//! Exemptions with an end for what another policy would refuse: "block what is new, let what is
//! there run out".
//!
//! An exemption is for some repositories in some namespaces. Repositories that would be refused in
//! the same namespaces share one, so that there are as few as say exactly that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::scalar::{comment, scalar};
use super::yaml::rewritten;
use crate::image::Reference;
use crate::policy::{Documents, Policy, Problems, compile, names_repository};
use crate::usage::Usage;

/// What the exemptions say beside images and namespaces.
#[derive(Clone, Copy, Debug)]
pub struct Exempting<'a> {
    /// The last day, or moment, as the policy's `expires` has it.
    pub expires: &'a str,
    /// Who answers for them.
    pub owner: &'a str,
    /// Why they exist.
    pub reason: &'a str,
}

/// A policy with exemptions for what it would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExemptingPolicy {
    /// The policy in full form.
    pub yaml: String,
    /// How many exemptions were added.
    pub added: usize,
    /// How many images they are for.
    pub images: usize,
    /// What would be refused all the same, as written: texts that are no references, images whose
    /// repository no pattern names, and images in namespaces that no namespace can be called.
    pub left_out: Vec<String>,
}

/// Why there is no such policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExemptingError {
    /// An exemption with that end would exempt nothing.
    #[error("`expires` lies in the past")]
    Ended,
    /// The exemptions are not valid.
    #[error("{0}")]
    Problems(Problems),
}

/// An exemption to be added.
struct Exemption<'a> {
    name: String,
    /// Each with the images that are used of it.
    repositories: Vec<(&'a str, &'a Evidence<'a>)>,
    namespaces: &'a BTreeSet<&'a str>,
}

impl Exempting<'_> {
    /// Adds to `policy` the exemptions that `usages` need at `now`, in Unix seconds. `source` is
    /// the text of the policy, where there is one in full form: it is kept, with its comments,
    /// wherever the exemptions can be written into it.
    ///
    /// # Errors
    /// When the exemptions would not be valid, or be over.
    pub fn of<'a>(
        &self,
        policy: &Policy,
        source: Option<&str>,
        usages: impl IntoIterator<Item = Usage<'a>>,
        now: i64,
    ) -> Result<ExemptingPolicy, ExemptingError> {
        let (refused, left_out) = refused(policy, usages, now);
        let mut evidence: BTreeMap<&str, Evidence<'_>> = BTreeMap::new();
        for (repository, usage) in &refused {
            evidence.entry(repository).or_default().add(usage, repository);
        }
        let exemptions = grouped(policy, &evidence);
        let left_out = left_out.into_iter().map(str::to_owned).collect();
        let images = refused.iter().map(|(_, usage)| usage.image).collect::<BTreeSet<_>>().len();
        let form = self.normal_form(policy, &exemptions);
        let yaml = self.written(source, &exemptions, &form, now)?;
        Ok(ExemptingPolicy { yaml, added: exemptions.len(), images, left_out })
    }

    /// The normal form of the policy with the exemptions in front of its own.
    fn normal_form(&self, policy: &Policy, exemptions: &[Exemption<'_>]) -> Value {
        let mut form: Value = serde_json::from_str(&policy.to_json()).unwrap_or_default();
        let Self { expires, owner, reason } = self;
        let mut all: Vec<Value> = exemptions
            .iter()
            .map(|Exemption { name, repositories, namespaces }| {
                let images: Vec<_> =
                    repositories.iter().map(|(repository, _)| repository).collect();
                json!({
                    "name": name, "images": images, "namespaces": namespaces,
                    "reason": reason, "owner": owner, "expires": expires,
                })
            })
            .collect();
        if let Some(list) = form.get_mut("exemptions") {
            if let Value::Array(old) = list {
                all.append(old);
            }
            *list = Value::Array(all);
        }
        form
    }

    /// The text of the policy with the exemptions. However it is written, it is the policy whose
    /// normal form is `form`.
    fn written(
        &self,
        source: Option<&str>,
        exemptions: &[Exemption<'_>],
        form: &Value,
        now: i64,
    ) -> Result<String, ExemptingError> {
        let expected = compiled(&form.to_string()).map_err(ExemptingError::Problems)?;
        let is_over = |each: &crate::policy::Exemption| {
            each.is_expired(now) && exemptions.iter().any(|new| new.name == each.name())
        };
        if expected.exemptions().iter().any(is_over) {
            return Err(ExemptingError::Ended);
        }
        let items = |indent: &str| -> String {
            exemptions.iter().map(|each| self.item(each, indent)).collect()
        };
        let is_meant =
            |text: &String| compiled(text).is_ok_and(|policy| policy.hash() == expected.hash());
        let kept = source.and_then(|source| inserted(source, items).into_iter().find(is_meant));
        Ok(kept.unwrap_or_else(|| rewritten(form)))
    }

    fn item(&self, exemption: &Exemption<'_>, indent: &str) -> String {
        let Self { expires, owner, reason } = self;
        let Exemption { name, repositories, namespaces } = exemption;
        let mut yaml = format!("{indent}- name: {}\n{indent}  images:\n", scalar(name));
        for (repository, evidence) in repositories {
            let why = comment(&evidence.in_words());
            let _ = writeln!(yaml, "{indent}  - {}  {why}", scalar(repository));
        }
        let _ = writeln!(yaml, "{indent}  namespaces:");
        for namespace in *namespaces {
            let _ = writeln!(yaml, "{indent}  - {}", scalar(namespace));
        }
        for (field, text) in [("reason", reason), ("owner", owner), ("expires", expires)] {
            let _ = writeln!(yaml, "{indent}  {field}: {}", scalar(text));
        }
        yaml
    }
}

/// The uses that the policy refuses and an exemption can help, with their repositories; and the
/// images of those that none can.
fn refused<'a>(
    policy: &Policy,
    usages: impl IntoIterator<Item = Usage<'a>>,
    now: i64,
) -> (Vec<(String, Usage<'a>)>, BTreeSet<&'a str>) {
    let (mut refused, mut left_out) = (Vec::new(), BTreeSet::new());
    for usage in usages {
        let reference = Reference::parse(usage.image);
        let read = reference.as_ref().map_err(|error| *error);
        if !policy.outcome(&usage.subject(now), usage.form(), read).is_denied() {
            continue;
        }
        let reference = reference.ok().filter(|_| is_namespace(usage.namespace));
        let subject = usage.subject(now);
        let repository =
            reference.and_then(|reference| policy.judged_repository(&subject, &reference));
        match repository.filter(|repository| names_repository(repository)) {
            Some(repository) => refused.push((repository, usage)),
            None => {
                left_out.insert(usage.image);
            }
        }
    }
    (refused, left_out)
}

/// A label of RFC 1123, as Kubernetes wants of a namespace. Nothing else may be written as one: a
/// manifest in a namespace called `*` must not be an exemption for all.
fn is_namespace(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn grouped<'a>(
    policy: &Policy,
    evidence: &'a BTreeMap<&'a str, Evidence<'a>>,
) -> Vec<Exemption<'a>> {
    let mut groups: BTreeMap<&BTreeSet<&str>, Vec<_>> = BTreeMap::new();
    for (repository, evidence) in evidence {
        groups.entry(evidence.namespaces()).or_default().push((*repository, evidence));
    }
    let mut names: BTreeSet<String> =
        policy.exemptions().iter().map(|exemption| exemption.name().to_owned()).collect();
    groups
        .into_iter()
        .map(|(namespaces, repositories)| {
            let name = name(namespaces, &mut names);
            Exemption { name, repositories, namespaces }
        })
        .collect()
}

/// A name that no other exemption has: `existing-ci`, `existing-ci-and-2-more`, `existing-ci-2`.
fn name(namespaces: &BTreeSet<&str>, names: &mut BTreeSet<String>) -> String {
    /// What a name has room for beside the words around it.
    const LONGEST: usize = 32;
    let first = namespaces.first().copied().unwrap_or_default();
    let first = first.get(..LONGEST.min(first.len())).unwrap_or_default().trim_end_matches('-');
    let name = match namespaces.len() {
        1 => format!("existing-{first}"),
        count => format!("existing-{first}-and-{}-more", count - 1),
    };
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|each| !names.contains(each));
    let free = free.unwrap_or(name);
    names.insert(free.clone());
    free
}

/// Ways to write items into the list of exemptions of a text, in the order of preference. Not all
/// are right for every text: whoever uses one has to see what it means.
fn inserted(source: &str, items: impl Fn(&str) -> String) -> Vec<String> {
    let mut ways = Vec::new();
    if items("").is_empty() {
        ways.push(source.to_owned());
    }
    let mut end = 0;
    for line in source.split_inclusive('\n') {
        let start = end;
        end += line.len();
        let (before, after) =
            (source.get(..start).unwrap_or_default(), source.get(end..).unwrap_or_default());
        let Some(value) = line.strip_prefix("exemptions:") else { continue };
        if value.trim() == "[]" {
            ways.push(format!("{before}exemptions:\n{}{after}", items("")));
        }
        // As the items that are there, the first of which may come behind comments.
        let first = after.lines().find(|line| line.trim_start().starts_with("- "));
        let indent = first.map_or(0, |line| line.len() - line.trim_start().len());
        let line_end = if line.ends_with('\n') { "" } else { "\n" };
        ways.push(format!("{before}{line}{line_end}{}{after}", items(&" ".repeat(indent))));
    }
    let line_end = if source.is_empty() || source.ends_with('\n') { "" } else { "\n" };
    ways.push(format!("{source}{line_end}exemptions:\n{}", items("")));
    ways
}

fn compiled(text: &str) -> Result<Policy, Problems> {
    compile(&Documents::full_form(text)).map(|(policy, _)| policy)
}

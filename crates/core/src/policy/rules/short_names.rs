//! What short names such as `nginx:1.27` are taken for.

use std::sync::Arc;

use crate::image::{Reference, ReferenceError};
use crate::policy::pattern::registry_pattern::RegistryPattern;
use crate::policy::pattern::syntax::Pattern as _;
use crate::policy::problem::{At, Report, shorten};
use crate::policy::read::full::unknown_field;
use crate::policy::read::source::Text;
use crate::policy::read::values::{choice, text};
use crate::policy::read::yaml::{Node, Value as Written};
use crate::policy::rules::value::{Choice, Value};

/// What short names are taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum ShortNames {
    /// Refused: the node decides where a short name is pulled from.
    Deny,
    /// Names of Docker Hub, as most runtimes read them.
    DockerHub,
    /// Names below a place, for runtimes that look them up there: `host` or `host/path`, folded.
    Registry(Arc<str>),
}

/// As written in a policy or in an override.
#[derive(Clone, Debug)]
pub(in crate::policy) enum RawShortNames<'a> {
    Named(Named),
    Registry(Text<'a>),
}

/// What is written as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Named {
    Deny,
    DockerHub,
}

impl Choice for Named {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("deny", Self::Deny), ("dockerHub", Self::DockerHub)];
}

/// Reads one word, or a mapping with a registry.
pub(in crate::policy) fn read<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<RawShortNames<'a>> {
    let place = node.place;
    match node.value.owned() {
        Written::Mapping(fields) => {
            let mut registry = None;
            let mut is_named = false;
            for (key, node) in fields {
                let field = at.field(&key.name, node.place);
                match &*key.name {
                    "registry" => {
                        is_named = true;
                        registry = text(node, &field, report);
                    }
                    name => {
                        unknown_field(name, &at.at(key.place), ["registry"].into_iter(), report);
                    }
                }
            }
            if !is_named && !report.counts_only() {
                let hint = "write `shortNames: {registry: mirror.example.com/hub}`";
                report.problem(at, "the mapping names no registry", Some(hint));
            }
            registry.map(RawShortNames::Registry)
        }
        value => choice(Node { place, value }, at, report).map(RawShortNames::Named),
    }
}

/// Checks what was written; the report knows where it is no place.
pub(in crate::policy) fn compile(
    raw: &RawShortNames<'_>,
    report: &mut Report,
) -> Option<ShortNames> {
    let registry = match raw {
        RawShortNames::Named(Named::Deny) => return Some(ShortNames::Deny),
        RawShortNames::Named(Named::DockerHub) => return Some(ShortNames::DockerHub),
        RawShortNames::Registry(registry) => registry,
    };
    let bad = match RegistryPattern::parse(&registry.value) {
        Ok(RegistryPattern::Place { host, path: None }) if !host.contains('*') => {
            return Some(ShortNames::Registry(host.into()));
        }
        Ok(RegistryPattern::Place { host, path: Some(path) })
            if !host.contains('*') && !path.contains('*') =>
        {
            return Some(ShortNames::Registry(format!("{host}/{path}").into()));
        }
        Ok(_) => None,
        Err(bad) => Some(bad),
    };
    let message = bad.as_ref().map_or("is not one registry", |bad| &bad.message);
    let hint = bad.as_ref().and_then(|bad| bad.hint.as_deref());
    let hint = hint.unwrap_or("write `host` or `host/path`, as in `mirror.example.com/hub`");
    report.problem(&registry.at, format!("`{}` {message}", shorten(&registry.value)), Some(hint));
    None
}

impl ShortNames {
    /// The reference that the node pulls for what is written; where it looks that up below a place, read
    /// from `text`, which is filled.
    pub(in crate::policy) fn read<'t>(
        &self,
        written: &'t str,
        text: &'t mut String,
    ) -> Result<Reference<'t>, ReferenceError> {
        let reference = Reference::parse(written)?;
        self.looked_up(&reference, text).unwrap_or(Ok(reference))
    }

    /// The reference that the node pulls for a short name which it looks up below a place, read from
    /// `text`, which is filled. `None` where the reference is judged as it is.
    pub(in crate::policy) fn looked_up<'t>(
        &self,
        reference: &Reference<'_>,
        text: &'t mut String,
    ) -> Option<Result<Reference<'t>, ReferenceError>> {
        let Self::Registry(place) = self else { return None };
        if !reference.is_short_name() {
            return None;
        }
        *text = format!("{place}/{}", reference.written());
        Some(Reference::parse(text))
    }

    /// The value in the normal form.
    pub(in crate::policy) fn value(&self) -> Value {
        match self {
            Self::Deny => Value::choice(Named::Deny),
            Self::DockerHub => Value::choice(Named::DockerHub),
            Self::Registry(place) => Value::Field("registry", (**place).into()),
        }
    }
}

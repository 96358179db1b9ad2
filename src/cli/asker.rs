//! Who asks for an image, and how, as it stands on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use imagegate_check::Asker;
use imagegate_core::policy::{ContainerKind, PullPolicy};

/// Who asks, and where.
#[derive(Debug, clap::Args)]
pub(super) struct AskerFlags {
    /// Namespace for images, and for manifests without one
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The user who creates the Pod, for exemptions
    #[arg(long, default_value = "", hide_default_value = true)]
    user: String,
    /// A group of that user; can be repeated
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
}

impl AskerFlags {
    pub(super) fn asker(&self) -> Asker {
        let Self { namespace, user, group } = self;
        Asker { namespace: namespace.clone(), user: user.clone(), groups: group.clone() }
    }
}

/// Parses a pull policy as an object has it.
pub(super) fn pull_policy_parser() -> impl TypedValueParser<Value = PullPolicy> {
    let written = PullPolicy::WRITTEN.map(PullPolicy::as_str);
    PossibleValuesParser::new(written).map(|written| PullPolicy::of(&written))
}

/// Parses a kind of container as a policy names it.
pub(super) fn container_parser() -> impl TypedValueParser<Value = ContainerKind> {
    let names = ContainerKind::ALL.map(ContainerKind::as_str);
    PossibleValuesParser::new(names).map(|name| ContainerKind::named(&name).unwrap_or_default())
}

/// Parses a label: `app=web`.
pub(super) fn label(written: &str) -> Result<(String, String), String> {
    let label = written.split_once('=').filter(|(key, _)| !key.is_empty());
    let label = label.map(|(key, value)| (key.to_owned(), value.to_owned()));
    label.ok_or_else(|| "write it as `app=web`".to_owned())
}

//! `imagegate validate`: everything that is wrong with a policy, before it is applied.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::exit::Exit;
use super::policy_source::{self, Compiled};
use crate::clock;
use imagegate_core::policy::{
    CANDIDATE_KEY, Exemption, POLICY_KEY, Policy, Problem, UnchangedUpdates, Warning, printable,
};

/// An exemption that expires within so many seconds, 14 days, is warned of.
const SOON: i64 = 14 * 86_400;

/// Check a policy and print it with its defaults filled in
///
/// Exit codes: 0 the policy is valid, 2 it cannot be read, 3 it is not valid.
#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// A directory, a file, a ConfigMap manifest, or `-` [default: what `serve` would use]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Print only problems and warnings
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(validate: &Validate) -> Result<Exit> {
    let Compiled { policy, candidate, origin, unchanged_updates } =
        policy_source::compiled(validate.path.as_deref())?;
    let mut exit = Exit::Fine;
    for (name, key, compiled) in
        [("policy", POLICY_KEY, Some(policy)), ("candidate", CANDIDATE_KEY, candidate)]
    {
        match compiled {
            None => {}
            Some(Ok((policy, warnings))) => {
                for Warning(warning) in warnings {
                    super::say(&format!("warning: {warning}"));
                }
                let ending = policy.exemptions().iter().filter_map(expiry_warning);
                for message in ending {
                    let warning = origin.located(Problem::of_document(key, message));
                    super::say(&format!("warning: {warning}"));
                }
                // Where nothing is known of match conditions, this is no place to guess.
                if unchanged_updates == UnchangedUpdates::Skipped
                    && let Some(warning) = unchanged_updates.warning(&policy)
                {
                    let warning = origin.located(Problem::of_document(key, warning));
                    super::say(&format!("warning: {warning}"));
                }
                if !validate.quiet {
                    print(name, &policy)?;
                }
            }
            Some(Err(problems)) => {
                super::say(&problems.to_string());
                exit = Exit::InvalidPolicy;
            }
        }
    }
    Ok(exit)
}

/// What to say of an exemption that has expired or will soon.
fn expiry_warning(exemption: &Exemption) -> Option<String> {
    let left = exemption.expires_at()? - clock::unix_seconds();
    let day = exemption.expires_as_written().unwrap_or_default();
    let ends = match left {
        ..=0 => format!("expired on {day} and no longer applies"),
        1..=SOON => format!("expires on {day}"),
        _ => return None,
    };
    let owner = exemption.owner().map(|owner| format!(" (owner: {})", printable(owner)));
    let name = printable(exemption.name());
    Some(format!("exemption `{name}` {ends}{}", owner.unwrap_or_default()))
}

/// Prints the compiled policy as a table, with defaults for the fields that were left out.
fn print(name: &str, policy: &Policy) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{name} {} is valid", policy.hash())?;
    let Ok(Value::Object(fields)) = serde_json::to_value(policy.normal_form()) else {
        return Ok(());
    };
    for (field, value) in fields {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in items {
                    writeln!(out, "  {field:<20} {}", named(&item))?;
                }
            }
            value => writeln!(out, "  {field:<20} {}", shown(&value))?,
        }
    }
    Ok(())
}

/// `name: field=value …` of an override or exemption.
fn named(item: &Value) -> String {
    let fields = item.as_object().into_iter().flatten().filter(|(field, _)| *field != "name");
    let fields: Vec<_> = fields.map(|(field, value)| format!("{field}={}", shown(value))).collect();
    let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
    format!("{}: {}", printable(name), fields.join(" "))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => "(none)".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(field, value)| format!("{field}={}", shown(value)));
            fields.collect::<Vec<_>>().join(" ")
        }
        Value::String(text) => printable(text).into_owned(),
        other => other.to_string(),
    }
}

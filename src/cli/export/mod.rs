//! `imagegate export`: the policy in a language that somebody else evaluates.

mod webhooks;
mod yaml;

use std::fs::File;
use std::io::{Read, Write as _, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::located::STDIN;
use super::{output, policy_source};
use crate::clock;
use imagegate_core::floor::{self, Registered, USUAL_NAME};
use imagegate_core::policy::{Floor, Policy, printable};
use imagegate_report::Exit;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Print the policy in a language that others evaluate
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Vap(Vap),
}

/// Print an admission policy (CEL) with its binding, which holds while no webhook answers
///
/// A floor under the policy, in CEL, for API servers from 1.30 on. It never refuses what the policy
/// admits; whatever CEL cannot say is left to the webhook, and listed on standard error. It reaches
/// what the webhook reaches: by default that of the plain manifests.
///
/// Exit codes: 0 fine, 1 the floor of `--check` is out of step, 2 unreadable input, 3 the policy is
/// not valid.
#[derive(Debug, clap::Args)]
struct Vap {
    /// The policy: a directory, a file, or a ConfigMap manifest [default: what `serve` would use]
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// The webhook configuration that asks the gate, as `kubectl get -o yaml` prints it: the floor is
    /// for the same namespaces, objects and overrides
    #[arg(long, value_name = "FILE|-")]
    webhook: Option<PathBuf>,
    /// The name of the objects; that of an override is appended
    #[arg(long, value_name = "NAME", default_value = USUAL_NAME)]
    name: String,
    /// Print values for the Helm chart instead, which makes the objects
    #[arg(long, conflicts_with_all = ["webhook", "name"])]
    values: bool,
    /// Print nothing, and compare with these objects, or values: a file, or what `kubectl get
    /// validatingadmissionpolicies,validatingadmissionpolicybindings -o yaml` prints
    #[arg(long, value_name = "FILE|-")]
    check: Option<PathBuf>,
}

pub(super) fn run(Export { what: What::Vap(vap) }: &Export) -> Result<Exit> {
    let Vap { policy, webhook, name, values, check } = vap;
    let Some(policy) = policy_source::valid(policy.as_deref())? else {
        return Ok(Exit::InvalidPolicy);
    };
    let documents = if *values {
        vec![chart_values(&policy)]
    } else {
        let registered = match webhook {
            Some(path) => webhooks::registered(&text_of(path)?, &path.display().to_string())?,
            None => by_default(&policy)?,
        };
        objects_of(&policy, name, &registered)
    };
    if let Some(path) = check {
        let found: Vec<Value> =
            serde_saphyr::from_multiple(&text_of(path)?).context("what is compared is not YAML")?;
        let differences = if *values {
            differences_of_values(&documents, &found)
        } else {
            floor::drift(&documents, &found)
        };
        for difference in &differences {
            super::say(&format!("{}: {difference}", printable(&path.display().to_string())));
        }
        return Ok(if differences.is_empty() { Exit::Fine } else { Exit::Finding });
    }
    let mut out = output::stdout();
    for (index, document) in documents.iter().enumerate() {
        if index > 0 {
            writeln!(out, "---")?;
        }
        out.write_all(yaml::written(document).as_bytes())?;
    }
    out.finish()?;
    Ok(Exit::Fine)
}

/// The webhook of the plain manifests; an override that only a webhook of its own picks is unknown to it.
fn by_default(policy: &Policy) -> Result<Vec<Registered>> {
    let pinned: Vec<_> = policy.pinned_overrides().collect();
    if !pinned.is_empty() {
        bail!(
            "the overrides `{}` are picked by webhooks of their own\n\
             hint: name the webhook configuration with `--webhook`, or use `--values` with the chart",
            pinned.join("`, `")
        );
    }
    webhooks::of_the_manifests()
}

fn objects_of(policy: &Policy, name: &str, registered: &[Registered]) -> Vec<Value> {
    let mut documents = Vec::new();
    for webhook in registered {
        let pinned = webhook.pinned.as_deref();
        let what = pinned.map_or("the policy".to_owned(), |it| format!("the override `{it}`"));
        let Some(floor) = policy.floor(clock::unix_seconds(), pinned) else {
            super::say(&format!(
                "{} asks for {what}, which the policy does not have",
                webhook.name
            ));
            continue;
        };
        said(&floor, &what);
        if floor.validations.is_empty() {
            super::say(&format!(
                "{what} refuses nothing that an API server could refuse: the objects admit everything"
            ));
        }
        documents.extend(floor::objects(&floor, name, webhook));
    }
    documents
}

/// Values are compared as a whole: nobody fills anything in.
fn differences_of_values(wanted: &[Value], found: &[Value]) -> Vec<String> {
    let floor = |document: &Value| document["floor"].clone();
    let there = found.iter().any(|each| wanted.iter().all(|it| floor(it) == floor(each)));
    if there { Vec::new() } else { vec!["`floor` is another one".to_owned()] }
}

/// The floor of the policy, and of each override, for the chart: it knows which of them a webhook asks for.
fn chart_values(policy: &Policy) -> Value {
    let of = |pinned: Option<&str>| policy.floor(clock::unix_seconds(), pinned);
    let mut overrides = serde_json::Map::new();
    for name in policy.override_names() {
        let floor = of(Some(name)).filter(|floor| !floor.validations.is_empty());
        overrides.extend(floor.map(|floor| (name.to_owned(), floor::values(&floor))));
    }
    let base = of(None);
    if let Some(base) = &base {
        said(base, "the policy");
    }
    let base = base.filter(|floor| !floor.validations.is_empty()).map(|it| floor::values(&it));
    json!({"floor": {
        "enabled": true,
        "policyHash": policy.hash(),
        "policy": base.unwrap_or_else(|| json!({})),
        "overrides": overrides,
    }})
}

fn said(floor: &Floor, what: &str) {
    super::say(&format!("{what}, {}", floor::headline(floor)));
    for line in floor::lines(floor) {
        super::say(&format!("  {line}"));
    }
}

fn text_of(path: &Path) -> Result<String> {
    let name = path.display().to_string();
    let failed = || format!("cannot read `{}`", printable(&name));
    let source: Box<dyn Read> = if path == Path::new(STDIN) {
        Box::new(stdin())
    } else {
        Box::new(File::open(path).with_context(failed)?)
    };
    let mut text = String::new();
    if source.take(LARGEST + 1).read_to_string(&mut text).with_context(failed)? as u64 > LARGEST {
        bail!("`{}` holds more than {LARGEST} bytes", printable(&name));
    }
    Ok(text)
}

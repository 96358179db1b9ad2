//! `imagegate validate`: everything that is wrong with a policy, before it is applied.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::output::{self, Reads};
use super::policy_source::{self, Compiled};
use crate::clock;
use imagegate_core::policy::{
    CANDIDATE_KEY, Exemption, POLICY_KEY, Policy, Problem, UnchangedUpdates, Warning, printable,
};
use imagegate_report::{Exit, Format, Level, Place, Remark, Remarks, RuleId, write_remarks};

/// An exemption that expires within so many seconds, 14 days, is warned of.
const SOON: i64 = 14 * 86_400;

/// What is shown of a field that says nothing.
const NONE: &str = "(none)";
/// Fields that the normal form has only where they are written, with what it means to leave them out.
const NOT_IN_NORMAL_FORM: [(&str, &str); 4] = [
    ("imagePullPolicy", "any"),
    ("messages", NONE),
    ("refuseEditsThatDeny", "(no limit)"),
    ("workloads", NONE),
];

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
    /// How problems and warnings are written
    #[arg(short, long, value_name = "FORMAT", value_parser = output::format_parser(Reads::Remarks))]
    #[arg(default_value = "text")]
    output: Format,
}

pub(super) fn run(validate: &Validate) -> Result<Exit> {
    let Compiled { policy, candidate, origin, unchanged_updates } =
        policy_source::compiled(validate.path.as_deref())?;
    let mut judged = Judged { list: Vec::new(), summary: Vec::new() };
    let mut out = output::stdout();
    let mut exit = Exit::Fine;
    for (name, key, compiled) in
        [("policy", POLICY_KEY, Some(policy)), ("candidate", CANDIDATE_KEY, candidate)]
    {
        match compiled {
            None => {}
            Some(Ok((policy, warnings))) => {
                let mut warnings: Vec<_> =
                    warnings.into_iter().map(|Warning(warning)| warning).collect();
                let more = policy.exemptions().iter().filter_map(expiry_warning);
                // Where nothing is known of match conditions, this is no place to guess.
                let skipped = Some(unchanged_updates)
                    .filter(|updates| *updates == UnchangedUpdates::Skipped)
                    .and_then(|updates| updates.warning(&policy));
                let more = more.chain(skipped.map(Into::into));
                warnings.extend(more.map(|each| origin.located(Problem::of_document(key, each))));
                judged.add(Level::Warning, RuleId::PolicyWarning, warnings, validate.output);
                judged.summary.push(format!("{name} {} is valid", policy.hash()));
                if !validate.quiet && validate.output == Format::Text {
                    print(name, &policy, &mut out)?;
                }
            }
            Some(Err(problems)) => {
                exit = Exit::InvalidPolicy;
                judged.summary.push(format!("{name} is not valid"));
                if validate.output == Format::Text {
                    super::say(&problems.to_string());
                }
                judged.add(Level::Error, RuleId::InvalidPolicy, problems.0, validate.output);
            }
        }
    }
    if validate.output != Format::Text {
        let Judged { mut list, summary } = judged;
        if list.is_empty() {
            // Whoever counts tests wants one that passed.
            let passed = summary.join(", ");
            list.push(Remark::new(Level::Passed, RuleId::InvalidPolicy, None, passed));
        }
        let remarks = Remarks::new("imagegate validate", list, summary);
        write_remarks(&remarks, validate.output, &mut out)?;
    }
    out.finish()?;
    Ok(exit)
}

/// What is to be said of a policy and its candidate, in the form of a pipeline.
struct Judged {
    list: Vec<Remark>,
    summary: Vec<String>,
}

impl Judged {
    /// Adds problems or warnings; as text, the latter are printed at once.
    fn add(&mut self, level: Level, rule: RuleId, problems: Vec<Problem>, output: Format) {
        for problem in problems {
            if level == Level::Warning && output == Format::Text {
                super::say(&format!("warning: {problem}"));
            }
            let (line, column) = problem.place.unzip();
            let place = Place { file: problem.document, line, column, document: None };
            let message = match problem.path.as_str() {
                "" => problem.message,
                path => format!("{path}: {}", problem.message),
            };
            let mut remark = Remark::new(level, rule, Some(place), message);
            remark.hint = problem.hint;
            self.list.push(remark);
        }
    }
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
fn print(name: &str, policy: &Policy, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{name} {} is valid", policy.hash())?;
    let Ok(Value::Object(mut fields)) = serde_json::to_value(policy.normal_form()) else {
        return Ok(());
    };
    for (field, default) in NOT_IN_NORMAL_FORM {
        fields.entry(field).or_insert_with(|| default.into());
    }
    for (field, value) in fields {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in items {
                    writeln!(out, "  {field:<20} {}", item_of(&item))?;
                }
            }
            value => writeln!(out, "  {field:<20} {}", shown(&value))?,
        }
    }
    Ok(())
}

/// `name: field=value …` of an override or exemption, `field=value …` of what has no name, or a text.
fn item_of(list: &Value) -> String {
    let Value::Object(fields) = list else { return shown(list) };
    let others = fields.iter().filter(|(field, _)| *field != "name");
    let others: Vec<_> = others.map(|(field, value)| format!("{field}={}", shown(value))).collect();
    match fields.get("name").and_then(Value::as_str) {
        Some(name) => format!("{}: {}", printable(name), others.join(" ")),
        None => others.join(" "),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => NONE.to_owned(),
        Value::String(text) if text.is_empty() => NONE.to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(field, value)| format!("{field}={}", shown(value)));
            fields.collect::<Vec<_>>().join(" ")
        }
        Value::String(text) => printable(text).into_owned(),
        other => other.to_string(),
    }
}

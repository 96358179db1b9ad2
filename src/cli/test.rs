//! `imagegate test`: cases that a policy must answer as written.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::answer::Answer;
use super::exit::Exit;
use super::policy_source;
use super::printable::printable;
use super::target::{self, Asker, Target};
use imagegate_core::policy::Policy;

/// Run files of cases against their policies
///
/// A file names a policy beside it and lists cases: image, namespace, user, groups, at (a day),
/// expect (allow, deny, warn, audit or exempt) and rule. Exit code 0: all hold; 1: some do not.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// Files of cases
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Another policy than the one that the files name
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    policy: Option<PathBuf>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    image: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    /// The day on which the image is judged; today where it is left out.
    at: Option<String>,
    expect: Answer,
    rule: Option<String>,
}

pub(super) fn run(test: &Test) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let (mut total, mut failed) = (0_usize, 0_usize);
    for file in &test.files {
        let cases = read(file)?;
        let beside = cases.policy.map(|policy| file.with_file_name(policy));
        let Some(path) = test.policy.clone().or(beside) else {
            bail!("`{}` names no policy\n  hint: add `policy:`, or use --policy", file.display());
        };
        let Some(policy) = policy_source::valid(Some(&path))? else {
            return Ok(Exit::InvalidPolicy);
        };
        for case in cases.cases {
            total += 1;
            if let Some(difference) = run_case(&policy, &case)? {
                failed += 1;
                let (file, image) = (printable(&file.display().to_string()), &case.image);
                let namespace = printable(&case.namespace);
                writeln!(out, "FAIL {file}: {} in {namespace}: {difference}", printable(image))?;
            }
        }
    }
    writeln!(out, "{total} cases: {} passed, {failed} failed", total - failed)?;
    Ok(if failed > 0 { Exit::Denied } else { Exit::Fine })
}

fn read(file: &Path) -> Result<Cases> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
    serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

/// What is other than expected, if anything.
fn run_case(policy: &Policy, case: &Case) -> Result<Option<String>> {
    let asker = Asker {
        namespace: case.namespace.clone(),
        user: case.user.clone(),
        group: case.groups.clone(),
    };
    let at = case.at.as_deref().map_or_else(|| Ok(target::now()), day)?;
    let verdict = Target::of_image(&case.image).judge_at(policy, &asker, at);
    let answer = Answer::of(&verdict);
    let rule = verdict.violations.first().map(|violation| violation.rule.as_str());
    let expected = case.expect.as_str();
    if answer != case.expect {
        let why = verdict.violations.first().map(|violation| format!(": {}", violation.message));
        let why = printable(&why.unwrap_or_default());
        return Ok(Some(format!("expected {expected}, got {}{why}", answer.as_str())));
    }
    match (&case.rule, rule) {
        (Some(expected), rule) if rule != Some(expected) => {
            let rule = rule.unwrap_or("none");
            Ok(Some(format!("expected rule {}, got {rule}", printable(expected))))
        }
        _ => Ok(None),
    }
}

/// The noon of a day, in Unix seconds.
fn day(text: &str) -> Result<i64> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::Date::parse(text, &format)
        .with_context(|| format!("`{}` is no day like 2027-01-31", printable(text)))?;
    Ok(day.with_time(time::macros::time!(12:00)).assume_utc().unix_timestamp())
}

fn default_namespace() -> String {
    "default".to_owned()
}

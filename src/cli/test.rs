//! `imagegate test`: images with the verdicts that a policy must give them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::located::{self, Place};
use super::output::{self, Reads};
use super::policy_source;
use crate::clock;
use imagegate_check::{Asker, Target, labels, template};
use imagegate_core::policy::{ContainerKind, Policy, PullPolicy, Rule, printable};
use imagegate_report::{
    Answer, Exit, Format, Level, Place as ReportPlace, Remark, Remarks, RuleId, write_remarks,
};

/// Test policies against files of expected verdicts
///
/// A file names a policy, relative to itself, and lists cases: image, namespace, user, groups, labels,
/// container, kind, pullPolicy, at (a day), expect (allow, deny, warn, audit or exempt) and rule. Exit codes:
/// 0 every case passes, 1 some fail, 2 a file cannot be read or there is no case, 3 a policy is not valid.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// Files of cases, or directories of `*.cases.yaml`
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Test this policy instead of those that the files name
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// Succeed when there was no case
    #[arg(long)]
    allow_empty: bool,
    /// How the cases are written; as text, only those that fail
    #[arg(short, long, value_name = "FORMAT", value_parser = output::format_parser(Reads::Remarks))]
    #[arg(default_value = "text")]
    output: Format,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    policy: Option<PathBuf>,
    cases: Vec<Spanned<Case>>,
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
    /// The pull policy of the container; left out, what Kubernetes fills in for the tag.
    #[serde(rename = "pullPolicy")]
    pull_policy: Option<Spanned<String>>,
    /// The kind of container; a regular one if left out.
    container: Option<Spanned<String>>,
    /// The kind of object; of others than a Pod, the template is judged.
    kind: Option<Spanned<String>>,
    /// The labels of the Pod.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// The day on which the image is judged; today if left out.
    at: Option<Spanned<String>>,
    expect: Spanned<String>,
    rule: Option<Spanned<String>>,
}

/// A file of cases with what was read from it.
struct CaseFile {
    policy: Option<PathBuf>,
    cases: Vec<Located>,
}

/// Why the cases of a file were not run.
struct NotRun {
    /// `Unusable` or `InvalidPolicy`.
    exit: Exit,
    message: String,
}

/// What all files came to.
#[derive(Default)]
struct Tally {
    total: usize,
    failed: usize,
    not_run: Vec<Exit>,
    remarks: Vec<Remark>,
}

/// A case that can be run.
struct Located {
    place: Place,
    case: Case,
    expect: Answer,
    pull_policy: PullPolicy,
    container: ContainerKind,
    /// When the image is judged, in Unix seconds.
    now: i64,
}

pub(super) fn run(test: &Test) -> Result<Exit> {
    let mut out = output::stdout();
    let mut tally = Tally::default();
    for path in &test.paths {
        let files = files(path).unwrap_or_else(|error| {
            tally.not_run(path, NotRun::unusable(&error));
            Vec::new()
        });
        for file in files {
            match read(&file).and_then(|read| Ok((policy(test, &file, read.policy)?, read.cases))) {
                Ok((policy, cases)) => tally.run(test, &file, &policy, cases, &mut out)?,
                Err(not_run) => tally.not_run(&file, not_run),
            }
        }
    }
    let exit = tally.exit(test.allow_empty);
    let summary = tally.summary();
    if test.output == Format::Text {
        writeln!(out, "{summary}")?;
    } else {
        let remarks = Remarks::new("imagegate test", tally.remarks, vec![summary]);
        write_remarks(&remarks, test.output, &mut out)?;
    }
    out.finish()?;
    if tally.total == 0 && tally.not_run.is_empty() && exit == Exit::Unusable {
        super::say("nothing was judged\n  hint: with --allow-empty that is fine");
    }
    Ok(exit)
}

impl Tally {
    fn run(
        &mut self,
        test: &Test,
        path: &Path,
        policy: &Policy,
        cases: Vec<Located>,
        out: &mut impl std::io::Write,
    ) -> Result<()> {
        let name = path.display().to_string();
        for located in cases {
            self.total += 1;
            let difference = run_case(policy, &located);
            let Case { image, namespace, .. } = &located.case;
            if let (Some(difference), Format::Text) = (&difference, test.output) {
                let message = format!("FAIL {image} in {namespace}: {difference}");
                writeln!(out, "{}", located::at(&name, Some(located.place), &message))?;
            }
            self.failed += usize::from(difference.is_some());
            self.remarks.push(remark(&name, &located, difference));
        }
        Ok(())
    }

    /// Says at once why a file's cases are not run, and goes on: a case that fails is a finding all the same.
    fn not_run(&mut self, path: &Path, NotRun { exit, message }: NotRun) {
        super::say(&message);
        let rule = match exit {
            Exit::InvalidPolicy => RuleId::InvalidPolicy,
            _ => RuleId::Unreadable,
        };
        let file = path.display().to_string();
        let place = ReportPlace { file, line: None, column: None, document: None };
        self.remarks.push(Remark::new(Level::Error, rule, Some(place), message));
        self.not_run.push(exit);
    }

    /// A case that fails wins, then a policy that is not valid.
    fn exit(&self, allow_empty: bool) -> Exit {
        if self.failed > 0 {
            Exit::Finding
        } else if self.not_run.contains(&Exit::InvalidPolicy) {
            Exit::InvalidPolicy
        } else if !self.not_run.is_empty() || self.total == 0 && !allow_empty {
            Exit::Unusable
        } else {
            Exit::Fine
        }
    }

    fn summary(&self) -> String {
        let Self { total, failed, not_run, .. } = self;
        let noun = if *total == 1 { "case" } else { "cases" };
        let summary = format!("{total} {noun}: {} passed, {failed} failed", total - failed);
        match not_run.len() {
            0 => summary,
            1 => format!("{summary}; 1 file was not run"),
            count => format!("{summary}; {count} files were not run"),
        }
    }
}

impl NotRun {
    fn unusable(error: &anyhow::Error) -> Self {
        Self { exit: Exit::Unusable, message: format!("error: {error:#}") }
    }
}

/// The policy that was named, or that which the file names.
fn policy(test: &Test, path: &Path, named: Option<PathBuf>) -> Result<Policy, NotRun> {
    let beside = named.map(|policy| path.with_file_name(policy));
    let Some(policy) = test.policy.clone().or(beside) else {
        let name = path.display().to_string();
        return Err(NotRun::unusable(&anyhow!(
            "{}: no policy is named\n  hint: add `policy:`, or use --policy",
            printable(&name)
        )));
    };
    let compiled = policy_source::compiled(Some(&policy)).map_err(|it| NotRun::unusable(&it))?;
    let invalid = |problems| NotRun { exit: Exit::InvalidPolicy, message: format!("{problems}") };
    compiled.policy.map(|(policy, _)| policy).map_err(invalid)
}

/// A case and how it ended, in the form of a pipeline.
fn remark(file: &str, located: &Located, difference: Option<String>) -> Remark {
    let (line, column) = located.place;
    let place = ReportPlace {
        file: file.to_owned(),
        line: Some(line),
        column: Some(column),
        document: None,
    };
    let level = if difference.is_some() { Level::Error } else { Level::Passed };
    let message = difference.unwrap_or_else(|| format!("got {}", located.expect.as_str()));
    let Case { image, namespace, .. } = &located.case;
    let mut remark = Remark::new(level, RuleId::FailedCase, Some(place), message);
    remark.subject = format!("{image} in {namespace}");
    remark
}

/// The file itself, or the files of cases in a directory, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let name = path.display().to_string();
    let name = printable(&name);
    let entries = fs::read_dir(path).with_context(|| format!("cannot read `{name}`"))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read `{name}`"))?.path();
        if path.to_string_lossy().ends_with(".cases.yaml") {
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!(
            "{name}: no file of cases in this directory\n  hint: their names end in `.cases.yaml`"
        );
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads a file of cases, or says in one line what is wrong with it and where.
fn read(path: &Path) -> Result<CaseFile, NotRun> {
    let name = path.display().to_string();
    let shown = printable(&name);
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read `{shown}`"))
        .map_err(|error| NotRun::unusable(&error))?;
    let malformed = |message| NotRun { exit: Exit::Unusable, message };
    let read: Cases = serde_saphyr::from_str(&text)
        .map_err(|error| malformed(located::malformed(&name, &error)))?;
    let mut cases = Vec::with_capacity(read.cases.len());
    for Spanned { value: case, referenced, .. } in read.cases {
        let case = checked(case, located::place(referenced));
        cases.push(case.map_err(|(place, message, hint)| {
            let problem = located::at(&name, Some(place), &message);
            malformed(format!("{problem}\n  hint: {hint}"))
        })?);
    }
    Ok(CaseFile { policy: read.policy, cases })
}

/// The case with its values parsed, or the place, message and hint of what is wrong.
fn checked(case: Case, place: Place) -> Result<Located, (Place, String, String)> {
    let wrong = |field: &str, text: &Spanned<String>, what: &str, hint: String| {
        let message = format!("{field}: `{}` is not {what}", text.value);
        (located::place(text.referenced), message, hint)
    };
    let one_of = |names: &[&str]| format!("write one of `{}`", names.join("`, `"));
    let answers = Answer::ALL.map(Answer::as_str);
    let Some(expect) = Answer::ALL.into_iter().find(|each| each.as_str() == case.expect.value)
    else {
        return Err(wrong("expect", &case.expect, "an answer", one_of(&answers)));
    };
    let rules = Rule::ALL.map(Rule::as_str);
    if let Some(rule) = case.rule.as_ref().filter(|rule| !rules.contains(&rule.value.as_str())) {
        return Err(wrong("rule", rule, "a rule", one_of(&rules)));
    }
    let pull_policies = PullPolicy::WRITTEN.map(PullPolicy::as_str);
    let pull_policy = match &case.pull_policy {
        None => PullPolicy::Unset,
        Some(written) if pull_policies.contains(&written.value.as_str()) => {
            PullPolicy::of(&written.value)
        }
        Some(written) => {
            return Err(wrong("pullPolicy", written, "a pull policy", one_of(&pull_policies)));
        }
    };
    let containers = ContainerKind::ALL.map(ContainerKind::as_str);
    let container = match &case.container {
        None => ContainerKind::Regular,
        Some(written) => ContainerKind::named(&written.value).ok_or_else(|| {
            wrong("container", written, "a kind of container", one_of(&containers))
        })?,
    };
    let now = match &case.at {
        None => clock::unix_seconds(),
        Some(at) => noon(&at.value)
            .ok_or_else(|| wrong("at", at, "a day", "write it as `2027-01-31`".to_owned()))?,
    };
    Ok(Located { place, case, expect, pull_policy, container, now })
}

/// How the verdict differs from the expected one, if it does.
fn run_case(
    policy: &Policy,
    Located { case, expect, pull_policy, container, now, .. }: &Located,
) -> Option<String> {
    let asker = Asker {
        namespace: case.namespace.clone(),
        user: case.user.clone(),
        groups: case.groups.clone(),
    };
    let written = case.labels.iter().map(|(key, value)| (key.clone(), value.clone()));
    let kind = case.kind.as_ref().map_or("Pod", |kind| kind.value.as_str());
    let template = match template(policy, kind) {
        Ok(template) => template,
        Err(hint) => return Some(format!("`{kind}` is no kind that is judged; {hint}")),
    };
    let target = Target {
        pull_policy: *pull_policy,
        list: container.list(),
        labels: Some(labels(&written.collect::<Vec<_>>())),
        template,
        ..Target::of_image(&case.image)
    };
    let verdict = target.judge_at(policy, &asker, *now);
    let answer = Answer::of(&verdict);
    let violation = verdict.violations.first();
    let expected = expect.as_str();
    if answer != *expect {
        let why = violation.map(|violation| format!(": {}", violation.message));
        return Some(format!(
            "expected {expected}, got {}{}",
            answer.as_str(),
            why.unwrap_or_default()
        ));
    }
    let rule = violation.map(|violation| violation.rule.as_str());
    let expected = case.rule.as_ref()?.value.as_str();
    (rule != Some(expected))
        .then(|| format!("expected rule {expected}, got {}", rule.unwrap_or("none")))
}

/// Noon of a day, in Unix seconds.
fn noon(text: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::Date::parse(text, &format).ok()?;
    Some(day.with_time(time::macros::time!(12:00)).assume_utc().unix_timestamp())
}

fn default_namespace() -> String {
    "default".to_owned()
}

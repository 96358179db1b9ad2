//! `imagegate check`: what the webhook would answer, without a cluster.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;

use super::exit::Exit;
use super::images::Images;
use super::paint::Paint;
use super::policy_source;
use super::target::{Asker, Target};
use imagegate_core::policy::Verdict;
use imagegate_core::policy::printable;
use imagegate_report::Answer;

/// Judge images and manifests as the webhook would
///
/// A pod template is judged like the Pods created from it. Exit codes: 0 everything is allowed,
/// 1 something is denied, 2 something cannot be read, 3 the policy is not valid.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    targets: Images,
    /// The policy: a directory, a file, or a ConfigMap manifest [default: what `serve` would use]
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    asker: Asker,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// One image with its answer, as printed in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exemption: Option<String>,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    override_name: Option<String>,
}

pub(super) fn run(check: &Check) -> Result<Exit> {
    if check.targets.is_empty() {
        bail!("nothing to check\n  hint: name images, or manifests with -f");
    }
    let Some(policy) = policy_source::valid(check.policy.as_deref())? else {
        return Ok(Exit::InvalidPolicy);
    };
    let paint = Paint::for_stdout();
    let mut out = std::io::stdout().lock();
    let mut progress = Progress::new();
    let mut findings = Vec::new();
    let mut denied = 0_usize;
    let mut total = 0_usize;
    let unreadable = check.targets.each(|target| {
        let verdict = target.judge(&policy, &check.asker);
        let finding = Finding::of(target, verdict);
        total += 1;
        denied += usize::from(finding.answer == Answer::Deny);
        progress.at(total);
        match check.output {
            Format::Text => finding.print(&mut out, paint)?,
            Format::Json => findings.push(finding),
        }
        Ok(())
    })?;
    progress.clear();
    let allowed = total - denied;
    if check.output == Format::Json {
        let report = serde_json::json!({
            "policyHash": policy.hash(),
            "allowed": allowed,
            "denied": denied,
            "unreadable": unreadable,
            "findings": findings,
        });
        writeln!(out, "{report:#}")?;
    }
    super::say(&format!("{}: {allowed} allowed, {denied} denied", super::images(total)));
    Ok(if unreadable > 0 {
        Exit::Unusable
    } else if denied > 0 {
        Exit::Denied
    } else {
        Exit::Fine
    })
}

impl Finding {
    fn of(target: Target, verdict: Verdict<'_>) -> Self {
        let answer = Answer::of(&verdict);
        let exemption = verdict.exempted.first();
        let exemption = exemption.map(|each| format!("{}: {}", each.exemption, each.reason));
        let violation = verdict.violations.into_iter().next();
        let field = target.place.is_some().then(|| target.field());
        let (file, object) = target.place.map_or((None, None), |place| {
            let object = place.object();
            (Some(place.file), Some(object))
        });
        Self {
            answer,
            image: target.image,
            file,
            object,
            field,
            rule: violation.as_ref().map(|violation| violation.rule.as_str()),
            message: violation.map(|violation| violation.message),
            exemption,
            override_name: verdict.override_name.map(str::to_owned),
        }
    }

    fn print(&self, out: &mut impl std::io::Write, paint: Paint) -> std::io::Result<()> {
        let image = self.image.as_deref().unwrap_or("(no image)");
        write!(out, "{} {}", paint.answer(self.answer), printable(image))?;
        if let (Some(file), Some(object), Some(field)) = (&self.file, &self.object, &self.field) {
            write!(out, "  ({}: {} {field})", printable(file), printable(object))?;
        }
        writeln!(out)?;
        for text in [&self.message, &self.exemption].into_iter().flatten() {
            writeln!(out, "       {}", printable(text))?;
        }
        Ok(())
    }
}

/// A running count on the terminal during a long check.
struct Progress {
    wanted: bool,
    shown: bool,
    next: Instant,
}

impl Progress {
    const EVERY: Duration = Duration::from_millis(500);

    /// Shown only if the results do not go to the terminal themselves.
    fn new() -> Self {
        let wanted = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
        Self { wanted, shown: false, next: Instant::now() + Self::EVERY }
    }

    fn at(&mut self, count: usize) {
        if self.wanted && Instant::now() >= self.next {
            let _ = write!(std::io::stderr(), "\r{}", super::images(count));
            self.shown = true;
            self.next = Instant::now() + Self::EVERY;
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

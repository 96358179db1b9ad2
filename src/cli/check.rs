//! `imagegate check`: what the webhook would answer, without a cluster.
//!
//! | room | does |
//! |---|---|
//! | `gather` | reads all inputs at once and puts their findings together |
//! | `render` | runs the user's helm and kustomize |
//! | `changed` | what was found at another commit |

mod changed;
mod gather;
mod render;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::asker::AskerFlags;
use super::images::Images;
use super::output::{self, Reads};
use super::paint;
use super::policy_source;
use crate::clock;
use crate::settings::DEFAULT_POLICY;
use gather::Gather;
use imagegate_check::Judge;
use imagegate_report::{Exit, FailOn, Format, Outcome, PolicySource, Report, Style, Summary};
use render::Rendered;

/// Judge images and manifests as the webhook would
///
/// A pod template is judged like the Pods created from it; pod specs in custom resources are found by
/// their shape. Exit codes: 0 fine, 1 an image fails (whatever else could not be read), 2 wrong
/// usage, something could not be read or understood, or nothing was judged, 3 the policy is not
/// valid.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    targets: Images,
    #[command(flatten)]
    rendered: Rendered,
    /// The policy: a directory, a file, or a ConfigMap manifest [default: what `serve` would use]
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    asker: AskerFlags,
    /// Fail only for what was not found at this commit, in the repository of the manifests
    #[arg(long, value_name = "REF")]
    changed_since: Option<String>,
    /// The mildest finding that ends with exit code 1
    #[arg(long, value_name = "ANSWER", default_value = "deny", value_parser = output::fail_on_parser())]
    fail_on: FailOn,
    /// Succeed when there was nothing to judge
    #[arg(long)]
    allow_empty: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = output::format_parser(Reads::Findings))]
    output: Format,
    /// Show allowed images too, what was passed over, and what looks like an image and was not judged
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(check: &Check) -> Result<Exit> {
    if check.targets.is_empty() && check.rendered.is_empty() {
        bail!("nothing to check\n  hint: name images, or manifests with -f");
    }
    check.targets.refuse_paths()?;
    let Some(policy) = policy_source::valid(check.policy.as_deref())? else {
        return Ok(Exit::InvalidPolicy);
    };
    let is_text = check.output == Format::Text;
    let only_images = check.only_images();
    let style = Style {
        color: is_text && paint::is_wanted(),
        // Whoever names images wants to see each of them.
        verbose: check.verbose || only_images,
    };
    let asker = check.asker.asker();
    let explains = !(is_text && only_images);
    let judge = Judge::new(&policy, &asker, clock::unix_seconds(), explains);
    let report = Report::new(PolicySource {
        source: source(check.policy.as_deref()),
        hash: policy.hash().to_owned(),
    });
    let mut gather = Gather::new(&judge, report, check.output.shows_allowed(style));
    gather.images(check.targets.named());
    gather.files(check.targets.paths(), check.targets.selection())?;
    gather.rendered(&check.rendered)?;
    if let Some(reference) = &check.changed_since {
        let known = changed::findings_at(reference, check, &judge)?;
        gather.forgive(known);
    }
    let (report, passed_over) = gather.finish();
    let outcome = report.summary.outcome(check.fail_on, check.allow_empty);
    write(report, check.output, style)?.conclude(&passed_over, check, outcome);
    Ok(outcome.into())
}

impl Check {
    /// Whether nothing but images stands on the command line.
    fn only_images(&self) -> bool {
        self.targets.paths().is_empty() && self.rendered.is_empty()
    }
}

/// What remains to be said once the report is written.
struct Conclusion {
    summary: Summary,
    troubles: Vec<String>,
}

/// Writes the report.
fn write(mut report: Report, format: Format, style: Style) -> Result<Conclusion> {
    let troubles = report.troubles.iter().map(gather::described).collect();
    let mut out = output::stdout();
    if format == Format::Text {
        // They are on standard error, as `FILE:LINE:COLUMN`.
        report.troubles.clear();
        imagegate_report::write_findings(&report, style, &mut out)?;
    } else {
        imagegate_report::write(&report, format, style, &mut out)?;
    }
    out.finish()?;
    Ok(Conclusion { summary: report.summary, troubles })
}

impl Conclusion {
    /// Says on standard error what could not be read, what was passed over and the counts.
    fn conclude(self, passed_over: &[String], check: &Check, outcome: Outcome) {
        let Self { summary, troubles } = self;
        let only_images = check.only_images();
        let nothing = summary.images == 0 && troubles.is_empty();
        let explained = check.verbose || nothing;
        for told in troubles.iter().chain(passed_over.iter().filter(|_| explained)) {
            told.lines().for_each(|line| super::say(&imagegate_report::inert(line)));
        }
        // The counts first; of images alone there is nothing else to say.
        let mut lines = summary.lines();
        lines.reverse();
        for line in lines.iter().take(if only_images { 1 } else { usize::MAX }) {
            super::say(line);
        }
        if nothing && outcome == Outcome::Unusable {
            super::say("nothing was judged\n  hint: with --allow-empty that is fine");
        }
    }
}

/// Where the policy was taken from, in words.
fn source(path: Option<&Path>) -> String {
    match path {
        Some(path) => path.display().to_string(),
        None if Path::new(DEFAULT_POLICY).exists() => DEFAULT_POLICY.to_owned(),
        None => "of variables and defaults".to_owned(),
    }
}

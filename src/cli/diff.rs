//! `imagegate diff`: what a new policy would change.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;

use super::exit::Exit;
use super::images::Images;
use super::output;
use super::policy_source;
use super::target::Asker;
use imagegate_core::policy::Difference;
use imagegate_core::policy::printable;
use imagegate_report::Answer;

/// Show what changes between two policies, and for which images
///
/// Exit codes: 0 nothing changes, 1 something does, 2 something cannot be read, 3 a policy is not
/// valid.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// The current policy
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new policy
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    targets: Images,
    #[command(flatten)]
    asker: Asker,
}

pub(super) fn run(diff: &Diff) -> Result<Exit> {
    let Diff { old, new, targets, asker } = diff;
    let (Some(old), Some(new)) =
        (policy_source::valid(Some(old))?, policy_source::valid(Some(new))?)
    else {
        return Ok(Exit::InvalidPolicy);
    };
    let difference = Difference::between(&old, &new);
    let mut out = output::stdout();
    for change in &difference.changes {
        let loosens = if change.loosens { "  (loosens)" } else { "" };
        writeln!(out, "{}{loosens}", printable(&change.text))?;
    }
    if difference.left_out > 0 {
        let loosening = match difference.left_out_loosening {
            0 => String::new(),
            count => format!(", of which {count} loosen"),
        };
        writeln!(out, "and {} more changes{loosening}", difference.left_out)?;
    }
    let (mut total, mut changed) = (0_usize, 0_usize);
    let unreadable = targets.each(|target| {
        total += 1;
        let before = Answer::of(&target.judge(&old, asker));
        let verdict = target.judge(&new, asker);
        let after = Answer::of(&verdict);
        if before != after {
            changed += 1;
            let image = printable(target.image.as_deref().unwrap_or("(no image)"));
            let place = target.place.map(|place| format!("  ({}: {})", place.file, place.object()));
            let place = place.unwrap_or_default();
            let place = printable(&place);
            writeln!(out, "{} → {}  {image}{place}", before.as_str(), after.as_str())?;
            for violation in verdict.violations {
                writeln!(out, "       {}", printable(&violation.message))?;
            }
        }
        Ok(())
    })?;
    out.finish()?;
    if total > 0 {
        super::say(&format!("{}: {changed} decided differently", super::images(total)));
    }
    Ok(if unreadable > 0 {
        Exit::Unusable
    } else if difference.is_empty() && changed == 0 {
        Exit::Fine
    } else {
        Exit::Denied
    })
}

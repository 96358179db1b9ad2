//! `imagegate diff`: whom a new policy hits, and what changes in words.

mod json;
mod remarks;
mod text;

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Result;

use super::output;
use super::policy_source;
use super::target::Asker;
use super::usages::Sources;
use crate::clock;
use imagegate_core::image::Reference;
use imagegate_core::policy::{ContainerImage, Difference, Field, ImageList, Policy};
use imagegate_core::usage::{Hits, Impact, Inventory, Usage};
use imagegate_report::{Exit, FailOn, Format};

/// Show whom a change of policy hits, and what changes
///
/// Judges images, manifests, `kubectl get pods -A -o json` on standard input with `-f -`, and what
/// replicas remember, by both policies. A pod template is judged like the Pods created from it.
/// Exit codes: 0 nothing would newly be refused, 1 something would, 2 something cannot be read, or
/// there was nothing to judge in what was named, 3 a policy is not valid. Without anything to judge,
/// it says what changes in words, and that fails nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// The current policy
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new policy
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    asker: Asker,
    /// Output format
    #[arg(short, long, value_parser = output::format_parser(), default_value = "text")]
    output: Format,
    /// What fails the command: images that are newly refused; with `warn`, also those newly warned
    /// about; with `audit`, also those newly logged
    #[arg(long, value_name = "WHAT", value_parser = output::fail_on_parser(), default_value = "deny")]
    fail_on: FailOn,
    /// Do not fail where there is no image in what was named
    #[arg(long)]
    allow_empty: bool,
}

/// All that a format shows.
struct Shown<'s> {
    old: &'s Policy,
    new: &'s Policy,
    impact: Impact,
    difference: Difference,
    /// Of each image that the new policy finds fault with, what the webhook would say.
    messages: HashMap<&'s str, String>,
}

pub(super) fn run(diff: &Diff) -> Result<Exit> {
    let Diff { old, new, sources, asker, output, fail_on, allow_empty } = diff;
    let (Some(old), Some(new)) =
        (policy_source::valid(Some(old))?, policy_source::valid(Some(new))?)
    else {
        return Ok(Exit::InvalidPolicy);
    };
    let (gathered, unreadable) = sources.gather(asker)?;
    let inventory = gathered.into_all();
    let now = clock::unix_seconds();
    let judged = !sources.is_empty();
    let shown = Shown {
        impact: Impact::with_most(Some(&old), &new, inventory.usages(), now, usize::MAX),
        difference: Difference::between(&old, &new),
        messages: messages(&old, &new, &inventory, now),
        old: &old,
        new: &new,
    };
    let mut out = output::stdout();
    match output {
        Format::Text => text::write(&shown, &mut out)?,
        Format::Json => json::write(&shown, &mut out)?,
        _ => imagegate_report::write_remarks(&remarks::of(&shown), *output, &mut out)?,
    }
    out.finish()?;
    if judged {
        super::say(&shown.summary());
    }
    let nothing_judged = judged && inventory.is_empty() && !allow_empty;
    Ok(if shown.failing(*fail_on) > 0 {
        Exit::Finding
    } else if unreadable > 0 || nothing_judged {
        Exit::Unusable
    } else {
        Exit::Fine
    })
}

impl Shown<'_> {
    /// The hits in the order in which they matter, each with what happens to the images.
    fn hits(&self) -> [(&Hits, &'static str); 4] {
        let Impact { newly_denied, newly_warned, newly_audited, newly_admitted, .. } = &self.impact;
        [
            (newly_denied, "newly refused"),
            (newly_warned, "newly warned about"),
            (newly_audited, "newly logged"),
            (newly_admitted, "newly admitted"),
        ]
    }

    /// `4 images: 1 newly refused, 2 newly admitted`
    fn summary(&self) -> String {
        let hits = self.hits().into_iter().filter(|(hits, _)| hits.images > 0);
        let hits: Vec<_> = hits.map(|(hits, what)| format!("{} {what}", hits.images)).collect();
        let hits =
            if hits.is_empty() { "none decided otherwise".to_owned() } else { hits.join(", ") };
        format!("{}: {hits}", super::images(self.impact.images))
    }

    fn failing(&self, fail_on: FailOn) -> usize {
        let Impact { newly_denied, newly_warned, newly_audited, .. } = &self.impact;
        let failing: &[&Hits] = match fail_on {
            FailOn::Deny => &[newly_denied],
            FailOn::Warn => &[newly_denied, newly_warned],
            FailOn::Audit => &[newly_denied, newly_warned, newly_audited],
            FailOn::Never => &[],
        };
        failing.iter().map(|hits| hits.uses).sum()
    }
}

/// What the webhook would say of each image that `new` finds fault with where `old` did not, or with
/// another outcome.
fn messages<'u>(
    old: &Policy,
    new: &Policy,
    inventory: &'u Inventory,
    now: i64,
) -> HashMap<&'u str, String> {
    let mut messages = HashMap::new();
    for usage in inventory.usages() {
        let (subject, reference) = (usage.subject(now), Reference::parse(usage.image));
        let [before, after] = [old, new]
            .map(|policy| policy.outcome(&subject, reference.as_ref().map_err(|error| *error)));
        let is_broken = after.rule().is_some() && !before.is_alike(after);
        if is_broken && !messages.contains_key(usage.image) {
            messages.extend(message(new, &usage, now).map(|message| (usage.image, message)));
        }
    }
    messages
}

/// What the webhook would say of an image in a container that is named like it.
fn message(policy: &Policy, usage: &Usage<'_>, now: i64) -> Option<String> {
    let name = usage.image.rsplit('/').next().unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    let image = ContainerImage {
        container: if name.is_empty() { "image" } else { name }.into(),
        image: Some(usage.image.into()),
        field: Field { pod_spec: "spec", list: ImageList::Containers, index: 0 },
    };
    let verdict = policy.evaluate(&usage.subject(now), [&image]);
    verdict.violations.into_iter().next().map(|violation| violation.message)
}

//! Two policies side by side: whom the new one hits of what is used, and what changes in words.
//!
//! Text and JSON have forms of their own; the other formats show a remark on each image that is hit.

mod json;
mod remarks;
mod text;

use std::collections::HashMap;
use std::io::{self, Write};

use imagegate_core::image::Reference;
use imagegate_core::policy::{ContainerImage, Difference, Field, Policy};
use imagegate_core::usage::{Hits, Impact, Inventory, Usage};

use crate::{FailOn, Format, write_remarks};

/// All that a format shows.
#[derive(Debug)]
pub struct Comparison<'s> {
    old: &'s Policy,
    new: &'s Policy,
    impact: Impact,
    difference: Difference,
    /// Of each image that the new policy finds fault with, what the webhook would say.
    messages: HashMap<&'s str, String>,
}

impl<'s> Comparison<'s> {
    /// Judges `used` by both policies at `now`, in Unix seconds.
    #[must_use]
    pub fn between(old: &'s Policy, new: &'s Policy, used: &'s Inventory, now: i64) -> Self {
        Self {
            impact: Impact::with_most(Some(old), new, used.usages(), now, usize::MAX),
            difference: Difference::between(old, new),
            messages: messages(old, new, used, now),
            old,
            new,
        }
    }

    /// Writes it in a format; `command` is the one that pipelines are told it is from.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(
        &self,
        command: &'static str,
        format: Format,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match format {
            Format::Text => text::write(self, out),
            Format::Json => json::write(self, out),
            _ => write_remarks(&remarks::of(self, command), format, out),
        }
    }

    /// `4 images: 1 newly refused, 2 newly admitted`
    #[must_use]
    pub fn summary(&self) -> String {
        let hits = self.hits().into_iter().filter(|(hits, _)| hits.images > 0);
        let hits: Vec<_> = hits.map(|(hits, what)| format!("{} {what}", hits.images)).collect();
        let hits =
            if hits.is_empty() { "none decided otherwise".to_owned() } else { hits.join(", ") };
        format!("{}: {hits}", images(self.impact.images))
    }

    /// How many uses are hit in a way that fails a command.
    #[must_use]
    pub fn failing(&self, fail_on: FailOn) -> usize {
        let Impact { newly_denied, newly_warned, newly_audited, perhaps_denied, .. } = &self.impact;
        let failing: &[&Hits] = match fail_on {
            FailOn::Deny => &[newly_denied, perhaps_denied],
            FailOn::Warn => &[newly_denied, perhaps_denied, newly_warned],
            FailOn::Audit => &[newly_denied, perhaps_denied, newly_warned, newly_audited],
            FailOn::Never => &[],
        };
        failing.iter().map(|hits| hits.uses).sum()
    }

    /// The hits in the order in which they matter, each with what happens to the images.
    fn hits(&self) -> [(&Hits, &'static str); 6] {
        let Impact { newly_denied, newly_warned, newly_audited, newly_admitted, .. } = &self.impact;
        let Impact { perhaps_denied, perhaps_changed, .. } = &self.impact;
        [
            (newly_denied, "newly refused"),
            (newly_warned, "newly warned about"),
            (newly_audited, "newly logged"),
            (newly_admitted, "newly admitted"),
            (perhaps_denied, "perhaps refused, by labels that are not known"),
            (perhaps_changed, "perhaps decided otherwise, by labels that are not known"),
        ]
    }
}

/// `1 image`, `2 images`
fn images(count: usize) -> String {
    format!("{count} image{}", if count == 1 { "" } else { "s" })
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
        let [before, after] = [old, new].map(|policy| {
            policy.outcome(&subject, usage.form(), reference.as_ref().map_err(|error| *error))
        });
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
        field: Field { list: usage.container.list(), ..Field::default() },
        pull_policy: usage.pull_policy,
    };
    let verdict = policy.evaluate(&usage.subject(now), [&image]);
    verdict.violations.into_iter().next().map(|violation| violation.message)
}

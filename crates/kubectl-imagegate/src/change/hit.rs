//! Whom a change of the policy would hit: all that runs, judged by the old policy and by the new one.

use std::io::{self, Write};

use imagegate_core::policy::{Policy, printable};
use imagegate_report::Answer;
use time::OffsetDateTime;

use crate::audit::{Audited, Objects, by_image, judge};
use crate::cluster::{Cluster, Fault, Scope};
use crate::gate::{Namespaces, Webhooks};
use crate::paint::Paint;
use crate::words::counted;

/// Images that are shown of each kind.
const MOST: usize = 20;
/// Owners of one image that are shown.
const MOST_OWNERS: usize = 3;

/// What a change does to what runs.
pub(super) struct Hits {
    objects: Objects,
    newly_denied: Audited,
    newly_admitted: Audited,
    pub(super) gaps: Vec<String>,
}

impl Hits {
    /// Reads the cluster once and judges it twice.
    pub(super) async fn find(
        cluster: &Cluster,
        gate_namespace: &str,
        old: &Policy,
        new: &Policy,
    ) -> Result<Self, Fault> {
        let (namespaces, webhooks) =
            tokio::join!(Namespaces::read(cluster), Webhooks::read(cluster, Some(gate_namespace)));
        let (namespaces, webhooks) = (namespaces?, webhooks.ok());
        let objects = Objects::read(cluster, &Scope::Everywhere, &namespaces.names()).await?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let judged = |policy| judge(&objects, policy, &namespaces, webhooks.as_ref(), now);
        let (before, after) = (judged(old), judged(new));
        let mut newly_denied = Audited::default();
        let mut newly_admitted = Audited::default();
        for (before, after) in before.judged.into_iter().zip(after.judged) {
            if !after.is_in_reach() {
                continue;
            }
            let denied = |answer| answer == Answer::Deny;
            match (denied(before.finding.decision), denied(after.finding.decision)) {
                (false, true) => newly_denied.judged.push(after),
                (true, false) => newly_admitted.judged.push(after),
                _ => {}
            }
        }
        let gaps = objects.gaps.clone();
        Ok(Self { objects, newly_denied, newly_admitted, gaps })
    }

    /// Says it, the most frequent first.
    pub(super) fn print(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let Self { newly_denied, newly_admitted, .. } = self;
        if newly_denied.judged.is_empty() && newly_admitted.judged.is_empty() {
            return writeln!(out, "nothing that runs is hit");
        }
        for (audited, would, color) in [
            (newly_denied, "would newly be denied", true),
            (newly_admitted, "would newly be admitted", false),
        ] {
            let images = by_image(&self.objects, audited, |_| true);
            if images.is_empty() {
                continue;
            }
            let line = format!("{} {would}:", counted(images.len(), "image"));
            writeln!(out, "{}", if color { paint.bad(&line) } else { paint.good(&line) })?;
            for image in images.iter().take(MOST) {
                let owners = image.owners.iter().take(MOST_OWNERS);
                let owners: Vec<String> = owners
                    .map(|(namespace, kind, name)| format!("{namespace}/{kind} {name}"))
                    .collect();
                let more = match image.owners.len().saturating_sub(MOST_OWNERS) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let name = printable(image.image.unwrap_or("(no image)"));
                let owners = owners.join(", ");
                writeln!(
                    out,
                    "  {name}  {}  {}{more}",
                    counted(image.pods, "Pod"),
                    printable(&owners)
                )?;
            }
            if images.len() > MOST {
                writeln!(out, "  and {} more", images.len() - MOST)?;
            }
        }
        Ok(())
    }
}

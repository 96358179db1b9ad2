//! Whom a change of the policy would hit: all that runs, and what the replicas remember of what is gone,
//! judged by the old policy and by the new one.

use std::collections::BTreeSet;
use std::io::{self, Write};

use imagegate_core::policy::{Policy, printable};
use imagegate_core::usage::{Hit, Impact, Inventory};
use imagegate_report::Answer;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::{Audited, ByImage, Objects, Running, by_image};
use crate::cluster::{Cluster, Fault, Scope};
use crate::gate::{Found, Operator, Remembering};
use crate::paint::Paint;
use crate::words::counted;

/// Images that are shown of each kind.
const MOST: usize = 20;
/// Owners of one image that are shown.
const MOST_OWNERS: usize = 3;

/// What a change could hit: all that runs, and what the replicas remember.
#[derive(Debug)]
pub(crate) struct InUse {
    running: Running,
    remembered: Inventory,
    /// What is missing, in words.
    pub(crate) gaps: Vec<String>,
}

/// What a change does to what is in use.
#[derive(Debug)]
pub(crate) struct Hits<'u> {
    objects: &'u Objects,
    newly_denied: Audited,
    newly_admitted: Audited,
    /// What the replicas remember, by the same two policies.
    pub(crate) remembered: Impact,
}

/// The images that are newly denied, or newly admitted, the most frequent first.
#[derive(Debug)]
pub(crate) struct Newly<'h> {
    /// What runs.
    pub(crate) running: Vec<ByImage<'h>>,
    /// What is remembered of other places than those where it runs.
    pub(crate) beyond: Vec<&'h Hit>,
}

impl InUse {
    /// Reads the cluster, and what the replicas remember.
    pub(crate) async fn read(cluster: &Cluster, gate: &Found) -> Result<Self, Fault> {
        let operators = Operator::of_gate(gate);
        let (running, asked) = tokio::join!(
            Running::read(cluster, Some(&gate.namespace), &Scope::Everywhere),
            Remembering::ask(cluster, &operators, |_| true),
        );
        let running = running?;
        let gaps = running.gaps().iter().cloned().chain(asked.gaps).collect();
        let all = asked.gathered.into_all();
        let mut remembered = Inventory::default();
        for usage in all.usages().filter(|usage| running.is_judged(usage.namespace)) {
            remembered.add(&usage);
        }
        Ok(Self { running, remembered, gaps })
    }

    /// What is remembered, and nothing else.
    #[cfg(test)]
    pub(crate) fn of_remembered(remembered: Inventory) -> Self {
        Self { running: Running::default(), remembered, gaps: Vec::new() }
    }

    /// What replicas remember that are in no cluster.
    pub(crate) async fn observed(cluster: &Cluster, operators: &[Operator]) -> Self {
        let asked = Remembering::ask(cluster, operators, |_| true).await;
        let remembered = asked.gathered.into_all();
        Self { running: Running::default(), remembered, gaps: asked.gaps }
    }
}

impl<'u> Hits<'u> {
    /// Judges what is in use by both policies.
    pub(crate) fn of(in_use: &'u InUse, old: &Policy, new: &Policy) -> Self {
        let InUse { running, remembered, .. } = in_use;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let (before, after) = (running.judged(old, now), running.judged(new, now));
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
        let remembered = Impact::with_most(Some(old), new, remembered.usages(), now, usize::MAX);
        Self { objects: &running.objects, newly_denied, newly_admitted, remembered }
    }

    /// The images that are newly denied.
    pub(crate) fn denied(&self) -> Newly<'_> {
        let running = by_image(self.objects, &self.newly_denied, |_| true);
        Newly::of(running, &self.remembered.newly_denied)
    }

    /// The images that are newly admitted.
    pub(crate) fn admitted(&self) -> Newly<'_> {
        let running = by_image(self.objects, &self.newly_admitted, |_| true);
        Newly::of(running, &self.remembered.newly_admitted)
    }

    /// How many images the replicas remember without the labels on which it depends. What runs was judged by
    /// all of them.
    pub(crate) fn by_labels(&self) -> usize {
        self.remembered.perhaps_denied.images + self.remembered.perhaps_changed.images
    }

    /// Says it, the most frequent first: what runs, then what is remembered beyond it.
    pub(super) fn print(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let Self { newly_denied, newly_admitted, .. } = self;
        let running = newly_denied.judged.len() + newly_admitted.judged.len();
        if running == 0 {
            writeln!(out, "nothing that runs is hit")?;
        }
        for (Newly { running, beyond }, denies) in [(self.denied(), true), (self.admitted(), false)]
        {
            let would = if denies { "would newly be denied" } else { "would newly be admitted" };
            let title = |line: String| if denies { paint.bad(&line) } else { paint.good(&line) };
            if !running.is_empty() {
                let count = counted(running.len(), "image");
                writeln!(out, "{}", title(format!("{count} {would}:")))?;
            }
            for image in running.iter().take(MOST) {
                writeln!(out, "  {}", running_in_words(image))?;
            }
            say_more(out, running.len())?;
            if !beyond.is_empty() {
                let count = counted(beyond.len(), "image");
                let they_do = if beyond.len() == 1 { "it does" } else { "they do" };
                let line =
                    format!("{count} {would}, seen by the replicas where {they_do} not run now:");
                writeln!(out, "{}", title(line))?;
            }
            for hit in beyond.iter().take(MOST) {
                writeln!(out, "  {}", remembered_in_words(hit))?;
            }
            say_more(out, beyond.len())?;
        }
        if let Some(line) = labels_in_words(self.by_labels()) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

impl<'h> Newly<'h> {
    fn of(running: Vec<ByImage<'h>>, remembered: &'h imagegate_core::usage::Hits) -> Self {
        let beyond = beyond(&remembered.most_frequent, &running);
        Self { running, beyond }
    }
}

fn labels_in_words(images: usize) -> Option<String> {
    let count = counted(images, "image");
    (images > 0).then(|| {
        format!("{count} seen by the replicas may be decided otherwise, by labels that they do not remember")
    })
}

/// What is remembered and not said by what runs: hits in a namespace where the image does not run. Those
/// whose namespaces are not all known are among them.
fn beyond<'h>(remembered: &'h [Hit], running: &[ByImage<'_>]) -> Vec<&'h Hit> {
    let mut places: BTreeSet<(&str, &str)> = BTreeSet::new();
    for row in running {
        let namespaces = row.owners.iter().map(|(namespace, ..)| *namespace);
        places.extend(namespaces.filter_map(|namespace| Some((row.image?, namespace))));
    }
    let runs =
        |hit: &Hit, namespace: &String| places.contains(&(hit.image.as_str(), namespace.as_str()));
    let is_said = |hit: &Hit| {
        hit.more_namespaces == 0 && hit.namespaces.iter().all(|namespace| runs(hit, namespace))
    };
    remembered.iter().filter(|hit| !is_said(hit)).collect()
}

/// `quay.io/acme/agent:1  70 Pods  ci/Deployment agent`
fn running_in_words(image: &ByImage<'_>) -> String {
    let owners = image.owners.iter().take(MOST_OWNERS);
    let owners: Vec<String> =
        owners.map(|(namespace, kind, name)| format!("{namespace}/{kind} {name}")).collect();
    let more = more(image.owners.len().saturating_sub(MOST_OWNERS));
    let name = printable(image.image.unwrap_or("(no image)"));
    let pods = counted(image.pods.len(), "Pod");
    format!("{name}  {pods}  {}{more}", printable(&owners.join(", ")))
}

/// `quay.io/acme/agent:1  12 times, last 2026-11-27T01:00:00Z  ci/Job nightly`
fn remembered_in_words(hit: &Hit) -> String {
    let times = if hit.count == 1 { "once".to_owned() } else { format!("{} times", hit.count) };
    let last = hit.last_seen.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let last = last.and_then(|at| at.format(&Rfc3339).ok());
    let last = last.map(|last| format!(", last {last}")).unwrap_or_default();
    let (names, others) = match hit.owners.as_slice() {
        [] => (&hit.namespaces, hit.more_namespaces),
        _ => (&hit.owners, hit.more_owners),
    };
    let shown: Vec<&str> = names.iter().take(MOST_OWNERS).map(String::as_str).collect();
    let more = more(names.len().saturating_sub(MOST_OWNERS) + others);
    format!("{}  {times}{last}  {}{more}", printable(&hit.image), printable(&shown.join(", ")))
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} more") }
}

fn say_more(out: &mut impl Write, images: usize) -> io::Result<()> {
    if images > MOST { writeln!(out, "  and {} more", images - MOST) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use imagegate_core::usage::Hit;
    use imagegate_report::Answer;

    use super::beyond;
    use crate::audit::ByImage;

    #[test]
    fn what_depends_on_labels_is_said_in_one_line() {
        assert_eq!(super::labels_in_words(0), None);
        assert!(
            super::labels_in_words(3).unwrap().starts_with("3 images seen by the replicas may")
        );
    }

    #[test]
    fn a_hit_is_said_twice_only_where_it_is_elsewhere_too() {
        let row = |namespace| ByImage {
            answer: Answer::Deny,
            image: Some("quay.io/a:1"),
            rule: None,
            owners: BTreeSet::from([(namespace, "Deployment", "web")]),
            pods: BTreeSet::from([0]),
        };
        let running = [row("prod"), row("staging")];
        let hit = |image: &str, namespaces: &[&str], more_namespaces| Hit {
            image: image.to_owned(),
            uses: 1,
            count: 1,
            last_seen: None,
            namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
            more_namespaces,
            owners: Vec::new(),
            more_owners: 0,
            rule: None,
        };
        for (hit, is_beyond) in [
            (hit("quay.io/a:1", &["prod"], 0), false),
            (hit("quay.io/a:1", &["prod", "staging"], 0), false),
            (hit("quay.io/a:1", &["ci", "prod"], 0), true),
            (hit("quay.io/a:1", &["prod"], 1), true),
            (hit("quay.io/b:1", &["prod"], 0), true),
        ] {
            assert_eq!(
                beyond(std::slice::from_ref(&hit), &running).len() == 1,
                is_beyond,
                "{hit:?}"
            );
        }
    }
}

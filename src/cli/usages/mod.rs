//! The uses of images that a command looks at: from the command line, from manifests, and from what
//! replicas remember.

mod answer;
mod fetch;
mod owners;

use anyhow::Result;

use super::images::Images;
use answer::Answered;
use imagegate_check::{Asker, Target};
use imagegate_core::policy::{KnownLabels, Policy, Workloads};
use imagegate_core::usage::{Gathered, Owner, Usage};
use owners::Owners;

/// Where images are used.
#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    #[command(flatten)]
    images: Images,
    /// What a replica remembers: `/images` of its operator port, or a file that was saved from it.
    /// Can be repeated: what several replicas remember is merged
    #[arg(long, value_name = "URL|FILE|-")]
    from: Vec<String>,
}

impl Sources {
    /// Whether no source was named.
    pub(super) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.from.is_empty()
    }

    /// Reads every source; images are used in the namespace of `asker`, and manifests that name
    /// none are, too. The pod specs of `workloads` are read where those say, and the labels by which
    /// one of the `policies` selects Pods. Also returns how many documents could not be read; what is wrong
    /// with them was printed.
    ///
    /// # Errors
    /// When a source cannot be read at all.
    pub(super) fn gather(
        &self,
        asker: &Asker,
        workloads: &Workloads,
        policies: &[&Policy],
    ) -> Result<(Gathered, usize)> {
        let keys = Policy::label_keys_of(policies);
        self.images.refuse_paths()?;
        let (mut gathered, mut owners) = (Gathered::default(), Owners::default());
        let unreadable = self.images.each(workloads, |target| {
            owners.add(&target, asker);
            let (user, groups) = target.asked_by(asker);
            let labels = &KnownLabels::of(target.labels.as_deref(), &keys);
            gathered.used.add(&Usage { user, groups: &groups, labels, ..usage(&target, asker) });
            Ok(())
        })?;
        for from in &self.from {
            let answered = Answered::from(from)?;
            let remembered = answered.read()?;
            super::say(&remembered.in_words(from));
            gathered.remember(&remembered, |_| true);
        }
        let Gathered { used, refused } = gathered;
        let named = Gathered { used: owners.of_all(used), refused: owners.of_all(refused) };
        Ok((named, unreadable))
    }
}

/// An image of a manifest as a use by nobody. An image that is missing is none that can be pulled.
fn usage<'a>(target: &'a Target, asker: &'a Asker) -> Usage<'a> {
    let namespace = target.namespace.as_deref().unwrap_or(&asker.namespace);
    let image = target.image.as_deref().unwrap_or_default();
    let owner = target.place.as_ref().map(|place| match &place.controller {
        Some((kind, name)) => Owner { kind, name },
        None => Owner { kind: &place.kind, name: &place.name },
    });
    let (container, pull_policy) = (target.list.containers(), target.pull_policy);
    Usage { owner, container, pull_policy, ..Usage::of_pod(namespace, image) }
}

//! The uses of images that a command looks at: from the command line, from manifests, and from what
//! replicas remember.

mod answer;
mod fetch;
mod owners;

use anyhow::Result;

use super::images::Images;
use super::target::{Asker, Target};
use answer::Answered;
use imagegate_core::policy::Workload;
use imagegate_core::usage::{Inventory, Owner, Usage};
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

/// What the sources hold.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What is used.
    pub(super) used: Inventory,
    /// What was asked for and refused when it was last seen, by whatever policy was in force.
    pub(super) refused: Inventory,
    /// How many documents could not be read; what is wrong with them was printed.
    pub(super) unreadable: usize,
}

impl Gathered {
    /// What is used or was refused: all that a policy may be asked about.
    pub(super) fn into_all(self) -> Inventory {
        let Self { mut used, refused, unreadable: _ } = self;
        for usage in refused.usages() {
            used.add(&usage);
        }
        used
    }
}

impl Sources {
    /// Whether no source was named.
    pub(super) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.from.is_empty()
    }

    /// Reads every source; images are used in the namespace of `asker`, and manifests that name
    /// none are, too. A template counts as the Pod that is made of it.
    ///
    /// # Errors
    /// When a source cannot be read at all.
    pub(super) fn gather(&self, asker: &Asker) -> Result<Gathered> {
        let (mut gathered, mut owners) = (Gathered::default(), Owners::default());
        gathered.unreadable = self.images.each(|target| {
            owners.add(&target, asker);
            let (user, groups) = target.asked_by(asker);
            gathered.used.add(&Usage { user, groups: &groups, ..usage(&target, asker) });
            Ok(())
        })?;
        for from in &self.from {
            let answered = Answered::from(from)?;
            let remembered = answered.read()?;
            super::say(&answer::in_words(from, &remembered));
            for (usage, is_refused) in remembered.usages() {
                // What a template says is asked for again by the Pods that are made of it.
                let usage = Usage { workload: Workload::Pod, ..usage };
                if is_refused {
                    gathered.refused.add(&usage);
                } else {
                    gathered.used.add(&usage);
                }
            }
        }
        let Gathered { used, refused, unreadable } = gathered;
        Ok(Gathered { used: owners.of_all(used), refused: owners.of_all(refused), unreadable })
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
    Usage { owner, ..Usage::of_pod(namespace, image) }
}

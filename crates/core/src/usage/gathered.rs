//! Uses from several sources, what is in use apart from what was refused.

use super::distinct::Usage;
use super::inventory::Inventory;
use super::remembered::Remembered;
use crate::policy::{ObjectKind, Workload};

/// What the sources hold.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// What is used.
    pub used: Inventory,
    /// What was asked for and refused when it was last seen, by whatever policy was in force.
    pub refused: Inventory,
}

impl Gathered {
    /// Adds what a replica remembers, as far as it `is_wanted`. A template counts as the Pod that is made
    /// of it: what it says is asked for again by that Pod.
    pub fn remember(
        &mut self,
        remembered: &Remembered<'_>,
        is_wanted: impl Fn(&Usage<'_>) -> bool,
    ) {
        for (usage, is_refused) in remembered.usages().filter(|(usage, _)| is_wanted(usage)) {
            let usage = Usage { workload: Workload::Pod, kind: ObjectKind::default(), ..usage };
            let inventory = if is_refused { &mut self.refused } else { &mut self.used };
            inventory.add(&usage);
        }
    }

    /// What is used or was refused: all that a policy may be asked about.
    #[must_use]
    pub fn into_all(self) -> Inventory {
        let Self { mut used, refused } = self;
        for usage in refused.usages() {
            used.add(&usage);
        }
        used
    }
}

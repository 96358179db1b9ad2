//! Who owns what uses an image, at the top: what people wrote, not what controllers made of it.
//!
//! A Pod says which object made it, and no more. What made that one is known where it is among the
//! sources, too: the CronJob of a Job in `kubectl get pods,jobs -A -o json`.

use std::collections::HashMap;

use imagegate_check::{Asker, Target};
use imagegate_core::usage::{Inventory, Owner, Usage};

/// Objects above each other that are looked through. There are three at most in what Kubernetes brings
/// along, and objects may name each other in a circle.
const DEEPEST: usize = 8;

/// Namespace, kind and name.
type Named = (String, String, String);

/// Of each object that others may be owned by, what made it. Grows with the sources.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<Named, (String, String)>);

impl Owners {
    /// Learns what made the object that `target` was found in.
    pub(super) fn add(&mut self, target: &Target, asker: &Asker) {
        let Some(place) = &target.place else { return };
        let Some(controller) = &place.controller else { return };
        if place.kind == "Pod" {
            return;
        }
        let namespace = target.namespace.as_ref().unwrap_or(&asker.namespace);
        let own = (namespace.clone(), place.kind.clone(), place.name.clone());
        self.0.insert(own, controller.clone());
    }

    /// The same uses, each by its owner at the top.
    pub(super) fn of_all(&self, uses: Inventory) -> Inventory {
        if self.0.is_empty() {
            return uses;
        }
        let mut all = Inventory::default();
        for usage in uses.usages() {
            let owner = usage.owner.map(|owner| self.top(usage.namespace, owner));
            all.add(&Usage { owner, ..usage });
        }
        all
    }

    fn top<'a>(&'a self, namespace: &str, mut owner: Owner<'a>) -> Owner<'a> {
        for _ in 0..DEEPEST {
            let own = (namespace.to_owned(), owner.kind.to_owned(), owner.name.to_owned());
            let Some((kind, name)) = self.0.get(&own) else { break };
            owner = Owner { kind, name };
        }
        owner
    }
}

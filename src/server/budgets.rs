//! Separate limits for reviews of workloads, edits of the policy and edits of namespaces, so that a
//! flood of one kind cannot starve another.

use super::gate::Endpoint;
use super::limits::{Limits, Part};
use crate::settings::Settings;

/// Edits that one guard reads or judges at once. People and pipelines make a few per minute.
const EDITS: usize = 32;
/// The largest edit, in bytes. A review holds the object before and after the edit, each at most 1
/// MiB before JSON escapes.
const LARGEST_EDIT: usize = 4 << 20;
/// Bytes of all edits at one guard: room for two of the largest.
const ALL_EDITS: usize = 2 * LARGEST_EDIT;

/// The limits of each kind of request.
#[derive(Debug)]
pub struct Budgets {
    reviews: Limits,
    policy_edits: Limits,
    namespace_edits: Limits,
}

impl Budgets {
    /// The settings apply to reviews; for the guards they are an upper bound.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let guard = Settings {
            max_requests: settings.max_requests.min(EDITS),
            max_body_bytes: settings.max_body_bytes.min(LARGEST_EDIT),
            max_body_bytes_total: settings.max_body_bytes_total.min(ALL_EDITS),
            ..settings.clone()
        };
        Self {
            reviews: Limits::new(settings),
            policy_edits: Limits::new(&guard),
            namespace_edits: Limits::new(&guard),
        }
    }

    /// One connection's part of each budget.
    pub(super) fn part(&self) -> Part {
        self.reviews.part()
    }

    /// The limits for a path; those of reviews for an unknown one.
    pub(super) fn at(&self, path: &str) -> &Limits {
        Endpoint::at(path).map_or(&self.reviews, |endpoint| self.of(&endpoint))
    }

    /// The limits for an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> &Limits {
        match endpoint {
            Endpoint::Validate(_) => &self.reviews,
            Endpoint::ValidateConfig => &self.policy_edits,
            Endpoint::ValidateNamespace => &self.namespace_edits,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Budgets;
    use crate::settings::{Flags, Settings};

    #[tokio::test]
    async fn a_guard_has_room_for_two_of_the_largest_edits() {
        let flags = Flags::from([("self_signed", true.into())]);
        let (settings, _) = Settings::load(None, &BTreeMap::new(), flags).unwrap();
        let budgets = Budgets::new(&settings);
        assert_eq!(budgets.at("/validate").max_body, settings.max_body_bytes);
        for path in ["/validate-config", "/validate-namespace"] {
            let limits = budgets.at(path);
            assert_eq!(limits.max_body, 4 << 20);
            let parts = [limits.part(), limits.part(), limits.part()];
            let mut held = Vec::new();
            for (part, fits) in parts.iter().zip([true, true, false]) {
                let mut budget = limits.budget(part).unwrap();
                assert_eq!(budget.raise_to(4 << 20, None).await, fits, "{path}");
                held.push(budget);
            }
        }
    }
}

//! Who may use how much: reviews of workloads, edits of the policy and edits of namespaces each
//! have limits of their own, so that none of them can be flooded at the price of another.

use std::sync::Arc;

use tokio::sync::SemaphorePermit;

use super::gate::Endpoint;
use super::limits::Limits;
use super::refusal::Refusal;
use crate::settings::Settings;

/// Edits at one guard that are being read or judged. People and pipelines make a few a minute.
const EDITS: usize = 32;
/// Bytes of one edit. A review holds the object before and after the edit, each at most 1 MiB and
/// what JSON's escapes add to it.
const LARGEST_EDIT: usize = 4 << 20;
/// Bytes of all edits at one guard: two of the largest.
const ALL_EDITS: usize = 2 * LARGEST_EDIT;

/// The limits of each kind of request.
#[derive(Debug)]
pub struct Budgets {
    reviews: Arc<Limits>,
    policy_edits: Limits,
    namespace_edits: Limits,
}

impl Budgets {
    /// The settings are those of reviews, and an upper bound for the guards.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let guard = Settings {
            max_requests: settings.max_requests.min(EDITS),
            max_body_bytes: settings.max_body_bytes.min(LARGEST_EDIT),
            max_body_bytes_total: settings.max_body_bytes_total.min(ALL_EDITS),
            ..settings.clone()
        };
        Self {
            reviews: Arc::new(Limits::new(settings)),
            policy_edits: Limits::new(&guard),
            namespace_edits: Limits::new(&guard),
        }
    }

    /// The limits of reviews, within which every request of the webhook's port is taken in: what an
    /// edit takes of its guard's budget comes on top.
    #[must_use]
    pub fn reviews(&self) -> Arc<Limits> {
        Arc::clone(&self.reviews)
    }

    /// A slot of a guard's own; a review has had its slot when it was taken in.
    ///
    /// # Errors
    /// [`Refusal::Overload`] where the guard has none left.
    pub(super) fn slot(&self, endpoint: &Endpoint) -> Result<Option<SemaphorePermit<'_>>, Refusal> {
        match endpoint {
            Endpoint::Validate(_) => Ok(None),
            Endpoint::ValidateConfig | Endpoint::ValidateNamespace => {
                self.of(endpoint).slot().map(Some).ok_or(Refusal::Overload)
            }
        }
    }

    /// The limits of an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> &Limits {
        match endpoint {
            Endpoint::Validate(_) => &self.reviews,
            Endpoint::ValidateConfig => &self.policy_edits,
            Endpoint::ValidateNamespace => &self.namespace_edits,
        }
    }
}

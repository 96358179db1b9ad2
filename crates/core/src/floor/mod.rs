//! A floor as the objects of an API server: a `ValidatingAdmissionPolicy` and its binding for each webhook
//! that asks the gate, and whether those that are there are of the policy.
//!
//! What they refuse is said by [`Policy::floor`](crate::policy::Policy::floor). Nothing here reads or writes
//! a cluster: an object is the JSON of one.

mod drift;
mod objects;
mod webhooks;
mod words;

pub use drift::drift;
pub use objects::{
    API_VERSION, COMPONENT, GATE_NAMESPACE, KINDS, OVERRIDE, POLICY_HASH, USUAL_NAME, objects,
    policy_hash, values,
};
pub use webhooks::Registered;
pub use words::{coverage, headline, lines};

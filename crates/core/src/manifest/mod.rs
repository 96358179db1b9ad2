//! The images of any Kubernetes object: of built-in workloads, and by their shape in custom resources.
//!
//! What is read here is a tree that a program has made of a manifest or of an object of the API; its
//! texts know where they stand. The webhook does not use this: it is asked about built-in workloads,
//! and [`crate::admission`] reads those in one pass. A test holds that both find the same images.
//!
//! Pure: nothing is read or parsed here, and no rule of a policy is known.

mod candidate;
mod controller;
mod discover;
mod known;
mod node;
mod object;
mod path;

pub use candidate::Candidate;
pub use controller::Controller;
pub use discover::{Discovered, FoundImage, Misfit, discover, discover_as, discover_candidates};
pub use node::{Entry, Node, Position, Value};
pub use object::Object;

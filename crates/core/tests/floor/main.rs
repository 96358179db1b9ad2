//! The floor of a policy, evaluated by an implementation of CEL that others wrote, beside the gate.

#[path = "../support"]
mod support {
    pub(crate) mod policy;
}

#[path = "../../../../tests/support/skip.rs"]
mod skip;

mod evaluation;
mod requests;
mod soundness;

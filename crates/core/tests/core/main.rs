//! The core through its public interface: tables and properties.

#[path = "../support"]
mod support {
    pub(crate) mod policy;
}

mod admission_bad_bodies;
mod admission_recorded;
mod admission_review;
mod policy_compile;
mod policy_difference;
mod policy_evaluate;
mod policy_explain;
mod policy_properties;
mod reference_grammar;
mod reference_oracles;
mod reference_properties;
mod reference_rows;

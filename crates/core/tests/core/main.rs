//! The core through its public interface: tables and properties.

#[path = "../support"]
mod support {
    pub(crate) mod policy;
    pub(crate) mod request;
}

mod admission_bad_bodies;
mod admission_limits;
mod admission_named;
mod admission_namespace;
mod admission_owner;
mod admission_policy_edit;
mod admission_recorded;
mod admission_review;
mod admission_seen_here;
mod admission_selectors;
mod manifest;
mod policy_advice;
mod policy_bounds;
mod policy_compile;
mod policy_difference;
mod policy_entries;
mod policy_evaluate;
mod policy_explain;
mod policy_format;
mod policy_messages;
mod policy_properties;
mod policy_pull;
mod policy_selectors;
mod policy_short_names;
mod policy_warnings;
mod policy_workloads;
mod reference_grammar;
mod reference_oracles;
mod reference_properties;
mod reference_rows;
mod usage_gathered;
mod usage_impact;
mod usage_proposal;
mod usage_remembered;

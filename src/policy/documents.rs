//! The raw material of a policy: what was read, before anything is understood.

use std::collections::BTreeMap;

/// Everything a policy is compiled from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// Environment variables of the process, name to value. Only policy keys are looked at.
    pub variables: BTreeMap<String, String>,
    /// The keys of the policy volume, file name to bytes; `None` where there is no volume.
    pub volume: Option<BTreeMap<String, Vec<u8>>>,
}

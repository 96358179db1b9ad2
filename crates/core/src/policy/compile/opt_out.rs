//! Who may set the opt-out label, from what the policy says of it.

use super::lists::{groups, users};
use crate::policy::judge::list::Written;
use crate::policy::judge::opt_out::OptOut;
use crate::policy::problem::Report;
use crate::policy::read::source::{RawOptOut, Texts};

/// The group that may opt a namespace out where the policy does not say.
const DEFAULT_GROUP: &str = "system:masters";

/// Compiles the lists of users and groups.
pub(super) fn compile(raw: Option<&RawOptOut<'_>>, report: &mut Report) -> OptOut {
    let (raw_users, raw_groups) =
        raw.map_or((None, None), |raw| (raw.users.as_ref(), raw.groups.as_ref()));
    let default_groups = Texts::of_defaults(&[DEFAULT_GROUP]);
    let raw_groups = Some(raw_groups.unwrap_or(&default_groups));
    let written = |raw: Option<&Texts<'_>>| raw.map(|raw| Written::of(raw.iter()));
    OptOut {
        users: users(raw_users, report).unwrap_or_default(),
        groups: groups(raw_groups, report).unwrap_or_default(),
        written_users: written(raw_users).unwrap_or_default(),
        written_groups: written(raw_groups).unwrap_or_default(),
    }
}

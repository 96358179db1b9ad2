//! Exit codes, for scripts.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: everything is fine, or allowed.
    Fine,
    /// 1: something is denied, or a test case failed.
    Denied,
    /// 2: wrong usage, or an input that cannot be read.
    Unusable,
    /// 3: the policy is not valid.
    InvalidPolicy,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::from(0),
            Exit::Denied => Self::from(1),
            Exit::Unusable => Self::from(2),
            Exit::InvalidPolicy => Self::from(3),
        }
    }
}

//! Exit codes, as those of `imagegate check`.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: nothing to complain of.
    Fine,
    /// 1: something is wrong, or would be denied.
    Finding,
    /// 2: wrong usage, no answer, or something could not be read.
    Unusable,
    /// 3: the policy is not valid.
    InvalidPolicy,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::from(0),
            Exit::Finding => Self::from(1),
            Exit::Unusable => Self::from(2),
            Exit::InvalidPolicy => Self::from(3),
        }
    }
}

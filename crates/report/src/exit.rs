//! How a command ends, for scripts: the same four codes wherever images are judged.

use std::process::ExitCode;

use crate::Outcome;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything is fine, or allowed.
    Fine,
    /// 1: something is wrong, would be denied, or failed a test case.
    Finding,
    /// 2: wrong usage, no answer, or an input that cannot be read.
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

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => Self::Fine,
            Outcome::Found => Self::Finding,
            Outcome::Unusable => Self::Unusable,
        }
    }
}

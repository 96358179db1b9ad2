//! The files that are checked regularly while the process runs.

/// The closed set of the label `of` of `imagegate_overdue_looks_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Looks {
    /// The files of the serving key pair.
    KeyPair,
    /// The policy's volume.
    Policy,
}

impl Looks {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::KeyPair, Self::Policy];

    /// The value of the label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyPair => "key-pair",
            Self::Policy => "policy",
        }
    }
}

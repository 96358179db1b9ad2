//! What is looked at again and again while the process runs.

/// The closed set of the label `of` of `imagegate_overdue_looks_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Looks {
    /// At the files of the serving key pair.
    KeyPair,
    /// At the policy's volume.
    Policy,
}

impl Looks {
    /// Everything that is looked at.
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

//! What is wrong with a policy, said to the person who wrote it.

use std::fmt;

/// One thing that keeps a policy from being compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The ConfigMap key or variable it was found in: `policy.yaml`, `ALLOWED_REGISTRIES`.
    pub document: String,
    /// The path inside that document: `allowedRegistries[2]`. Empty for the whole document.
    pub path: String,
    /// One-based line and column, where the document has lines.
    pub place: Option<(u64, u64)>,
    /// What is wrong: lower case, no full stop, user input in backticks.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// All problems of one policy, in the order of the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// A thing that is allowed but probably not meant; same form as a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub Problem);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

//! What could not be read or understood, and what was passed over.

use serde::Serialize;

use crate::finding::{Object, Place};

/// A file, or a part of one, that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What kind of trouble.
    pub kind: TroubleKind,
    /// Where.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why something could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// It could not be read: missing, no permission, too large, not UTF-8.
    Unreadable,
    /// It was read and is no manifest that is understood: broken YAML, a wrong type, a template.
    NotUnderstood,
}

/// A value that looks like an image, and stands in no field that is known to hold one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotJudged {
    /// The object, and the place of the value.
    #[serde(flatten)]
    pub object: Object,
    /// Path of the field in the object.
    pub field: String,
    /// The value as written.
    pub image: String,
}

impl TroubleKind {
    /// The name, as it is written in every format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NotUnderstood => "not-understood",
        }
    }
}

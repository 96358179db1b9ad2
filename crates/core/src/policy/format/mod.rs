//! One way to write a policy: `policy.yaml` in, the same policy in the one style out.
//!
//! Comments stay with what they stand at. What the text means is compared before and after, so
//! nothing that is handed out can mean anything else; nothing is decided here about files.
//!
//! | file | holds |
//! |---|---|
//! | `tree` | the document as it is written: nodes, their notation, their comments |
//! | `comments` | which comment belongs to what |
//! | `order` | the order of the fields, and which of them take a line each |
//! | `scalar` | how a text is written |
//! | `layout` | the lines |
//! | `lines` | comments behind lines, one below the other |

mod comments;
mod layout;
mod lines;
mod order;
mod scalar;
mod tree;

use crate::policy::compile::compile;
use crate::policy::problem::{Problem, Problems};
use crate::policy::read::documents::{Documents, POLICY_KEY};
use comments::texts;
use tree::Document;

/// Columns that a list or a mapping may take on one line.
const WIDTH: usize = 100;

/// Why a text was not formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unformatted {
    /// It is no valid policy. The problems name the document `policy.yaml`.
    Invalid(Problems),
    /// It is a policy that cannot be written in the one style.
    Refused(Problem),
}

/// The same policy in the one style: of equal [`hash`](super::Policy::hash), with every comment.
///
/// `text` is a policy or a candidate in full form. Formatting the result again changes nothing.
///
/// # Errors
/// If it is no valid policy, or, which would be a defect, if the result would not be the same policy.
pub fn format(text: &str) -> Result<String, Unformatted> {
    let before = hash(text).map_err(Unformatted::Invalid)?;
    let mut document = Document::read(text)?;
    order::arrange(&mut document);
    let formatted = layout::lines(&document).join();
    let is_same = hash(&formatted).is_ok_and(|after| after == before);
    if is_same && texts(text) == texts(&formatted) {
        Ok(formatted)
    } else {
        let message = "the formatted text would not be the same policy with the same comments";
        Err(refused(message, None, "this is a defect of `fmt`; please report the policy"))
    }
}

/// The hash of the policy that a text is.
fn hash(text: &str) -> Result<String, Problems> {
    compile(&Documents::full_form(text)).map(|(policy, _)| policy.hash().to_string())
}

/// Says why a policy cannot be written in the one style, at a line and a column.
fn refused(message: &str, place: Option<(u64, u64)>, hint: &str) -> Unformatted {
    let problem = Problem::of_document(POLICY_KEY, message).with_hint(hint);
    Unformatted::Refused(Problem { place, ..problem })
}

#[cfg(test)]
mod tests;

//! A proposal that was judged by itself: whatever made it, it is known to be a policy, and what it
//! refuses of what is used is said.

use super::exempting::{Exempting, ExemptingError};
use super::policy::{NothingUsed, Proposal};
use super::{Fit, evidence::counted};
use crate::policy::{Documents, Policy, Problems, compile, format as in_style, printable};
use crate::usage::{Gathered, Impact};

/// What a ConfigMap can hold, in bytes.
const LARGEST: usize = 1 << 20;
/// Images that a note names.
const MOST_NAMED: usize = 10;

/// What is to be proposed.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// A policy of its own.
    New(Fit),
    /// Another policy with exemptions for what it would refuse.
    Exempting {
        /// The other policy.
        policy: &'a Policy,
        /// Its text, where there is one in full form; its comments are kept.
        source: Option<&'a str>,
        /// What the exemptions say.
        exempting: Exempting<'a>,
    },
}

/// A policy in full form, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The policy: in the one style, unless it is another's text, which was not.
    pub yaml: String,
    /// For people, a line each.
    pub notes: Vec<String>,
    /// How many of the images in use it refuses.
    pub denied: usize,
}

/// Why nothing is proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProposed {
    /// Nothing is used.
    #[error("nothing is used in what was read")]
    Unused,
    /// Nothing that is used is an image.
    #[error(transparent)]
    NothingUsed(#[from] NothingUsed),
    /// The exemptions would be over.
    #[error("`{}` lies in the past", printable(.0))]
    Ended(String),
    /// What the exemptions say is not valid.
    #[error("the exemptions are not valid\n{0}")]
    Exemptions(Problems),
    /// What was made is no policy.
    #[error("what is proposed is not valid\n{0}")]
    Invalid(Problems),
}

impl Proposed {
    /// Proposes what is wished for, from what is used; `now` is in Unix seconds.
    ///
    /// # Errors
    /// When nothing is used, and when what is wished for is no policy.
    pub fn of(wish: &Wish<'_>, gathered: &Gathered, now: i64) -> Result<Self, NotProposed> {
        let Gathered { used, refused } = gathered;
        if used.is_empty() {
            return Err(NotProposed::Unused);
        }
        let mut notes = Vec::new();
        let yaml = match wish {
            Wish::New(fit) => formatted(Proposal::of(used.usages(), *fit)?.yaml().to_owned()),
            Wish::Exempting { policy, source, exempting } => {
                let made = exempting.of(policy, *source, used.usages(), now);
                let made = made.map_err(|error| match error {
                    ExemptingError::Ended => NotProposed::Ended(exempting.expires.to_owned()),
                    ExemptingError::Problems(problems) => NotProposed::Exemptions(problems),
                })?;
                notes.push(format!(
                    "{} exempt until {} by {}",
                    images(made.images),
                    exempting.expires,
                    counted(made.added, "exemption", "exemptions")
                ));
                // What its author wrote in another style stays so.
                match source {
                    Some(source) if in_style(source).as_deref() != Ok(*source) => made.yaml,
                    _ => formatted(made.yaml),
                }
            }
        };
        let left_out = refused.images().difference(&used.images()).count();
        if left_out > 0 {
            notes.push(format!("left out, since refused when last seen: {}", images(left_out)));
        }
        let policy = compiled(&yaml)?;
        let Impact { images: all, newly_denied, .. } =
            Impact::between(None, &policy, used.usages(), now);
        notes.push(format!("{}: {} admitted", images(all), all - newly_denied.images));
        if newly_denied.images > 0 {
            let shown = newly_denied.most_frequent.iter().take(MOST_NAMED);
            let shown: Vec<_> = shown.map(|hit| printable(&hit.image)).collect();
            let more = match newly_denied.images - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            notes.push(format!(
                "refused, since no policy and no exemption admits it: {}{more}",
                shown.join(", ")
            ));
        }
        if yaml.len() > LARGEST {
            notes.push(
                "warning: this is larger than a ConfigMap can be\n  hint: --loose makes it shorter"
                    .to_owned(),
            );
        }
        Ok(Self { yaml, notes, denied: newly_denied.images })
    }
}

/// The text in the one style; what is no policy stays as it is, to be reported.
fn formatted(yaml: String) -> String {
    in_style(&yaml).unwrap_or(yaml)
}

fn images(count: usize) -> String {
    counted(count, "image", "images")
}

fn compiled(yaml: &str) -> Result<Policy, NotProposed> {
    let (policy, _) = compile(&Documents::full_form(yaml)).map_err(NotProposed::Invalid)?;
    Ok(policy)
}

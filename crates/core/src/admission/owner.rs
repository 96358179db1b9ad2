//! Who owns an object: the controller that made it.
//!
//! Only for people and for counts. Nobody checks what an owner reference says, so no decision may hang
//! on it.
//!
//! Source: `OwnerReference` of <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>.

use std::borrow::Cow;

use serde::Deserialize;
use smallvec::SmallVec;

use super::bounded::Bounded;
use super::strict::{Object, Text};

/// Owners of one object that are read. Nearly all have one at most.
const MOST_OWNERS: usize = 16;

/// The fields of an object's metadata that name its owners.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owned<'a> {
    #[serde(borrow)]
    owner_references: Option<Bounded<SmallVec<[Object<OwnerReference<'a>>; 1]>, MOST_OWNERS>>,
}

#[derive(Debug, Default, Deserialize)]
struct OwnerReference<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    name: Option<Text<'a>>,
    controller: Option<bool>,
}

impl<'a> Owned<'a> {
    /// Kind and name of the controller; of the first owner, where none is the controller.
    pub(super) fn into_controller(self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let mut owners = self.owner_references?.listed;
        let controller = owners.iter().position(|owner| owner.controller == Some(true));
        let position = controller.unwrap_or_default();
        let Object(owner) = (position < owners.len()).then(|| owners.swap_remove(position))?;
        Some((owner.kind.unwrap_or_default().0, owner.name.unwrap_or_default().0))
    }
}

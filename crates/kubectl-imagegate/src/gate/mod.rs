//! The gate as a client sees it: where it is, what each replica says, how the API server asks it.
//!
//! Nothing here decides; what is wrong with what was found is for [`crate::status`] to say.

mod certificate;
mod config_map;
mod find;
mod metrics;
mod operator;
mod page;
mod policy;
mod reach;
mod replica;
mod webhooks;

pub(crate) use certificate::Served;
pub(crate) use config_map::{ConfigMap, documents, keeper};
pub(crate) use find::Found;
pub(crate) use metrics::Counted;
pub(crate) use operator::{Memory, NO_POD, Operator, Remembering};
pub(crate) use policy::{InForce, PolicyFault, Which, config_map_hash, keys};
pub(crate) use reach::{Namespaces, Reach};
pub(crate) use replica::{Replica, Said};
pub(crate) use webhooks::Webhooks;

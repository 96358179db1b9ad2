//! TLS, HTTP, limits, drain, and the admin endpoints.
//!
//! What a request means is not known here beyond its path: bytes go to the [`Gate`], bytes come
//! back. Every error is a JSON object with a status that the API server takes for a failure of the
//! webhook, never for an admission.

mod accept;
mod admin;
mod allowance;
mod arrivals;
mod body;
mod budgets;
mod connection;
mod drain;
mod gate;
mod in_time;
mod limits;
mod operator;
mod places;
mod progress;
mod routes;
mod run;
#[cfg(test)]
mod scripted;
mod self_signed;
mod service;
mod slot;
mod supervise;
mod tls;
mod tls_files;
mod untaken;

use crate::refusal;

pub use accept::Listener;
pub use admin::admin_routes;
pub use budgets::Budgets;
pub use drain::{Drain, Phase};
pub use gate::{Endpoint, Gate};
pub use limits::Limits;
pub use operator::operator_routes;
pub use routes::webhook_routes;
pub use run::{Ending, run};
pub use self_signed::self_signed;
pub use tls::{Tls, TlsOwner};
pub use tls_files::{BadKeyPair, KeyPair, TlsFiles};

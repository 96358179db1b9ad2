//! Which replica answers, and since when it remembers: each has seen its own part of the requests, and
//! whoever asks several has to merge.

use std::path::Path;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use serde::Serialize;
use warp::reply::Response;

use crate::files::read_regular;
use crate::observed::{Observed, rfc3339};
use crate::version::VERSION;

/// Where the kernel says what this machine is called: in a Pod, the name of the Pod.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// Bytes of such a name.
const LONGEST: u64 = 256;

/// What every answer says of its origin.
#[derive(Clone, Debug, Serialize)]
pub(in crate::server) struct Replica {
    /// The host name.
    #[serde(rename = "replica")]
    pub(in crate::server) name: Arc<str>,
    version: &'static str,
    since: Arc<str>,
}

impl Replica {
    /// This one, with the memory that it has.
    pub(in crate::server) fn of(observed: &Observed) -> Self {
        let since = rfc3339(observed.since()).into();
        Self { name: host_name().into(), version: VERSION, since }
    }

    /// Adds the same to an answer of any type.
    pub(super) fn signed(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        for (name, value) in [
            ("imagegate-replica", &*self.name),
            ("imagegate-version", self.version),
            ("imagegate-since", &*self.since),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// The name of this machine; empty where it cannot be had.
fn host_name() -> String {
    let name = read_regular(Path::new(HOSTNAME), LONGEST).unwrap_or_default();
    String::from_utf8_lossy(&name).trim().to_owned()
}

//! What is asked, within its bounds.

use imagegate_check::Asker;
use imagegate_core::policy::printable;
use serde::{Deserialize, Serialize};

/// The largest request in bytes: every byte of its texts may be written as an escape of six.
pub(crate) const LARGEST: usize =
    6 * (LARGEST_POLICY + LARGEST_MANIFEST + LARGEST_ASKER) + (64 << 10);
/// The largest policy in bytes, which is what a cluster takes in a ConfigMap.
const LARGEST_POLICY: usize = 1 << 20;
/// The largest manifest in bytes.
const LARGEST_MANIFEST: usize = 4 << 20;
/// Bytes of the namespace, the user and all groups together.
const LARGEST_ASKER: usize = 64 << 10;
const MOST_GROUPS: usize = 1_000;

/// A policy and what it is to judge.
#[derive(Debug)]
pub(crate) struct Request {
    /// In full form.
    pub(crate) policy: String,
    /// An image, or objects in YAML or JSON.
    pub(crate) manifest: String,
    pub(crate) asker: Asker,
    /// Unix seconds.
    pub(crate) now: i64,
}

/// Why nothing is judged.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    message: String,
    hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    policy: String,
    #[serde(default)]
    manifest: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    now: i64,
}

impl Request {
    /// # Errors
    /// Where it is not such an object, or one of its texts is too large.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        within("the request", bytes.len(), LARGEST)?;
        let Raw { policy, manifest, namespace, user, groups, now } = serde_json::from_slice(bytes)
            .map_err(|error| {
                let message = format!("not a request: {}", printable(&error.to_string()));
                Fault::new(message, "it is an object with `policy`, `manifest` and `now`")
            })?;
        within("the policy", policy.len(), LARGEST_POLICY)?;
        within("the manifest", manifest.len(), LARGEST_MANIFEST)?;
        let asker = groups.iter().map(String::len).sum::<usize>() + namespace.len() + user.len();
        within("who asks", asker, LARGEST_ASKER)?;
        if groups.len() > MOST_GROUPS {
            let message = format!("more than {MOST_GROUPS} groups");
            return Err(Fault::new(message, "leave out those that no exemption names"));
        }
        Ok(Self { policy, manifest, asker: Asker { namespace, user, groups }, now })
    }
}

impl Fault {
    fn new(message: String, hint: &str) -> Self {
        Self { message, hint: Some(hint.to_owned()) }
    }
}

fn within(what: &str, length: usize, most: usize) -> Result<(), Fault> {
    if length <= most {
        return Ok(());
    }
    let message = format!("{what} is larger than {} KiB", most >> 10);
    Err(Fault::new(message, "`imagegate check` reads what is larger"))
}

fn default_namespace() -> String {
    "default".to_owned()
}

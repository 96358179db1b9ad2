//! Where a command takes its policy from: what the webhook would take, or a path.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::reload::{VolumeError, read_volume};
use crate::settings::DEFAULT_POLICY;
use imagegate_core::policy::{
    Documents, POLICY_KEY, Policy, Problems, SIMPLE_KEYS, Warning, compile, compile_candidate,
};

/// Bytes of a policy from standard input.
const LARGEST: u64 = 4 << 20;

/// A policy as compiled, with the candidate that lies beside it.
pub(super) struct Compiled {
    pub(super) policy: Result<(Policy, Vec<Warning>), Problems>,
    pub(super) candidate: Option<Result<(Policy, Vec<Warning>), Problems>>,
}

/// Reads and compiles the policy at `path`: a directory, a file in full form, a manifest of a
/// ConfigMap, or `-`. Without a path it is what the webhook would use here.
pub(super) fn compiled(path: Option<&Path>) -> Result<Compiled> {
    let documents = documents(path)?;
    Ok(Compiled { policy: compile(&documents), candidate: compile_candidate(&documents) })
}

/// As [`compiled`], for commands that need a valid policy: prints what is wrong with it.
pub(super) fn valid(path: Option<&Path>) -> Result<Option<Policy>> {
    match compiled(path)?.policy {
        Ok((policy, _)) => Ok(Some(policy)),
        Err(problems) => {
            super::say(&format!("{problems}"));
            Ok(None)
        }
    }
}

/// The raw documents at a path.
pub(super) fn documents(path: Option<&Path>) -> Result<Documents> {
    let Some(path) = path else {
        let variable = |key: &str| Some((key.to_owned(), std::env::var(key).ok()?));
        let variables = SIMPLE_KEYS.iter().filter_map(|key| variable(key)).collect();
        let volume = match read_volume(Path::new(DEFAULT_POLICY)) {
            Ok(volume) => Some(volume),
            Err(VolumeError::Missing(_)) => None,
            Err(error) => bail!(error),
        };
        return Ok(Documents { variables, volume });
    };
    let mut volume = if path == Path::new("-") {
        BTreeMap::from([(POLICY_KEY.to_owned(), standard_input()?)])
    } else {
        read_volume(path)?
    };
    if !path.is_dir()
        && let Some(data) = volume.get(POLICY_KEY).and_then(|text| config_map(text))
    {
        volume = data;
    }
    Ok(Documents { variables: BTreeMap::new(), volume: Some(volume) })
}

#[derive(Deserialize)]
struct ConfigMap {
    kind: Option<String>,
    data: Option<BTreeMap<String, String>>,
}

/// The keys of a ConfigMap's manifest; `None` for any other text.
fn config_map(text: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?;
    let ConfigMap { kind, data } = serde_saphyr::from_str(text).ok()?;
    let keys = data.unwrap_or_default().into_iter();
    (kind.as_deref() == Some("ConfigMap"))
        .then(|| keys.map(|(key, text)| (key, text.into_bytes())).collect())
}

fn standard_input() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes);
    if read.context("cannot read standard input")? as u64 > LARGEST {
        bail!("standard input holds more than {LARGEST} bytes");
    }
    Ok(bytes)
}

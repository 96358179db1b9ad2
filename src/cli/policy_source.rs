//! Where a command takes its policy from: what the webhook would take, or a path.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, stdin};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::reload::{VolumeError, read_volume};
use crate::settings::DEFAULT_POLICY;
use imagegate_core::policy::{
    Documents, POLICY_KEY, Policy, Problems, SIMPLE_KEYS, Warning, compile, compile_candidate,
};

/// Bytes of a policy from standard input, or from another stream.
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
        BTreeMap::from([(POLICY_KEY.to_owned(), stream(stdin(), "standard input")?)])
    } else if is_stream(path) {
        // A shell's `<(…)`. At a prompt somebody is there to wait, and to stop waiting.
        let name = format!("`{}`", path.display());
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        BTreeMap::from([(POLICY_KEY.to_owned(), stream(file, &name)?)])
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

/// Whether a path is something that is written while it is read.
fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| {
        let found = metadata.file_type();
        found.is_fifo() || found.is_char_device()
    })
}

fn stream(reader: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(LARGEST + 1).read_to_end(&mut bytes);
    if read.with_context(|| format!("cannot read {name}"))? as u64 > LARGEST {
        bail!("{name} holds more than {LARGEST} bytes");
    }
    Ok(bytes)
}

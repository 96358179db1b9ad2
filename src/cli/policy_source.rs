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
    Documents, MATCH_CONDITIONS, POLICY_KEY, Policy, Problems, SIMPLE_KEYS, UnchangedUpdates,
    Warning, compile, compile_candidate,
};

/// Bytes of a policy from standard input, or from another stream.
const LARGEST: u64 = 4 << 20;

/// A policy as compiled, with the candidate that lies beside it.
pub(super) struct Compiled {
    pub(super) policy: Result<(Policy, Vec<Warning>), Problems>,
    pub(super) candidate: Option<Result<(Policy, Vec<Warning>), Problems>>,
    /// As the manifest of a ConfigMap says; `Unknown` for anything else.
    pub(super) unchanged_updates: UnchangedUpdates,
}

/// Reads and compiles the policy at `path`: a directory, a file in full form, a manifest of a
/// ConfigMap, or `-`. Without a path it is what the webhook would use here.
pub(super) fn compiled(path: Option<&Path>) -> Result<Compiled> {
    let (documents, unchanged_updates) = read(path)?;
    let (policy, candidate) = (compile(&documents), compile_candidate(&documents));
    Ok(Compiled { policy, candidate, unchanged_updates })
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

/// The raw documents at a path, and what a manifest says of match conditions.
fn read(path: Option<&Path>) -> Result<(Documents, UnchangedUpdates)> {
    let mut unchanged_updates = UnchangedUpdates::Unknown;
    let Some(path) = path else {
        let variable = |key: &str| Some((key.to_owned(), std::env::var(key).ok()?));
        let variables = SIMPLE_KEYS.iter().filter_map(|key| variable(key)).collect();
        let volume = match read_volume(Path::new(DEFAULT_POLICY)) {
            Ok(volume) => Some(volume),
            Err(VolumeError::Missing(_)) => None,
            Err(error) => bail!(error),
        };
        return Ok((Documents { variables, volume }, unchanged_updates));
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
        && let Some(config_map) = volume.get(POLICY_KEY).and_then(|text| config_map(text))
    {
        let ConfigMap { data, metadata, .. } = config_map;
        let keys = data.unwrap_or_default().into_iter();
        volume = keys.map(|(key, text)| (key, text.into_bytes())).collect();
        let annotations = metadata.and_then(|metadata| metadata.annotations).unwrap_or_default();
        unchanged_updates =
            UnchangedUpdates::of(annotations.get(MATCH_CONDITIONS).map(String::as_str));
    }
    Ok((Documents { variables: BTreeMap::new(), volume: Some(volume) }, unchanged_updates))
}

#[derive(Deserialize)]
struct ConfigMap {
    kind: Option<String>,
    data: Option<BTreeMap<String, String>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    annotations: Option<BTreeMap<String, String>>,
}

/// The manifest of a ConfigMap; `None` for any other text.
fn config_map(text: &[u8]) -> Option<ConfigMap> {
    let text = std::str::from_utf8(text).ok()?;
    let read: ConfigMap = serde_saphyr::from_str(text).ok()?;
    (read.kind.as_deref() == Some("ConfigMap")).then_some(read)
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

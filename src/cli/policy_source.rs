//! Where a command takes its policy from: a path, or what the webhook would use.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::located::{self, Manifest, Origin, STDIN};
use crate::reload::{VolumeError, read_volume};
use crate::settings::DEFAULT_POLICY;
use imagegate_core::policy::{
    Documents, POLICY_KEY, Policy, Problems, SIMPLE_KEYS, Warning, compile, compile_candidate,
};

/// The largest policy that is read from standard input, in bytes.
const LARGEST: u64 = 4 << 20;

/// A compiled policy, with the candidate next to it. Problems and warnings name the
/// file that was given.
pub(super) struct Compiled {
    pub(super) policy: Result<(Policy, Vec<Warning>), Problems>,
    pub(super) candidate: Option<Result<(Policy, Vec<Warning>), Problems>>,
    pub(super) origin: Origin,
}

/// Reads and compiles the policy at `path`: a directory, a file in full form, a manifest of a
/// ConfigMap, or `-`. Without a path it is what the webhook would use here.
pub(super) fn compiled(path: Option<&Path>) -> Result<Compiled> {
    let (documents, origin) = documents(path)?;
    let located = |compiled: Result<(Policy, Vec<Warning>), Problems>| match compiled {
        Ok((policy, warnings)) => Ok((policy, origin.warnings(warnings))),
        Err(problems) => Err(origin.problems(problems)),
    };
    let policy = located(compile(&documents));
    let candidate = compile_candidate(&documents).map(located);
    Ok(Compiled { policy, candidate, origin })
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

/// The raw documents at a path, and where they came from.
fn documents(path: Option<&Path>) -> Result<(Documents, Origin)> {
    let Some(path) = path else {
        let variable = |key: &str| Some((key.to_owned(), std::env::var(key).ok()?));
        let variables = SIMPLE_KEYS.iter().filter_map(|key| variable(key)).collect();
        let volume = match read_volume(Path::new(DEFAULT_POLICY)) {
            Ok(volume) => Some(volume),
            Err(VolumeError::Missing(_)) => None,
            Err(error) => bail!(error),
        };
        let keys = volume.iter().flatten().map(|(key, _)| key.clone()).collect();
        let origin = Origin::Directory { path: DEFAULT_POLICY.to_owned(), keys };
        return Ok((Documents { variables, volume }, origin));
    };
    let mut volume = if path == Path::new(STDIN) {
        BTreeMap::from([(POLICY_KEY.to_owned(), standard_input()?)])
    } else {
        read_volume(path)?
    };
    let name = path.display().to_string();
    let origin = if path.is_dir() {
        Origin::Directory { path: name, keys: volume.keys().cloned().collect() }
    } else if let Some(manifest) = volume.get(POLICY_KEY).and_then(|text| manifest(&name, text)) {
        let keys = manifest.keys.iter();
        volume = keys.map(|(key, (_, text))| (key.clone(), text.clone().into_bytes())).collect();
        Origin::Manifest(manifest)
    } else {
        Origin::File(name)
    };
    Ok((Documents { variables: BTreeMap::new(), volume: Some(volume) }, origin))
}

#[derive(Deserialize)]
struct ConfigMap {
    kind: Option<String>,
    data: Option<BTreeMap<String, Spanned<String>>>,
}

/// The manifest of a ConfigMap; `None` for any other text.
fn manifest(path: &str, text: &[u8]) -> Option<Manifest> {
    let text = std::str::from_utf8(text).ok()?;
    let ConfigMap { kind, data } = serde_saphyr::from_str(text).ok()?;
    let keys = data.unwrap_or_default().into_iter();
    (kind.as_deref() == Some("ConfigMap")).then(|| Manifest {
        path: path.to_owned(),
        text: text.to_owned(),
        keys: keys
            .map(|(key, value)| (key, (located::place(value.referenced), value.value)))
            .collect(),
    })
}

fn standard_input() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes);
    if read.context("cannot read standard input")? as u64 > LARGEST {
        bail!("{STDIN}: standard input holds more than {LARGEST} bytes");
    }
    Ok(bytes)
}

//! Where a command takes its policy from: a path, or what the webhook would use.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, stdin};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::located::{self, Manifest, Origin, STDIN};
use crate::reload::{VolumeError, read_volume};
use crate::settings::DEFAULT_POLICY;
use imagegate_core::policy::{
    Documents, MATCH_CONDITIONS, POLICY_KEY, Policy, Problems, SIMPLE_KEYS, UnchangedUpdates,
    Warning, compile, compile_candidate,
};

/// The largest policy that is read from standard input, or from another stream, in bytes.
const LARGEST: u64 = 4 << 20;

/// A compiled policy, with the candidate next to it. Problems and warnings name the
/// file that was given.
pub(super) struct Compiled {
    pub(super) policy: Result<(Policy, Vec<Warning>), Problems>,
    pub(super) candidate: Option<Result<(Policy, Vec<Warning>), Problems>>,
    pub(super) origin: Origin,
    /// As the manifest of a ConfigMap says; `Unknown` for anything else.
    pub(super) unchanged_updates: UnchangedUpdates,
}

/// Reads and compiles the policy at `path`: a directory, a file in full form, a manifest of a
/// ConfigMap, or `-`. Without a path it is what the webhook would use here.
pub(super) fn compiled(path: Option<&Path>) -> Result<Compiled> {
    let Source { documents, origin, unchanged_updates } = read(path)?;
    let located = |compiled: Result<(Policy, Vec<Warning>), Problems>| match compiled {
        Ok((policy, warnings)) => Ok((policy, origin.warnings(warnings))),
        Err(problems) => Err(origin.problems(problems)),
    };
    let policy = located(compile(&documents));
    let candidate = compile_candidate(&documents).map(located);
    Ok(Compiled { policy, candidate, origin, unchanged_updates })
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
struct Source {
    documents: Documents,
    origin: Origin,
    /// What a manifest says of match conditions.
    unchanged_updates: UnchangedUpdates,
}

fn read(path: Option<&Path>) -> Result<Source> {
    let mut unchanged_updates = UnchangedUpdates::Unknown;
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
        return Ok(Source {
            documents: Documents { variables, volume },
            origin,
            unchanged_updates,
        });
    };
    let mut volume = if path == Path::new(STDIN) {
        let text = stream(stdin(), STDIN, "standard input")?;
        BTreeMap::from([(POLICY_KEY.to_owned(), text)])
    } else if is_stream(path) {
        // A shell's `<(…)`. At a prompt somebody is there to wait, and to stop waiting.
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
        BTreeMap::from([(POLICY_KEY.to_owned(), stream(file, &name, &format!("`{name}`"))?)])
    } else {
        read_volume(path)?
    };
    let name = path.display().to_string();
    let origin = if path.is_dir() {
        Origin::Directory { path: name, keys: volume.keys().cloned().collect() }
    } else if let Some((manifest, annotations)) =
        volume.get(POLICY_KEY).and_then(|text| manifest(&name, text))
    {
        let keys = manifest.keys.iter();
        volume = keys.map(|(key, (_, text))| (key.clone(), text.clone().into_bytes())).collect();
        unchanged_updates =
            UnchangedUpdates::of(annotations.get(MATCH_CONDITIONS).map(String::as_str));
        Origin::Manifest(manifest)
    } else {
        Origin::File(name)
    };
    let documents = Documents { variables: BTreeMap::new(), volume: Some(volume) };
    Ok(Source { documents, origin, unchanged_updates })
}

#[derive(Deserialize)]
struct ConfigMap {
    kind: Option<String>,
    data: Option<BTreeMap<String, Spanned<String>>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    annotations: Option<Annotations>,
}

pub(super) type Annotations = BTreeMap<String, String>;

/// The manifest of a ConfigMap with its annotations; `None` for any other text.
pub(super) fn manifest(path: &str, text: &[u8]) -> Option<(Manifest, Annotations)> {
    let text = std::str::from_utf8(text).ok()?;
    let ConfigMap { kind, data, metadata } = serde_saphyr::from_str(text).ok()?;
    if kind.as_deref() != Some("ConfigMap") {
        return None;
    }
    let keys = data.unwrap_or_default().into_iter();
    let keys = keys.map(|(key, value)| (key, (located::place(value.referenced), value.value)));
    let manifest = Manifest { path: path.to_owned(), text: text.to_owned(), keys: keys.collect() };
    Some((manifest, metadata.and_then(|metadata| metadata.annotations).unwrap_or_default()))
}

/// Whether a path is something that is written while it is read.
fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| {
        let found = metadata.file_type();
        found.is_fifo() || found.is_char_device()
    })
}

fn stream(reader: impl Read, path: &str, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(LARGEST + 1).read_to_end(&mut bytes);
    if read.with_context(|| format!("cannot read {what}"))? as u64 > LARGEST {
        bail!("{path}: {what} holds more than {LARGEST} bytes");
    }
    Ok(bytes)
}

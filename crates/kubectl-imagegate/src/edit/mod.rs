//! `kubectl imagegate edit` and `apply`: the policy changed at a prompt, from the text to the last replica.

mod editor;

use std::collections::BTreeMap;
use std::path::PathBuf;

use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY, SIMPLE_KEYS, printable};
use imagegate_report::Exit;

use crate::change::{Before, ChangeFlags, data_of, text_of};
use crate::cli::{Failure, say};
use crate::cluster::Fault;
use crate::connection::Connection;
use crate::gate::{PolicyFault, keys};

const RIGHTS: &str = "\
Rights: list pods, get and create pods/portforward in the gate's namespace, list and patch configmaps there; to \
see whom it would hit, those of `audit`; where there is a floor, those of `floor`. A ConfigMap that a tool keeps (Argo CD, Flux, Helm values, kubectl \
apply) is not changed: --to-file writes what belongs into its source.";

/// Change the policy in your editor, and see it through
///
/// Opens the editor of `KUBE_EDITOR` or `EDITOR`, or vi. An edit with a problem is opened again with the problem on top. Then
/// it says what changes, in words, and whom that would hit; it asks, writes the ConfigMap by server-side
/// apply, and waits until every replica enforces the new policy. What somebody else wrote meanwhile is
/// never overwritten, and an edit that cannot be stored is kept in a file. A floor in the API server is made
/// anew at the end. Exit codes: 0 done, or nothing to do, 1 not every replica enforces it, the floor is not in
/// step, or you said no, 2 it could not be done, 3 the policy is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = RIGHTS)]
pub(crate) struct Edit {
    /// Edit the candidate
    #[arg(long)]
    candidate: bool,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Put a policy from a file in force, and see it through
///
/// The file is a policy in full form, or the manifest of a ConfigMap. A candidate that is on trial stays,
/// unless the manifest has one. The rest is as with `edit`.
#[derive(Debug, clap::Args)]
#[command(after_help = RIGHTS)]
pub(crate) struct Apply {
    /// The policy
    #[arg(short, long, value_name = "FILE")]
    filename: PathBuf,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(crate) async fn edit(connection: &Connection, edit: &Edit) -> Result<Exit, Failure> {
    let before = Before::read(connection).await?;
    before.refuse_where_owned(&edit.flags)?;
    let key = if edit.candidate { CANDIDATE_KEY } else { POLICY_KEY };
    let original = text_of(&before.config_map.data, key);
    let mut text = original.clone();
    let done = see_through(&before, edit, key, &mut text).await;
    if done.is_err() && text != original {
        match editor::keep(&text) {
            Ok(path) => say(&format!("your edit is kept in {}", printable(&path))),
            Err(error) => say(&format!("warning: your edit cannot be kept: {error}")),
        }
    }
    done
}

/// Has the text edited until it is a policy, and puts that in force. `text` is the last edit, however
/// it ends.
async fn see_through(
    before: &Before,
    edit: &Edit,
    key: &str,
    text: &mut String,
) -> Result<Exit, Failure> {
    let mut problems = None;
    loop {
        let edited = editor::open(text, problems.as_deref()).await?;
        if edited == *text {
            // Closed as it was opened: nothing to do, or no way out of the problem.
            say("nothing was changed");
            return Ok(if problems.is_some() { Exit::InvalidPolicy } else { Exit::Fine });
        }
        *text = edited;
        let data = match data_of(&before.config_map.data, key, text) {
            Ok(data) => data,
            Err(problem) => {
                problems = Some(problem);
                continue;
            }
        };
        match before.compile(&data) {
            Ok(_) => return before.change_to(&data, &edit.flags).await,
            Err(PolicyFault::Invalid { problems: found, .. }) => problems = Some(found.to_string()),
            Err(fault) => return Err(fault.into()),
        }
    }
}

pub(crate) async fn apply(connection: &Connection, apply: &Apply) -> Result<Exit, Failure> {
    let shown = apply.filename.display().to_string();
    let text = std::fs::read(&apply.filename)
        .map_err(|error| Fault::usage(&format!("cannot read `{shown}`: {error}")))?;
    let mut data: BTreeMap<String, String> = BTreeMap::new();
    for (key, bytes) in keys(text) {
        let text = String::from_utf8(bytes)
            .map_err(|_| Fault::usage(&format!("`{shown}` is not UTF-8")))?;
        data.insert(key, text);
    }
    let before = Before::read(connection).await?;
    let is_policy =
        |key: &str| key == POLICY_KEY || key == CANDIDATE_KEY || SIMPLE_KEYS.contains(&key);
    for (key, text) in &before.config_map.data {
        // Keys of others are theirs; the gate says what it thinks of them.
        if key == CANDIDATE_KEY || !is_policy(key) {
            data.entry(key.clone()).or_insert_with(|| text.clone());
        }
    }
    before.change_to(&data, &apply.flags).await
}

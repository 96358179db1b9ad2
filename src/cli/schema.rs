//! `imagegate schema`: the JSON Schema of policy.yaml, for editors and charts.

use std::io::Write as _;

use anyhow::Result;

use super::exit::Exit;

/// Print the JSON Schema of policy.yaml
#[derive(Debug, clap::Args)]
pub(super) struct Schema {}

pub(super) fn run(Schema {}: &Schema) -> Result<Exit> {
    let schema = include_str!("../../config/policy.schema.json");
    std::io::stdout().lock().write_all(schema.as_bytes())?;
    Ok(Exit::Fine)
}

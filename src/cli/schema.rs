//! `imagegate schema`: the JSON Schemas of what ImageGate reads and writes, for editors, charts and
//! whoever reads reports.

use std::io::Write as _;

use anyhow::Result;

use super::output;
use imagegate_report::Exit;

/// Print a JSON Schema: of policy.yaml, or of a report
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// What the schema describes
    #[arg(value_enum, default_value_t = Subject::Policy)]
    of: Subject,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Subject {
    /// A policy in full form
    Policy,
    /// What `check -o json` writes
    Findings,
    /// What `validate -o json` and `test -o json` write
    Remarks,
    /// What `diff -o json` writes
    Comparison,
}

pub(super) fn run(Schema { of }: &Schema) -> Result<Exit> {
    let schema = match of {
        Subject::Policy => include_str!("../../config/policy.schema.json"),
        Subject::Findings => include_str!("../../config/findings.schema.json"),
        Subject::Remarks => include_str!("../../config/remarks.schema.json"),
        Subject::Comparison => include_str!("../../config/comparison.schema.json"),
    };
    let mut out = output::stdout();
    out.write_all(schema.as_bytes())?;
    out.finish()?;
    Ok(Exit::Fine)
}

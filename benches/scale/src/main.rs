//! How many replicas a cluster needs. `make scale` runs it.
//!
//! | room | holds |
//! |---|---|
//! | `simulation` | a cluster, event by event |
//! | `client` | the connections of an API server |
//! | `processors` | those of a replica, as a queue |
//! | `outcome` | what came of it |
//! | `plan` | which clusters, and how large a gate they need |
//! | `pages`, `chart` | the table and the charts of docs/sizing.md |
//! | `real` | the same with processes of the release binary, and what they cost |
//! | `constants`, `measured` | every number, with its source |
//! | `random` | the same random numbers each time |
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and seconds are far below where these matter"
)]

#[path = "../../../crates/core/tests/support/bodies.rs"]
mod bodies;
mod chart;
mod client;
mod constants;
mod measured;
mod outcome;
mod pages;
mod plan;
mod processors;
mod random;
mod real;
mod simulation;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["model", charts] => pages::write(Path::new(charts)),
        ["measure", binary, directory] => real::measure(Path::new(binary), Path::new(directory)),
        ["compare", binary, directory] => real::compare(Path::new(binary), Path::new(directory)),
        _ => {
            eprintln!("write `model CHARTS`, or `measure` or `compare` with BINARY DIRECTORY");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

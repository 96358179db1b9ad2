//! The command line: one file per subcommand.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 all is well,
//! 1 something is denied, 2 wrong usage or unreadable input, 3 the policy is not valid.

mod exit;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;

/// Refuses Pods whose images come from untrusted registries, carry a prohibited tag, or have none
#[derive(Debug, Parser)]
#[command(name = "imagegate", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve(serve) => serve::run(serve),
    };
    let exit = result.unwrap_or_else(|error| {
        // Nothing is left to be done where even that cannot be said.
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        Exit::Unusable
    });
    exit.into()
}

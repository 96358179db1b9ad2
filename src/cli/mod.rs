//! The command line: one file per subcommand.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 fine, 1 something
//! is denied, 2 wrong usage or unreadable input, 3 the policy is not valid.

mod asker;
mod check;
mod diff;
mod explain;
mod export;
mod fmt;
mod images;
mod import;
mod located;
mod manifests;
mod output;
mod paint;
mod policy_source;
mod propose;
mod schema;
mod serve;
mod test;
mod usages;
mod validate;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory as _, Parser, Subcommand};

use crate::version;
use imagegate_report::Exit;

/// Refuses Pods whose images come from untrusted registries, carry a prohibited tag, or have no tag
#[derive(Debug, Parser)]
#[command(name = "imagegate", version = version::IN_FULL.as_str(), max_term_width = 100)]
struct Arguments {
    /// Colours: `auto` is on a terminal, unless `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb` refuses or
    /// `CLICOLOR_FORCE` demands them
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    #[arg(hide_possible_values = true, help_heading = "Global options")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Validate(validate::Validate),
    Explain(explain::Explain),
    Test(test::Test),
    Fmt(fmt::Fmt),
    Diff(diff::Diff),
    Export(export::Export),
    Import(import::Import),
    Propose(propose::Propose),
    Schema(schema::Schema),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command of some arguments, of which the first is the program's own name. Ends the process
/// where they are not understood, or ask for help.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Arguments { color, command } = Arguments::parse_from(arguments);
    paint::set(color);
    let result = match command {
        Command::Serve(serve) => serve::run(serve),
        Command::Check(check) => check::run(&check),
        Command::Validate(validate) => validate::run(&validate),
        Command::Explain(explain) => explain::run(&explain),
        Command::Test(test) => test::run(&test),
        Command::Fmt(fmt) => fmt::run(&fmt),
        Command::Diff(diff) => diff::run(&diff),
        Command::Export(export) => export::run(&export),
        Command::Import(import) => import::run(&import),
        Command::Propose(propose) => propose::run(&propose),
        Command::Schema(schema) => schema::run(&schema),
    };
    let exit = result.unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        Exit::Unusable
    });
    exit.into()
}

/// The command line itself, for whoever makes completions and man pages of it.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Prints a line to standard error. A failure is ignored: there is nowhere left to report it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

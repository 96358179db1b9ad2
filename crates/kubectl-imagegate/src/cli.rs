//! The command line: one module for each subcommand.
//!
//! Results go to standard output, words about them to standard error.

use std::io::{StdoutLock, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use imagegate_report::{Exit, Patient};

use crate::cluster::Fault;
use crate::connection::Connection;
use crate::{
    audit, candidate, complete, console, diff, doctor, edit, exempt, explain, floor, history,
    images, propose, status, tail,
};

/// What a cluster runs, and what its image policy says of it
///
/// Asks as the user of your kubeconfig; each command's help lists the rights that it needs, and says
/// which it can do without. Exit codes: 0 fine, 1 a finding, 2 wrong usage or no answer, 3 the policy
/// is not valid.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-imagegate",
    bin_name = "kubectl imagegate",
    version,
    max_term_width = 100
)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(status::Status),
    Explain(explain::Explain),
    Audit(audit::Audit),
    Tail(tail::Tail),
    Images(images::Images),
    Console(console::ConsoleFlags),
    Propose(propose::Propose),
    Diff(diff::Diff),
    Doctor(doctor::Doctor),
    Edit(edit::Edit),
    Apply(edit::Apply),
    Candidate(candidate::Candidate),
    Exempt(exempt::Exempt),
    Floor(floor::Floor),
    History(history::History),
    Undo(history::Undo),
}

impl Command {
    /// A flag that does nothing is not accepted. What changes a policy, or shows one from its `ConfigMap`,
    /// needs the gate that this belongs to.
    fn takes_endpoints(&self, connection: &Connection) -> Result<(), Fault> {
        let name = match self {
            Self::Edit(_) => "edit",
            Self::Apply(_) => "apply",
            Self::Candidate(_) => "candidate",
            Self::Exempt(_) => "exempt",
            Self::Floor(_) => "floor",
            Self::History(_) => "history",
            Self::Undo(_) => "undo",
            Self::Status(_)
            | Self::Explain(_)
            | Self::Audit(_)
            | Self::Tail(_)
            | Self::Images(_)
            | Self::Console(_)
            | Self::Propose(_)
            | Self::Diff(_)
            | Self::Doctor(_) => return Ok(()),
        };
        if connection.endpoint.is_empty() {
            return Ok(());
        }
        let message = format!("`--endpoint` is of no use to `{name}`: it asks the gate's Pods");
        Err(Fault::usage(&message))
    }
}

/// The command line as a value, for those who write completions and manual pages from it.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(complete::WORD) {
        let answer = complete::complete(&command(), &words.collect::<Vec<_>>());
        return match write!(stdout(), "{answer}") {
            Ok(()) => Exit::Fine.into(),
            Err(error) => Failure::Output(error).tell().into(),
        };
    }
    let arguments = Arguments::from_arg_matches(&command().get_matches());
    let arguments = arguments.unwrap_or_else(|error| error.exit());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let exit = match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(run(arguments));
            // A forwarded port may still be open; nobody waits for it.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            say(&format!("error: {error}"));
            Exit::Unusable
        }
    };
    exit.into()
}

async fn run(arguments: Arguments) -> Exit {
    let Arguments { connection, command } = arguments;
    if let Err(fault) = command.takes_endpoints(&connection) {
        return Failure::from(fault).tell();
    }
    // Whoever follows something ends it so.
    let follows = match &command {
        Command::Tail(tail) => tail.follows(),
        Command::Status(status) => status.follows(),
        Command::Console(_) => true,
        _ => false,
    };
    let result = tokio::select! {
        result = async {
            match command {
                Command::Status(status) => status::run(&connection, &status).await,
                Command::Audit(audit) => audit::run(&connection, &audit).await,
                Command::Tail(tail) => tail::run(&connection, &tail).await,
                Command::Images(images) => images::run(&connection, &images).await,
                Command::Console(console) => console::run(&connection, &console).await,
                Command::Propose(propose) => propose::run(&connection, &propose).await,
                Command::Diff(diff) => diff::run(&connection, &diff).await,
                Command::History(history) => history::history(&connection, &history).await,
                Command::Undo(undo) => history::undo(&connection, &undo).await,
                Command::Doctor(doctor) => doctor::run(&connection, &doctor).await,
                Command::Edit(edit) => edit::edit(&connection, &edit).await,
                Command::Apply(apply) => edit::apply(&connection, &apply).await,
                Command::Candidate(candidate) => candidate::run(&connection, &candidate).await,
                Command::Exempt(exempt) => exempt::run(&connection, &exempt).await,
                Command::Floor(floor) => floor::run(&connection, &floor).await,
                Command::Explain(explain) => explain::run(&connection, &explain).await,
            }
        } => result,
        _ = tokio::signal::ctrl_c() => if follows { Ok(Exit::Fine) } else {
            say("interrupted");
            Ok(Exit::Unusable)
        }
    };
    result.unwrap_or_else(|failure| failure.tell())
}

/// Why a command ended before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody answers, or the answer is no use.
    Fault(Fault),
    /// There is no policy to judge by.
    Policy(crate::gate::PolicyFault),
    /// Standard output cannot be written to.
    Output(std::io::Error),
}

impl Failure {
    fn tell(&self) -> Exit {
        match self {
            // Whoever reads what has no end has seen enough, as `head` has.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Fine,
            Self::Output(error) => {
                say(&format!("error: cannot write: {error}"));
                Exit::Unusable
            }
            Self::Fault(fault) => {
                say(&format!("error: {fault}"));
                Exit::Unusable
            }
            Self::Policy(fault) => {
                say(&format!("error: {fault}"));
                match fault {
                    crate::gate::PolicyFault::Unread(_) => Exit::Unusable,
                    crate::gate::PolicyFault::Invalid { .. } => Exit::InvalidPolicy,
                }
            }
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<crate::gate::PolicyFault> for Failure {
    fn from(fault: crate::gate::PolicyFault) -> Self {
        Self::Policy(fault)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// Standard output, for what has an end: a reader who leaves early changes nothing of what is done, nor of
/// the exit code.
pub(crate) fn stdout() -> Patient<StdoutLock<'static>> {
    Patient::new(std::io::stdout().lock())
}

/// Prints a line to standard error. A failure is ignored: there is nowhere left to report it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }

    /// Lines of the source would break in the middle of those of the terminal.
    #[test]
    fn the_rights_are_one_paragraph_for_the_terminal_to_wrap() {
        let mut with_rights = 0;
        for command in super::command().get_subcommands() {
            let Some(help) = command.get_after_help() else { continue };
            let help = help.to_string();
            let rights = help.split("\n\n").next().unwrap();
            assert!(rights.starts_with("Rights: "), "{}: {help}", command.get_name());
            assert!(!rights.contains('\n'), "{}: {rights}", command.get_name());
            assert!(rights.ends_with('.'), "{}: {rights}", command.get_name());
            with_rights += 1;
        }
        assert_eq!(with_rights, 16);
    }

    #[test]
    fn every_help_says_what_the_exit_codes_mean_or_where_they_are_said() {
        let mut all = super::command();
        // Hands the global flags down, which others conflict with.
        all.build();
        for command in all.get_subcommands_mut().filter(|each| each.get_name() != "help") {
            let help = command.render_long_help().to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            // Those that go the way of `edit` have its codes.
            let is_said = help.contains("xit code") || help.contains("`edit`");
            assert!(is_said, "{}: {help}", command.get_name());
        }
        let exempt = all.find_subcommand_mut("exempt").unwrap();
        let usage = exempt.render_usage().to_string();
        assert!(usage.contains("--namespace <NAME> --reason <TEXT>"), "{usage}");
    }

    #[test]
    fn an_endpoint_is_refused_where_it_does_nothing() {
        for (line, name) in [
            ("status", None),
            ("explain nginx", None),
            ("audit", None),
            ("tail", None),
            ("images", None),
            ("console", None),
            ("propose", None),
            ("diff new.yaml", None),
            ("doctor", None),
            ("edit", Some("edit")),
            ("apply --filename new.yaml", Some("apply")),
            ("candidate show", Some("candidate")),
            ("exempt nginx --reason why --expires 2099-01-31", Some("exempt")),
            ("floor show", Some("floor")),
            ("history", Some("history")),
            ("undo", Some("undo")),
        ] {
            let parse = |line: &str| {
                let words = ["kubectl-imagegate"].into_iter().chain(line.split(' '));
                Arguments::try_parse_from(words).unwrap()
            };
            let Arguments { connection, command } = parse(line);
            assert!(command.takes_endpoints(&connection).is_ok(), "{line}");
            let Arguments { connection, command } =
                parse(&format!("{line} --endpoint http://127.0.0.1:8080"));
            let said = command.takes_endpoints(&connection).err().map(|fault| fault.to_string());
            let expected = name.map(|name| {
                format!("`--endpoint` is of no use to `{name}`: it asks the gate's Pods")
            });
            assert_eq!(said, expected, "{line}");
        }
    }
}

//! What may come next on the command line, for the completion of kubectl.
//!
//! kubectl asks a program `kubectl_complete-imagegate` with the words after `kubectl imagegate`, the last
//! of which is being written; it may be empty. The answer is one candidate a line, with what it is behind a
//! tab, and at the end a directive for the shell.
//!
//! Source: <https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>, and the directives of
//! `ShellCompDirective` of cobra.

use std::fmt::Write as _;

use clap::{Arg, Command, ValueHint};

/// The hidden word by which the program is asked.
pub(crate) const WORD: &str = "__complete";
/// The shell is not to offer files.
const NO_FILES: u8 = 4;
/// The shell is to offer files, where nothing else is.
const DEFAULT: u8 = 0;

/// The answer to these words.
pub(crate) fn complete(command: &Command, words: &[String]) -> String {
    let (last, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", &[] as &[String]),
    };
    let mut reached = command;
    for word in before {
        reached = reached.find_subcommand(word).unwrap_or(reached);
    }
    let arguments = || {
        command.get_arguments().filter(|each| each.is_global_set()).chain(reached.get_arguments())
    };
    let previous = before.last().map_or("", String::as_str);
    if let Some(argument) =
        arguments().find(|each| each.get_action().takes_values() && is_named(each, previous))
    {
        let values = argument.get_possible_values();
        let rows = values.iter().map(|value| (value.get_name().to_owned(), String::new()));
        return rendered(rows, last, if values.is_empty() { DEFAULT } else { NO_FILES });
    }
    let described = |text: Option<&clap::builder::StyledStr>| {
        text.map(ToString::to_string)
            .and_then(|text| Some(text.lines().next()?.to_owned()))
            .unwrap_or_default()
    };
    if last.starts_with('-') {
        let flags = arguments().filter(|each| !each.is_hide_set()).filter_map(|each| {
            Some((format!("--{}", each.get_long()?), described(each.get_help())))
        });
        return rendered(flags, last, NO_FILES);
    }
    let is_file = |argument: &Arg| {
        matches!(argument.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath)
    };
    if reached.get_positionals().any(is_file) {
        return rendered(std::iter::empty(), last, DEFAULT);
    }
    let commands = reached.get_subcommands().filter(|each| !each.is_hide_set());
    let rows = commands.map(|each| (each.get_name().to_owned(), described(each.get_about())));
    rendered(rows, last, NO_FILES)
}

fn is_named(argument: &Arg, word: &str) -> bool {
    let long = word.strip_prefix("--").is_some_and(|name| argument.get_long() == Some(name));
    let short = word
        .strip_prefix('-')
        .is_some_and(|name| argument.get_short().is_some_and(|short| name.chars().eq([short])));
    long || short
}

fn rendered(rows: impl Iterator<Item = (String, String)>, last: &str, directive: u8) -> String {
    let mut answer = String::new();
    for (candidate, description) in rows.filter(|(candidate, _)| candidate.starts_with(last)) {
        let _ = match description.as_str() {
            "" => writeln!(answer, "{candidate}"),
            description => writeln!(answer, "{candidate}\t{description}"),
        };
    }
    let _ = writeln!(answer, ":{directive}");
    answer
}

#[cfg(test)]
mod tests {
    use super::complete;

    /// The candidates without what they are, and the directive.
    fn asked(line: &str) -> Vec<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let answer = complete(&crate::cli::command(), &words);
        answer.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_may_come_next_is_offered() {
        for (line, expected) in [
            ("sta", &["status", ":4"][..]),
            ("candidate ", &["set", "show", "promote", "drop", ":4"]),
            ("status --wat", &["--watch", ":4"]),
            ("audit --gate", &["--gate-namespace", ":4"]),
            ("audit --fail-on ", &["deny", "warn", "audit", "never", ":4"]),
            ("audit -o ta", &["table", ":4"]),
            ("apply --filename ", &[":0"]),
            ("explain docker", &[":4"]),
            ("diff ", &[":0"]),
            ("tail --decision ", &["deny", "warn", "audit", "exempt", "flip", ":4"]),
            ("undo --t", &["--to", "--to-file", ":4"]),
        ] {
            assert_eq!(asked(line), expected, "{line}");
        }
        assert!(asked("").contains(&"doctor".to_owned()));
    }
}

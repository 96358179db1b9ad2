//! The commands of docs/propose.md, run on the sources in `tests/data/propose`, print what the page
//! says.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Pairs of a fenced command and what it prints.
fn examples(page: &str) -> Vec<(String, String)> {
    let mut examples = Vec::new();
    let mut command = None;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match (language, command.take()) {
            ("sh", _) => command = Some(text.to_owned()),
            ("yaml" | "text", Some(command)) => examples.push((command, format!("{text}\n"))),
            _ => {}
        }
    }
    examples
}

/// Runs the last command of a block in the folder of the sources, with the Pods where a pipe leads
/// into it.
fn run(block: &str) -> String {
    let joined = block.replace("\\\n", " ");
    let line = joined.lines().last().unwrap();
    let (is_piped, command) = match line.split_once("| imagegate ") {
        Some((_, command)) => (true, command),
        None => (false, line.trim().strip_prefix("imagegate ").unwrap()),
    };
    let words = command.split_whitespace().take_while(|word| !word.starts_with('>'));
    let mut child = Command::new(env!("CARGO_BIN_EXE_imagegate"))
        .args(words)
        .env_clear()
        .current_dir("tests/data/propose")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pods =
        if is_piped { fs::read("tests/data/propose/pods.json").unwrap() } else { Vec::new() };
    child.stdin.take().unwrap().write_all(&pods).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn every_command_prints_what_the_page_says() {
    let page = fs::read_to_string("docs/propose.md").unwrap();
    let examples = examples(&page);
    assert!(examples.len() >= 5, "{}", examples.len());
    for (command, expected) in examples {
        let printed = run(&command);
        // A page may leave out what was shown before.
        let mut rest = printed.as_str();
        for part in expected.split("# …\n") {
            let at = rest.find(part).unwrap_or_else(|| panic!("{command}\n{printed}\n{part}"));
            rest = &rest[at + part.len()..];
        }
        let is_whole = !expected.contains("# …\n");
        assert!(!is_whole || printed == expected, "{command}\n{printed}");
    }
}

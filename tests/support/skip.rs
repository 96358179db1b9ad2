//! Says that a test does not run here, so that nobody takes it for one that passed.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::env;
use std::fs::File;
use std::io::Write as _;
use std::process::Command;

/// A line for each skip goes to the file that this variable names; `make test` counts them.
const FILE: &str = "IMAGEGATE_TEST_SKIPPED";
/// What must not be missing, separated by spaces: a skip for want of it is a failure.
const REQUIRED: &str = "IMAGEGATE_TEST_REQUIRED";

/// What a test may find missing on a machine.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// `python3` with the package cel-python.
    CelPython,
    /// `helm`, among the assets of kubebuilder.
    Helm,
    /// `kubectl`, among the assets of kubebuilder.
    Kubectl,
    /// User namespaces, with others inside them, for who is not root.
    Namespaces,
    /// `node`, which runs JavaScript and WebAssembly.
    Node,
    /// `promtool` of Prometheus.
    Promtool,
    /// `script` of util-linux, which runs a command on a terminal.
    Script,
    /// `taskset` of util-linux, and leave to run on the first processor.
    Taskset,
}

impl Need {
    fn as_str(self) -> &'static str {
        match self {
            Self::CelPython => "cel-python",
            Self::Helm => "helm",
            Self::Kubectl => "kubectl",
            Self::Namespaces => "namespaces",
            Self::Node => "node",
            Self::Promtool => "promtool",
            Self::Script => "script",
            Self::Taskset => "taskset",
        }
    }
}

/// Whether `program` can start another one; where it cannot, `test` is skipped.
pub(crate) fn grants(test: &str, need: Need, program: &[&str]) -> bool {
    let tried = Command::new(program[0]).args(&program[1..]).output();
    let granted = tried.is_ok_and(|output| output.status.success());
    if !granted {
        skip(test, need);
    }
    granted
}

/// Records that `test`, or the part of it that it names, is skipped.
///
/// Panics where the environment says that the need is met.
pub(crate) fn skip(test: &str, need: Need) {
    let (need, required) = (need.as_str(), env::var(REQUIRED).unwrap_or_default());
    assert!(
        !required.split(' ').any(|each| each == need),
        "{test} needs {need}, which is required"
    );
    // Not by `println!`, which the harness keeps to itself.
    let line = format!("{test} (needs {need})\n");
    let _ = std::io::stderr().write_all(format!("skipped: {line}").as_bytes());
    if let Some(path) = env::var_os(FILE) {
        // One write of a short line: those of other processes do not get into it.
        File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
    }
}

//! The binary `kubectl-imagegate`, which kubectl finds in PATH as `kubectl imagegate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_imagegate::main()
}

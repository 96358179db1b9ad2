//! The `imagegate` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    imagegate::cli::main()
}

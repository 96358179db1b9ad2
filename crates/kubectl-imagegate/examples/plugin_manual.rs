//! Writes the man pages of the plugin into a directory: `man/kubectl-imagegate.1`, with a page for each
//! subcommand. Completions are no file: kubectl asks `kubectl_complete-imagegate` for them.
//!
//! Usage: `cargo run -p kubectl-imagegate --example plugin_manual -- DIRECTORY`. An example, and no
//! subcommand, as that of the root package.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("name a directory")?;
    let pages = Path::new(&directory).join("man");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(kubectl_imagegate::command(), &pages)?;
    Ok(())
}

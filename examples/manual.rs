//! Writes completions and man pages of the command line into a directory:
//! `completions/imagegate.bash`, `completions/_imagegate`, `completions/imagegate.fish`, and
//! `man/imagegate.1` with a page for each subcommand.
//!
//! Usage: `cargo run --example manual -- DIRECTORY`. An example, and no subcommand: who runs the webhook
//! carries none of it.

use std::error::Error;
use std::fs;
use std::path::Path;

use clap_complete::Shell;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("name a directory")?;
    let [completions, pages] = ["completions", "man"].map(|name| Path::new(&directory).join(name));
    let command = imagegate::cli::command();
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), "imagegate", &completions)?;
    }
    fs::create_dir_all(&pages)?;
    // Its version has a second line, with the commit.
    clap_mangen::generate_to(command.version(env!("CARGO_PKG_VERSION")), &pages)?;
    Ok(())
}

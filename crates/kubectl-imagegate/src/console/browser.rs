//! Opens the browser of the desktop.

use std::process::Stdio;

use tokio::process::Command;

use crate::cli::say;

/// The program that opens an address in the browser that the user has chosen.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens an address. Where that fails, says so: the address is printed anyway.
pub(super) async fn open(address: String) {
    if let Err(why) = opened(OPENER, &address).await {
        say(&format!("warning: no browser was opened: {why}"));
        say("  hint: open the address above by hand; --no-browser keeps this from being tried");
    }
}

async fn opened(program: &str, address: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().await.map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}

#[cfg(test)]
mod tests {
    use super::opened;

    #[tokio::test]
    async fn a_browser_that_does_not_open_is_told() {
        assert_eq!(opened("true", "http://127.0.0.1:1/").await, Ok(()));
        let failed = opened("false", "http://127.0.0.1:1/").await.unwrap_err();
        assert!(failed.starts_with("false ended with exit status: 1"), "{failed}");
        let none = opened("no-such-program", "http://127.0.0.1:1/").await.unwrap_err();
        assert!(none.starts_with("no-such-program: "), "{none}");
    }
}

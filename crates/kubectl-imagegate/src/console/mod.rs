//! `kubectl imagegate console`: a page on this machine that shows the gate at work.
//!
//! A server on loopback, for the browser of whoever started it and nobody else, with the rights of that user
//! in the cluster. All that it can change is the policy, in the way of `kubectl imagegate edit`.
//!
//! | module | holds | IO |
//! |---|---|---|
//! | `access` | who may ask, by the names, the origin and the secrets of a request | none |
//! | `server` | connections of the browser, their limits, and the end when nobody looks | a socket on loopback |
//! | `answer` | one request, answered | none of its own |
//! | `assets` | the files of the page, as `console/` builds them | none |
//! | `watch` | what the replicas say, looked at again and again | by `gate` |
//! | `samples` | what was counted between two looks, for an hour | none |
//! | `feed` | the last decisions of all replicas | by `tail` |
//! | `images` | what was seen, and what runs | by `gate` and `audit` |
//! | `pages` | why an image gets its verdict, and errors | none |
//! | `policy` | the policy, what an edit of it would do, and the edit | by `change` |
//! | `browser` | opening the browser | a program of the desktop |

mod access;
mod answer;
mod assets;
mod browser;
mod feed;
mod images;
mod pages;
mod policy;
mod samples;
mod server;
#[cfg(test)]
mod shapes;
mod watch;

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use imagegate_report::Exit;
use tokio::net::TcpListener;

use crate::cli::{Failure, say, stdout};
use crate::cluster::{Cluster, Fault};
use crate::connection::Connection;
use access::Access;
use answer::Console;
use server::Server;

/// The time without a request after which the console ends. A page that nobody looks at asks for nothing.
const IDLE: Duration = Duration::from_hours(8);

/// Show the gate at work, on a page in your browser
///
/// Serves the page on this machine alone, prints its address, and opens the browser. Whoever has the printed
/// address sees what you may see and may change the policy where you may, so keep it to yourself. The page
/// changes nothing else; with --read-only it changes nothing at all. Rates and latencies are those since the console was started, an hour at most. Ends when it is
/// interrupted, or after eight hours without a page in sight, with exit code 0; 2 where it cannot begin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, get and create pods/portforward in the gate's namespace. With list \
validatingwebhookconfigurations, list namespaces and list configmaps it shows what `status` shows with them; \
what is not allowed is said, and the rest is shown. To see whom an edit would hit, and to make it, those of \
`edit`.

  kubectl imagegate console
  kubectl imagegate console --no-browser --port 9000
  kubectl imagegate console --read-only
  kubectl imagegate console --endpoint http://127.0.0.1:8081")]
pub(crate) struct ConsoleFlags {
    /// The port of the page [default: one that is free]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print the address, and open no browser
    #[arg(long)]
    no_browser: bool,
    /// Change nothing: the page shows what an edit of the policy would do, and cannot make it
    #[arg(long)]
    read_only: bool,
}

pub(crate) async fn run(connection: &Connection, console: &ConsoleFlags) -> Result<Exit, Failure> {
    // Whoever names the replicas needs no cluster, and has often none.
    let cluster = match connection.endpoint.as_slice() {
        [] => connection.open().await?,
        _ => Cluster::none()?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, console.port))
        .await
        .map_err(|error| cannot_listen(console.port, &error))?;
    let port = listener.local_addr()?.port();
    let access = Access::new(port)?;
    writeln!(stdout(), "{}", access.printed_address())?;
    say("Ctrl-C ends it, as do eight hours without a page in sight");
    let opened = (!console.no_browser).then(|| access.opened_address());
    let console = Arc::new(Console::new(cluster, connection.clone(), access, console.read_only));
    if let Some(address) = opened {
        tokio::spawn(browser::open(address));
    }
    let server = Server::new(listener, Arc::clone(&console), IDLE);
    tokio::select! {
        () = server.run() => say("nobody has looked for eight hours: the console ends"),
        () = console.keep_watching() => {}
    }
    Ok(Exit::Fine)
}

fn cannot_listen(port: u16, error: &std::io::Error) -> Fault {
    let fault = Fault::usage(&format!("cannot serve the page on 127.0.0.1:{port}: {error}"));
    fault.with_hint("without --port it takes a port that is free")
}

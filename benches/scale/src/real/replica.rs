//! A process of the release binary, and what it used.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// All replicas are on one processor, so that the load generator has another for itself.
const PROCESSOR: &str = "0";

/// A replica that is ready.
#[derive(Debug)]
pub(crate) struct Replica {
    process: Child,
    pub(crate) listen: SocketAddr,
    admin: SocketAddr,
}

impl Replica {
    /// Starts one with the pair of `directory` and waits until it is ready.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) fn start(binary: &Path, directory: &Path) -> io::Result<Self> {
        let mut process = Command::new("taskset")
            .args(["-c", PROCESSOR])
            .arg(binary)
            .args(["serve", "--log-format", "json", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0"])
            .arg("--policy")
            .arg(directory.join("policy.yaml"))
            .arg("--tls-cert")
            .arg(directory.join("tls.crt"))
            .arg("--tls-key")
            .arg(directory.join("tls.key"))
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut log = BufReader::new(log);
        let mut line = String::new();
        while !line.contains("ImageGate is ready!") {
            line.clear();
            if log.read_line(&mut line)? == 0 {
                return Err(io::Error::other("the webhook did not start"));
            }
        }
        // Whoever does not read the log makes its lines be dropped, and that is work too.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        Ok(Self { process, listen: address(&line, "listen")?, admin: address(&line, "admin")? })
    }

    /// Seconds of a processor that all its threads have spent.
    pub(crate) fn spent(&self) -> io::Result<f64> {
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse::<f64>().map_err(io::Error::other)?;
        }
        Ok(nanoseconds / 1e9)
    }

    /// Reviews that it has answered with a verdict.
    pub(crate) fn answered(&self) -> io::Result<u64> {
        let mut admin = TcpStream::connect(self.admin)?;
        admin.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        admin.read_to_string(&mut page)?;
        let rows =
            page.lines().filter(|row| row.starts_with("imagegate_admission_decisions_total"));
        Ok(rows.filter_map(|row| row.rsplit_once(' ')?.1.parse::<u64>().ok()).sum())
    }

    /// Asks it to go, as the kubelet does.
    pub(crate) fn terminate(&self) -> io::Result<()> {
        Command::new("kill").arg(self.process.id().to_string()).status().map(drop)
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The address that a line of the log has in a field.
fn address(line: &str, field: &str) -> io::Result<SocketAddr> {
    let start = format!("\"{field}\":\"");
    let value = line.split_once(&start).and_then(|(_, rest)| rest.split('"').next());
    value.unwrap_or_default().parse().map_err(io::Error::other)
}

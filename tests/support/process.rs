//! The real binary in a process of its own.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use http::StatusCode;
use rustix::net::sockopt::socket_acceptconn;
use rustix::net::{Shutdown, getsockname, shutdown};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, pidfd_getfd, pidfd_open,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::authority::Authority;
use super::client::{self, Client};
use super::volume::Volume;

/// Longer than anything that is waited for here, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at another process, which cannot wake this one.
const GLANCE: Duration = Duration::from_millis(10);

/// How to start the webhook.
pub(crate) struct Start {
    command: Command,
}

/// A webhook that runs; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) operator: SocketAddr,
    log: Log,
}

/// A webhook that runs with a policy and a key pair of the test's own.
pub(crate) struct Gate {
    pub(crate) process: Process,
    pub(crate) volume: Volume,
    pub(crate) authority: Authority,
    pub(crate) client: Client,
    _pair: TempDir,
}

/// What a process said, and how it ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

/// The lines on standard error, as they come.
#[derive(Clone)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    /// How many lines there are; closed with the last one.
    count: watch::Receiver<usize>,
}

impl Gate {
    /// A webhook with `policy.yaml` and these settings, such as `("header_seconds", "1")`.
    pub(crate) async fn start(policy: &str, settings: &[(&str, &str)]) -> Self {
        let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
        let (cert, key) = authority.issue().write(directory.path());
        let volume = Volume::with_policy(policy);
        let start = Start::new().policy(&volume.path()).pair(&cert, &key);
        let process = start.settings(settings).serve().await;
        let client = Client::new(&authority, process.listen);
        Self { process, volume, authority, client, _pair: directory }
    }
}

impl Start {
    /// A webhook on free ports that logs JSON.
    pub(crate) fn new() -> Self {
        Self::through(&[])
    }

    /// The same, started by another program, whose last argument is the webhook's path.
    pub(crate) fn through(program: &[&str]) -> Self {
        // The one of the tests' own profile, unless another is to be measured.
        let binary = std::env::var("IMAGEGATE_BINARY");
        let binary = binary.as_deref().unwrap_or(env!("CARGO_BIN_EXE_imagegate"));
        let words: Vec<&str> = [program, &[binary]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command.arg("serve");
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // As variables, so that a test's flags win over them.
        Self { command }.settings(&[
            ("listen", "127.0.0.1:0"),
            ("admin_listen", "127.0.0.1:0"),
            ("operator_listen", "127.0.0.1:0"),
            ("log_format", "json"),
        ])
    }

    pub(crate) fn argument(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.command.arg(name).arg(value.as_ref());
        self
    }

    pub(crate) fn policy(self, path: &Path) -> Self {
        self.argument("--policy", path)
    }

    pub(crate) fn pair(self, cert: &Path, key: &Path) -> Self {
        self.argument("--tls-cert", cert).argument("--tls-key", key)
    }

    pub(crate) fn self_signed(mut self) -> Self {
        self.command.arg("--self-signed");
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn settings(mut self, settings: &[(&str, &str)]) -> Self {
        for (name, value) in settings {
            self.command.env(format!("IMAGEGATE_{}", name.to_ascii_uppercase()), value);
        }
        self
    }

    /// Starts it and waits until it says that it serves.
    pub(crate) async fn serve(self) -> Process {
        let (child, log) = self.spawn();
        let ready = log.line("ImageGate is ready!").await;
        let address = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        let (listen, admin, operator) = (address("listen"), address("admin"), address("operator"));
        Process { child, listen, admin, operator, log }
    }

    /// The same where the log is text.
    pub(crate) async fn serve_with_text(self) -> Process {
        let (child, log) = self.settings(&[("log_format", "text")]).spawn();
        let ready = || log.lines().into_iter().find(|line| line.contains("ImageGate is ready!"));
        until("ready", async || ready().is_some()).await;
        let ready = ready().unwrap();
        let address = |name: &str| {
            let (_, rest) = ready.split_once(&format!(" {name}=\"")).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        let (listen, admin, operator) = (address("listen"), address("admin"), address("operator"));
        Process { child, listen, admin, operator, log }
    }

    /// Starts what cannot serve and waits for its end.
    pub(crate) async fn fail(self) -> Ended {
        let (mut child, log) = self.spawn();
        log.ended().await;
        Ended { status: child.wait().unwrap(), log: log.lines().join("\n") }
    }

    fn spawn(mut self) -> (Child, Log) {
        let mut child = self.command.spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (sender, count) = watch::channel(0);
        let log = Log { lines: Arc::clone(&lines), count };
        thread::spawn(move || {
            for line in errors.split(b'\n').map_while(Result::ok) {
                let mut lines = lines.lock().unwrap();
                lines.push(String::from_utf8_lossy(&line).into_owned());
                sender.send_replace(lines.len());
            }
        });
        (child, log)
    }
}

impl Process {
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the end.
    pub(crate) async fn ended(mut self) -> Ended {
        self.log.ended().await;
        Ended { status: self.child.wait().unwrap(), log: self.log.lines().join("\n") }
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Breaks the socket that listens at `address`, behind the process's back: nothing can be
    /// accepted on it any more. Needs what a debugger needs, which a parent may do with its child.
    pub(crate) fn break_listener(&self, address: SocketAddr) {
        let process = pidfd_open(self.pid(), PidfdFlags::empty()).unwrap();
        let broken = fs::read_dir(self.proc("fd")).unwrap().any(|entry| {
            let number = entry.unwrap().file_name().into_string().unwrap().parse().unwrap();
            let descriptor = pidfd_getfd(&process, number, PidfdGetfdFlags::empty());
            let Ok(descriptor) = descriptor else { return false };
            let listens = socket_acceptconn(&descriptor).unwrap_or(false)
                && getsockname(&descriptor).is_ok_and(|name| name.try_into() == Ok(address));
            listens && shutdown(&descriptor, Shutdown::Both).is_ok()
        });
        assert!(broken, "nothing listens at {address}");
    }

    /// Waits for a line of the log with this message.
    pub(crate) async fn logged(&self, message: &str) -> Value {
        self.log.line(message).await
    }

    /// The lines of the log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// While this is held, nobody reads the log.
    pub(crate) fn unread(&self) -> MutexGuard<'_, Vec<String>> {
        self.log.lines.lock().unwrap()
    }

    /// A page of the admin port.
    pub(crate) async fn page(&self, path: &str) -> (StatusCode, String) {
        let answer = client::get(self.admin, path).await.unwrap();
        (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
    }

    /// The page `/policy`.
    pub(crate) async fn policy(&self) -> Value {
        serde_json::from_str(&self.page("/policy").await.1).unwrap()
    }

    /// The value of a series.
    pub(crate) async fn metric(&self, series: &str) -> usize {
        let (_, text) = self.page("/metrics").await;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    }

    /// Waits until a series has a value.
    pub(crate) async fn metric_is(&self, series: &str, condition: impl Fn(usize) -> bool) {
        until(series, async || condition(self.metric(series).await)).await;
    }

    /// Resident memory now and at its highest, in KiB.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        (value("VmRSS:"), value("VmHWM:"))
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(self.proc("fd")).unwrap().count()
    }

    pub(crate) fn threads(&self) -> usize {
        fs::read_dir(self.proc("task")).unwrap().count()
    }

    /// Waits until no more descriptors are open than `base`.
    pub(crate) async fn descriptors_return_to(&self, base: usize) {
        until("descriptors", async || self.descriptors() <= base).await;
    }

    /// `T` where it is stopped, `S` where it waits, ….
    pub(crate) fn state(&self) -> char {
        let stat = fs::read_to_string(self.proc("stat")).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().chars().next().unwrap()
    }

    /// Processor time used, to ten milliseconds.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(self.proc("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(10 * ticks)
    }

    /// Bytes that the kernel holds for each connection to `port`, to be sent and to be read. Found by
    /// the port, so that nobody else may listen on it.
    pub(crate) fn kernel_buffers(&self, port: u16) -> Vec<(usize, usize)> {
        const ESTABLISHED: &str = "01";
        let table = fs::read_to_string(self.proc("net/tcp")).unwrap();
        let own = format!(":{port:04X}");
        let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
        let rows = rows.filter(|row| row[1].ends_with(&own) && row[3] == ESTABLISHED);
        let bytes = |text: &str| usize::from_str_radix(text, 16).unwrap();
        rows.map(|row| row[4].split_once(':').map(|(out, to)| (bytes(out), bytes(to))).unwrap())
            .collect()
    }

    /// Waits until no thread has run between one look and the next, five times on end.
    pub(crate) async fn comes_to_rest(&self) {
        let (mut seen, mut still) = (self.switches(), 0);
        until("it is at rest", async || {
            let now = self.switches();
            still = if now == seen { still + 1 } else { 0 };
            seen = now;
            still == 5
        })
        .await;
    }

    /// Threads that run or could, and how often all of them together gave up a processor: what
    /// changes whenever one runs.
    fn switches(&self) -> (usize, u64) {
        let (mut running, mut switches) = (0, 0);
        for task in fs::read_dir(self.proc("task")).unwrap() {
            // A thread may end meanwhile.
            let status = fs::read_to_string(task.unwrap().path().join("status"));
            for line in status.unwrap_or_default().lines() {
                match line.split_once(":\t") {
                    Some(("State", state)) => running += usize::from(state.starts_with('R')),
                    Some((name, count)) if name.ends_with("ctxt_switches") => {
                        switches += count.parse::<u64>().unwrap();
                    }
                    _ => {}
                }
            }
        }
        (running, switches)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    async fn line(&self, message: &str) -> Value {
        let mut count = self.count.clone();
        let found = async {
            loop {
                count.borrow_and_update();
                let lines = self.lines();
                let mut events = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
                if let Some(event) = events.find(|event: &Value| event["message"] == message) {
                    return event;
                }
                let more = count.changed().await;
                assert!(more.is_ok(), "it ended without `{message}`: {:#?}", self.lines());
            }
        };
        let found = timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("no `{message}` in {:#?}", self.lines()))
    }

    async fn ended(&self) {
        let mut count = self.count.clone();
        let ended = async { while count.changed().await.is_ok() {} };
        timeout(PATIENCE, ended).await.expect("it does not end");
    }
}

/// Waits for a condition of another process, which can only be looked at.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "it took too long: {what}");
        sleep(GLANCE).await;
    }
}

//! The connections of one API server, as `crate::client` models them, with real ones.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio_rustls::rustls::ClientConfig;

use super::connection::{Answer, Connection};
use crate::constants::{MOST_IDLE, TIMEOUT};

/// Shared by the threads that ask.
#[derive(Debug)]
pub(crate) struct Pool {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    idle: Mutex<Vec<Connection>>,
    changed: Condvar,
}

impl Pool {
    pub(crate) fn new(address: SocketAddr, config: Arc<ClientConfig>) -> Arc<Self> {
        Arc::new(Self { address, config, idle: Mutex::default(), changed: Condvar::new() })
    }

    /// One call: the answer, or an error that the client does not mend, since a request whose connection
    /// broke is not repeated.
    pub(crate) fn call(self: &Arc<Self>, body: &[u8]) -> io::Result<Answer> {
        let mut connection = self.take()?;
        let answer = connection.ask(body)?;
        if !answer.closes {
            self.give(connection);
        }
        Ok(answer)
    }

    fn take(self: &Arc<Self>) -> io::Result<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut connection) = idle.pop() {
            if connection.is_open() {
                return Ok(connection);
            }
        }
        let refused = Arc::new(AtomicBool::new(false));
        let (pool, told) = (Arc::clone(self), Arc::clone(&refused));
        thread::spawn(move || match Connection::open(pool.address, &pool.config) {
            Ok(connection) => pool.give(connection),
            Err(_) => pool.change(|_| told.store(true, Ordering::Relaxed)),
        });
        let end = Instant::now() + Duration::from_secs_f64(TIMEOUT);
        loop {
            if let Some(connection) = idle.pop() {
                return Ok(connection);
            }
            if refused.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let waited = self.changed.wait_timeout(idle, left);
            idle = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give(&self, connection: Connection) {
        self.change(|idle| {
            if idle.len() < MOST_IDLE {
                idle.push(connection);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Connection>)) {
        change(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

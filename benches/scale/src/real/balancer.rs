//! What kube-proxy does for a Service: each new connection goes to an endpoint at random, and stays there.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::random::Random;

/// The endpoints, by the number of the replica, and how many connections were sent there.
#[derive(Debug)]
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    endpoints: Vec<(usize, SocketAddr)>,
    random: Random,
    opened: u64,
}

impl Balancer {
    /// Listens, and takes in connections on a thread of its own.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub(crate) fn start(seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = State { endpoints: Vec::new(), random: Random::new(seed), opened: 0 };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || join(&client, &shared));
            }
        });
        Ok(Self { address, state })
    }

    pub(crate) fn add(&self, replica: usize, address: SocketAddr) {
        self.with(|state| state.endpoints.push((replica, address)));
    }

    /// Sends nothing new there; what is open stays.
    pub(crate) fn remove(&self, replica: usize) {
        self.with(|state| state.endpoints.retain(|(of, _)| *of != replica));
    }

    pub(crate) fn opened(&self) -> u64 {
        self.with(|state| state.opened)
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn join(client: &TcpStream, state: &Mutex<State>) {
    let endpoint = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.opened += 1;
        let count = state.endpoints.len();
        if count == 0 {
            return;
        }
        let picked = state.random.below(count);
        state.endpoints[picked].1
    };
    let Ok(server) = TcpStream::connect(endpoint) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(other_client), Ok(other_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    thread::spawn(move || copy(&other_server, &other_client));
    copy(client, &server);
}

/// Until one end closes, or breaks.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(read @ 1..) if to.write_all(&buffer[..read]).is_ok() => {}
            ended => {
                let how = if ended.is_ok() { Shutdown::Write } else { Shutdown::Both };
                let _ = to.shutdown(how);
                return;
            }
        }
    }
}

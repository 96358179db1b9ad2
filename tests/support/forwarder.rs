//! A TCP forwarder that stands in for a Service: round robin by connection over the replicas that
//! say they are ready, with the lag of a cluster in noticing.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::client::get;
use super::process::Process;

/// Between two probes of a replica.
const PROBE: Duration = Duration::from_millis(50);
/// From a failed probe until nobody is sent to the replica any more.
const LAG: Duration = Duration::from_millis(500);

/// Forwards until it is dropped with its runtime.
pub(crate) struct Forwarder {
    pub(crate) address: SocketAddr,
    replicas: Arc<watch::Sender<Vec<SocketAddr>>>,
}

impl Forwarder {
    pub(crate) async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let replicas = Arc::new(watch::Sender::new(Vec::new()));
        let (chosen_from, turn) = (replicas.subscribe(), AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = socket.accept().await {
                let replica = {
                    let replicas = chosen_from.borrow();
                    let turn = turn.fetch_add(1, Ordering::Relaxed);
                    replicas.get(turn % replicas.len().max(1)).copied()
                };
                tokio::spawn(async move {
                    let Some(replica) = replica else { return };
                    if let Ok(mut server) = TcpStream::connect(replica).await {
                        let _ = (client.set_nodelay(true), server.set_nodelay(true));
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { address, replicas }
    }

    /// Probes a replica, and sends clients to it for as long as it is ready.
    pub(crate) fn add(&self, process: &Process) {
        let (listen, admin) = (process.listen, process.admin);
        let replicas = Arc::clone(&self.replicas);
        tokio::spawn(async move {
            while !is_ready(admin).await {
                sleep(PROBE).await;
            }
            replicas.send_modify(|replicas| replicas.push(listen));
            while is_ready(admin).await {
                sleep(PROBE).await;
            }
            sleep(LAG).await;
            replicas.send_modify(|replicas| replicas.retain(|replica| *replica != listen));
        });
    }

    /// Waits until a replica is in use, or no more.
    pub(crate) async fn uses(&self, process: &Process, expected: bool) {
        let mut replicas = self.replicas.subscribe();
        let waited = replicas.wait_for(|used| used.contains(&process.listen) == expected);
        drop(waited.await.unwrap());
    }
}

async fn is_ready(admin: SocketAddr) -> bool {
    get(admin, "/readyz").await.is_ok_and(|answer| answer.status.is_success())
}

//! What the simulation takes from elsewhere, each with its source. What was measured here is in
//! `measured.tsv`, which `scale.py` writes.

/// Idle connections that the API server keeps to one host. Source: `idleConnsPerHost`, client-go's
/// `transport/cache.go`.
pub(crate) const MOST_IDLE: usize = 25;
/// Seconds after which it closes an idle one. Source: `IdleConnTimeout` of `SetTransportDefaults`,
/// apimachinery's `util/net/http.go`.
pub(crate) const IDLE: f64 = 90.0;
/// Seconds until a call has failed. Source: `timeoutSeconds` in deploy/helm/imagegate/templates/webhook.yaml.
pub(crate) const TIMEOUT: f64 = 5.0;
/// Seconds that a connection is served for, less up to an eighth. Source: `connection_age_seconds` in
/// config/imagegate.toml, and `jittered` in src/server/connection.rs.
pub(crate) const AGE: f64 = 600.0;
pub(crate) const AGE_JITTER: f64 = AGE / 8.0;
/// Seconds that a connection waits for its handshake, and connections of a replica. Source:
/// `handshake_seconds` and `max_connections` in config/imagegate.toml; the client has the same 10 s
/// (`TLSHandshakeTimeout` of `SetTransportDefaults`).
pub(crate) const HANDSHAKE: f64 = 10.0;
pub(crate) const MOST_CONNECTIONS: usize = 1_024;
/// Seconds that a replica serves on after SIGTERM. Source: `drain_delay_seconds` in config/imagegate.toml.
pub(crate) const DRAIN: f64 = 10.0;
/// Seconds from a change of readiness to the last kube-proxy that knows it. Assumed: the watch of an
/// `EndpointSlice` and one sync of the rules (`minSyncPeriod`, a second by default).
pub(crate) const ENDPOINTS: f64 = 1.0;
/// Seconds until a node that says nothing is not ready. Source: `--node-monitor-grace-period` of
/// kube-controller-manager, 50 s from 1.32 on and 40 s before.
pub(crate) const NODE_LOST: f64 = 50.0;
/// Seconds until a container that ended is there again and ready. Assumed: a start by the kubelet, and
/// the first probe that finds it ready (`periodSeconds: 2`).
pub(crate) const RESTART: f64 = 3.0;
/// Seconds between two looks of a kubelet at a Pod's volumes: `syncFrequency` of a minute, up to half as
/// long again. Source: `workerResyncIntervalJitterFactor`, kubernetes' `pkg/kubelet/pod_workers.go`.
pub(crate) const SYNC: (f64, f64) = (60.0, 90.0);
/// Seconds from the store of a `ConfigMap` to every kubelet's cache, by its watch. Assumed.
pub(crate) const WATCH: f64 = 0.5;
/// Seconds for a packet to another node and back. Assumed: one zone or two that are close.
pub(crate) const ROUND_TRIP: f64 = 0.0005;
/// Round trips of a new connection before the request: TCP, and TLS 1.3.
pub(crate) const ROUND_TRIPS_TO_CONNECT: f64 = 2.0;

/// Reviews for each Pod that is created. Assumed: the Pod, and half of it for the workloads above Pods and
/// for updates that change an object's meaning; status is a subresource that the webhook is not asked about.
pub(crate) const REVIEWS_PER_POD: f64 = 1.5;
/// Reviews that arrive together, on average. Assumed: a controller creates the Pods of a workload in groups
/// of 1, 2, 4 and so on, up to 500 (`SlowStartInitialBatchSize`, `BurstReplicas`), all by one API server.
pub(crate) const GROUP: f64 = 16.0;
/// Seconds over which they are spread. Assumed: an API server reads, authenticates and admits each of them.
pub(crate) const GROUP_SPAN: f64 = 0.01;
/// Shares of the bodies of `measured.tsv`, by their size in kB. Assumed: a Pod as a controller makes it is 2
/// to 5 kB, an update has the old object too and managed fields, and a hundredth is huge.
pub(crate) const SIZES: [(&str, f64); 3] = [("2", 0.5), ("12", 0.49), ("100", 0.01)];

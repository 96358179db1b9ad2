//! Every series that `/metrics` shows, resolved once into plain counters.

/// Why a request got an error in place of a verdict: the closed set of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorReason {
    /// The body could not be read: it broke off or took too long.
    BodyRead,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body is not an admission review.
    MalformedReview,
    /// A method, path or content type that is not served.
    NotServed,
    /// There is no valid policy yet.
    NoPolicy,
    /// The handler panicked.
    Panic,
    /// The path pins an override that the policy does not have.
    UnknownOverride,
}

/// The process's metrics. Cheap to share: all methods take `&self` and cost an atomic add.
#[derive(Debug, Default)]
pub struct Metrics {}

/// Keeps a gauge raised by one for as long as it lives.
#[derive(Debug)]
pub struct Held;

// SKELETON: replaced by the telemetry worker; the signatures stand.
impl Metrics {
    /// Creates and registers every series, so that each is present from the first scrape.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }

    /// The text exposition format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        String::new()
    }

    /// `imagegate_connections` up by one until the value is dropped.
    #[must_use]
    pub fn connection(&self) -> Held {
        Held
    }

    /// `imagegate_requests_in_flight` up by one until the value is dropped.
    #[must_use]
    pub fn request(&self) -> Held {
        Held
    }

    /// `imagegate_admission_errors_total{reason}`
    pub fn admission_error(&self, reason: ErrorReason) {
        let _ = reason;
    }

    /// `imagegate_requests_shed_total`
    pub fn request_shed(&self) {}

    /// `imagegate_panics_total`
    pub fn panicked(&self) {}

    /// `imagegate_tls_handshake_errors_total`
    pub fn tls_handshake_error(&self) {}

    /// `imagegate_tls_reloads_total{result}`
    pub fn tls_reloaded(&self, success: bool) {
        let _ = success;
    }

    /// `imagegate_tls_certificate_not_after_timestamp_seconds`
    pub fn tls_certificate_not_after(&self, unix_seconds: i64) {
        let _ = unix_seconds;
    }

    /// `imagegate_policy_reloads_total{result="success"}` and the gauges that go with it.
    /// `now` is in Unix seconds.
    pub fn policy_applied(&self, hash: &str, generation: u64, now: f64) {
        let _ = (hash, generation, now);
    }

    /// `imagegate_policy_reloads_total{result="failure"}`, last reload not successful.
    pub fn policy_rejected(&self) {}

    /// Last reload successful again: the content went back to what is in force.
    pub fn policy_restored(&self) {}
}

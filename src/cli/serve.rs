//! `imagegate serve`: the webhook.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use config::Value;
use tokio::runtime::Builder;

use crate::server::{self, Ending};
use crate::settings::{Flags, Settings};
use crate::telemetry::{Log, LogFormat};
use imagegate_core::policy::SIMPLE_KEYS;
use imagegate_report::Exit;

/// Threads for blocking work: one each to check the policy, check the key pair, judge an edit and
/// render a page of the admin port, two to render pages of the operator port, and a few in reserve.
/// The default of tokio is 512, each with memory of its own.
const BLOCKING_THREADS: usize = 8;

/// Serve the webhook
///
/// Every flag but --config can also be set in the configuration file and by an environment variable:
/// --tls-cert is `tls_cert` and `IMAGEGATE_TLS_CERT`. config/imagegate.toml lists all settings.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Path of the policy, a mounted directory or a file [default: /etc/imagegate/policy]
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// Address of the webhook, HTTPS [default: 0.0.0.0:3000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address of metrics and probes, HTTP [default: 0.0.0.0:8080]
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// Address of the operator port (observed images, decisions), HTTP; empty turns it off [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS")]
    operator_listen: Option<String>,
    /// Serving certificate with its chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the serving certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Accept only clients with a certificate from this CA, PEM
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Use a self-signed certificate made in memory, to try ImageGate out
    #[arg(long, conflicts_with = "tls_cert")]
    self_signed: bool,
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log format [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

pub(super) fn run(serve: Serve) -> Result<Exit> {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let file = serve.config.clone();
    let (settings, ignored) = Settings::load(file.as_deref(), &variables, flags(serve))?;
    let log = Log::start(settings.log_format, &settings.log_level)?;
    for name in ignored {
        tracing::warn!(variable = name.as_str(), "an environment variable names no known setting");
    }
    // The rest of the environment may hold secrets, so it is dropped here.
    let of_policy = |(name, _): &(String, String)| SIMPLE_KEYS.contains(&name.as_str());
    let variables = variables.into_iter().filter(of_policy).collect();
    let runtime =
        Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()?;
    runtime.spawn(log.report_dropped_lines());
    let ending = runtime.block_on(server::run(settings, variables))?;
    // Threads that are still blocked, such as by a hanging file system, are not waited for.
    runtime.shutdown_background();
    Ok(match ending {
        Ending::Asked => Exit::Fine,
        Ending::Failed => Exit::Unusable,
    })
}

fn flags(serve: Serve) -> Flags {
    let Serve {
        policy,
        listen,
        admin_listen,
        operator_listen,
        tls_cert,
        tls_key,
        client_ca,
        self_signed,
        config: _,
        log_format,
    } = serve;
    let path = |path: Option<PathBuf>| path.map(|path| path.to_string_lossy().into_owned().into());
    let address = |address: Option<SocketAddr>| address.map(|address| address.to_string().into());
    let log_format = log_format.map(|format| match format {
        LogFormat::Json => "json",
        LogFormat::Text => "text",
    });
    let named: [(&str, Option<Value>); 9] = [
        ("policy", path(policy)),
        ("listen", address(listen)),
        ("admin_listen", address(admin_listen)),
        ("operator_listen", operator_listen.map(Value::from)),
        ("tls_cert", path(tls_cert)),
        ("tls_key", path(tls_key)),
        ("client_ca", path(client_ca)),
        ("self_signed", self_signed.then(|| true.into())),
        ("log_format", log_format.map(Value::from)),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

//! Process settings: ports, paths and limits. The policy is a separate document.
//!
//! Sources, the weakest first: the embedded `config/imagegate.toml`, the file given by `--config`,
//! the variables `IMAGEGATE_*`, and flags.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, ConfigError, Environment, File, FileFormat, Value};
use imagegate_core::policy::{nearest, printable};
use serde::Deserialize;

use crate::files::read_regular;
use crate::observed::MOST_IMAGES;
use crate::telemetry::LogFormat;

/// The default settings.
pub const DEFAULTS: &str = include_str!("../config/imagegate.toml");

/// Where the policy is mounted by default.
pub const DEFAULT_POLICY: &str = "/etc/imagegate/policy";

/// The largest settings file, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

const PREFIX: &str = "IMAGEGATE_";

/// Settings that have no default.
const WITHOUT_DEFAULT: [&str; 4] = ["policy", "tls_cert", "tls_key", "client_ca"];

/// All settings. `config/imagegate.toml` explains each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/imagegate.toml documents every field")]
pub struct Settings {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    #[serde(deserialize_with = "address_or_empty")]
    pub operator_listen: Option<SocketAddr>,
    pub policy: Option<PathBuf>,
    #[serde(rename = "poll_seconds", deserialize_with = "seconds")]
    pub poll: Duration,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub client_ca: Option<PathBuf>,
    pub self_signed: bool,
    pub protocols: Vec<Protocol>,
    pub log_format: LogFormat,
    pub log_level: String,
    pub max_log_lines_per_second: u32,
    pub observed_images: usize,
    pub max_body_bytes: usize,
    pub max_body_bytes_total: usize,
    pub max_requests: usize,
    pub max_connections: usize,
    pub max_admin_connections: usize,
    #[serde(rename = "handshake_seconds", deserialize_with = "seconds")]
    pub handshake: Duration,
    #[serde(rename = "header_seconds", deserialize_with = "seconds")]
    pub header: Duration,
    #[serde(rename = "body_seconds", deserialize_with = "seconds")]
    pub body: Duration,
    #[serde(rename = "idle_seconds", deserialize_with = "seconds")]
    pub idle: Duration,
    #[serde(rename = "connection_age_seconds", deserialize_with = "seconds")]
    pub connection_age: Duration,
    #[serde(rename = "drain_delay_seconds", deserialize_with = "seconds")]
    pub drain_delay: Duration,
    #[serde(rename = "drain_grace_seconds", deserialize_with = "seconds")]
    pub drain_grace: Duration,
}

/// An HTTP version, by its ALPN name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// `h2`
    #[serde(rename = "h2")]
    Http2,
    /// `http/1.1`
    #[serde(rename = "http/1.1")]
    Http1,
}

/// The values of flags, by the names of the settings.
pub type Flags = BTreeMap<&'static str, Value>;

impl Settings {
    /// Merges the sources. Also returns the names of variables that look like settings but are not.
    ///
    /// # Errors
    /// When a source cannot be read, has an unknown setting or a value of the wrong type, or when
    /// settings contradict each other.
    pub fn load(
        file: Option<&Path>,
        variables: &BTreeMap<String, String>,
        flags: Flags,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let defaults = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        let known = defaults.build_cloned()?.cache.into_table()?;
        let is_known = |name: &str| known.contains_key(name) || WITHOUT_DEFAULT.contains(&name);
        let mut ignored = Vec::new();
        let mut own = std::collections::HashMap::new();
        for (name, value) in variables {
            let Some(setting) = name.strip_prefix(PREFIX) else { continue };
            if is_known(&setting.to_ascii_lowercase()) {
                own.insert(setting.to_owned(), value.clone());
            } else if !is_service_link(setting) {
                ignored.push(name.clone());
            }
        }
        let mut builder = defaults;
        if let Some(file) = file {
            // The library would block on a FIFO.
            read_regular(file, LARGEST_FILE).map_err(|error| {
                ConfigError::Message(format!("cannot read `{}`: {error}", file.display()))
            })?;
            let source = File::from(file).format(FileFormat::Toml);
            let read = Config::builder().add_source(source.clone()).build()?;
            let settings = read.cache.into_table()?;
            let mut names: Vec<&String> = settings.keys().filter(|name| !is_known(name)).collect();
            names.sort_unstable();
            if let Some(name) = names.first() {
                let known = known.keys().map(String::as_str).chain(WITHOUT_DEFAULT);
                return Err(ConfigError::Message(not_known(file, name, known)));
            }
            builder = builder.add_source(source);
        }
        let variables = Environment::default()
            .source(Some(own))
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("protocols");
        builder = builder.add_source(variables);
        for (name, value) in flags {
            builder = builder.set_override(name, value)?;
        }
        let settings: Self = builder.build()?.try_deserialize()?;
        settings.check().map_err(ConfigError::Message)?;
        Ok((settings, ignored))
    }

    fn check(&self) -> Result<(), String> {
        let pair = self.tls_cert.is_some() || self.tls_key.is_some();
        if pair && self.self_signed {
            return Err("`self_signed` and a key pair are both set; keep one of them".to_owned());
        }
        if !self.self_signed && (self.tls_cert.is_none() || self.tls_key.is_none()) {
            return Err("the webhook needs a key pair\n  hint: name it with --tls-cert and \
                        --tls-key, or try out with --self-signed"
                .to_owned());
        }
        let zero = [
            ("poll_seconds", self.poll.is_zero()),
            ("handshake_seconds", self.handshake.is_zero()),
            ("header_seconds", self.header.is_zero()),
            ("body_seconds", self.body.is_zero()),
            ("idle_seconds", self.idle.is_zero()),
            ("connection_age_seconds", self.connection_age.is_zero()),
            ("max_body_bytes", self.max_body_bytes == 0),
            ("max_body_bytes_total", self.max_body_bytes_total == 0),
            ("max_requests", self.max_requests == 0),
            ("max_connections", self.max_connections == 0),
            ("max_admin_connections", self.max_admin_connections == 0),
        ];
        if let Some((name, _)) = zero.into_iter().find(|(_, zero)| *zero) {
            return Err(format!("`{name}` is 0; nothing could be served"));
        }
        if self.observed_images > MOST_IMAGES {
            return Err(format!("`observed_images` is more than {MOST_IMAGES}"));
        }
        if self.protocols.is_empty() {
            return Err("`protocols` is empty; offer `h2` or `http/1.1`".to_owned());
        }
        Ok(())
    }
}

/// What is said of a setting of `file` that there is not.
fn not_known<'a>(file: &Path, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "config/imagegate.toml lists all settings".to_owned(),
    };
    let (file, name) = (file.display().to_string(), printable(name));
    format!("{}: the setting `{name}` is not known\n  hint: {hint}", printable(&file))
}

/// Whether Kubernetes sets such a variable itself, for a Service whose name starts with
/// `imagegate`.
///
/// Source: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>
fn is_service_link(name: &str) -> bool {
    name.ends_with("SERVICE_HOST")
        || name.contains("SERVICE_PORT")
        || name == "PORT"
        || name.ends_with("_PORT")
        || name.contains("PORT_")
}

/// An address; an empty text is none.
fn address_or_empty<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(format!("`{text}` is no address, such as `127.0.0.1:8081`"))
    })
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

//! Registry hosts, folded so that every spelling of one registry is one text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::Ipv6Addr;

use super::error::ReferenceError;
use super::grammar;

/// The registry of names that do not say one, and of Docker Hub's other hosts.
pub(super) const DOCKER_HUB: &str = "docker.io";

/// Hosts that answer for Docker Hub.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// The port that a client of HTTPS adds by itself.
const HTTPS: &str = "443";

/// Folds a registry host as a reference's own host is folded, for use in patterns: lower case,
/// `:443` dropped, other ports without leading zeros, `index.docker.io` and `registry-1.docker.io`
/// as `docker.io`. A word that is a host by its port or its upper case alone keeps the port, or it
/// would be one no more: `FOO` and `foo:443` are `foo:443`, while `foo` names no registry. An IPv6 address
/// is written as RFC 5952 has it.
///
/// # Errors
/// [`ReferenceError::Registry`] when `host` is not a registry host by the grammar (an IPv6 host in
/// brackets is one).
pub fn fold_registry(host: &str) -> Result<Cow<'_, str>, ReferenceError> {
    if grammar::is_domain(host) { Ok(fold(host)) } else { Err(ReferenceError::Registry) }
}

/// Folds a host that is known to be one.
pub(super) fn fold(host: &str) -> Cow<'_, str> {
    let (name, written) = split_port(host);
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = address.and_then(|address| address.parse().ok()) {
        return fold_ipv6(host, address, written);
    }
    let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
    let port = match written.map(without_leading_zeros) {
        None if !lower && !is_host_by_itself(name) => Some(HTTPS),
        Some(HTTPS) if is_host_by_itself(name) => None,
        port => port,
    };
    if port.is_none() && DOCKER_HUB_ALIASES.iter().any(|alias| name.eq_ignore_ascii_case(alias)) {
        return Cow::Borrowed(DOCKER_HUB);
    }
    match port {
        None if lower => Cow::Borrowed(name),
        None => Cow::Owned(name.to_ascii_lowercase()),
        Some(_) if lower && port == written => Cow::Borrowed(host),
        Some(port) => Cow::Owned([&name.to_ascii_lowercase(), ":", port].concat()),
    }
}

/// One address has many spellings.
fn fold_ipv6<'h>(host: &'h str, address: Ipv6Addr, port: Option<&str>) -> Cow<'h, str> {
    let mut folded = format!("[{address}]");
    // The grammar has no dots, by which an address that stands for one of IPv4 would be written.
    if folded.contains('.') {
        folded = format!("[{}]", address.segments().map(|group| format!("{group:x}")).join(":"));
    }
    match port.map(without_leading_zeros) {
        None | Some(HTTPS) => {}
        Some(port) => {
            let _ = write!(folded, ":{port}");
        }
    }
    if folded == host { Cow::Borrowed(host) } else { Cow::Owned(folded) }
}

/// Whether a text in front of the first slash is a host whatever its case: it has a dot or a
/// colon, or is `localhost`.
pub(super) fn is_host_by_itself(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'.' | b':')) || text.eq_ignore_ascii_case("localhost")
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

fn without_leading_zeros(port: &str) -> &str {
    match port.trim_start_matches('0') {
        "" => "0",
        port => port,
    }
}

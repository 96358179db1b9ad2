//! Registry hosts, folded so that every spelling of one registry is one text.

use std::borrow::Cow;

use super::error::ReferenceError;
use super::grammar;

/// The registry of names that do not say one, and of Docker Hub's other hosts.
pub(super) const DOCKER_HUB: &str = "docker.io";

/// Hosts that answer for Docker Hub.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// Folds a registry host as a reference's own host is folded, for use in patterns: lower case,
/// `:443` dropped, `index.docker.io` and `registry-1.docker.io` as `docker.io`.
///
/// # Errors
/// [`ReferenceError::Registry`] when `host` is not a registry host by the grammar (an IPv6 host in
/// brackets is one).
pub fn fold_registry(host: &str) -> Result<Cow<'_, str>, ReferenceError> {
    if grammar::is_domain(host) { Ok(fold(host)) } else { Err(ReferenceError::Registry) }
}

/// Folds a host that is known to be one.
pub(super) fn fold(host: &str) -> Cow<'_, str> {
    // The port that a client of HTTPS adds by itself names the same registry.
    let host = host.strip_suffix(":443").unwrap_or(host);
    let is_hub = |alias: &&str| host.eq_ignore_ascii_case(alias);
    if DOCKER_HUB_ALIASES.iter().any(is_hub) {
        return Cow::Borrowed(DOCKER_HUB);
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}

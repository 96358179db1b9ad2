//! The parsed reference.

use std::borrow::Cow;
use std::fmt;

/// A parsed and normalised image reference that borrows from the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    written: &'a str,
    registry: Cow<'a, str>,
    repository: Cow<'a, str>,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
    short_name: bool,
}

/// Why a text is not an image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stub")]
pub struct ReferenceError;

impl<'a> Reference<'a> {
    /// Reads `written` by the grammar of distribution/reference.
    ///
    /// # Errors
    /// When the text is outside that grammar.
    pub fn parse(written: &'a str) -> Result<Self, ReferenceError> {
        // SKELETON: replaced by the image worker. Good enough to type-check and try things.
        let (registry, rest) = written.split_once('/').ok_or(ReferenceError)?;
        let (repository, tag) = rest.rsplit_once(':').map_or((rest, None), |(r, t)| (r, Some(t)));
        Ok(Self {
            written,
            registry: Cow::Borrowed(registry),
            repository: Cow::Borrowed(repository),
            tag,
            digest: None,
            short_name: false,
        })
    }

    /// The text as the user wrote it.
    #[must_use]
    pub fn written(&self) -> &'a str {
        self.written
    }

    /// The registry host, folded: lower case, `:443` dropped, Docker Hub's aliases as `docker.io`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository path, normalised: `library/nginx` for `docker.io/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one was written. Never implied.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The digest, if one was written: `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&'a str> {
        self.digest
    }

    /// Whether the text names no registry, so that the node decides where it is pulled from.
    #[must_use]
    pub fn is_short_name(&self) -> bool {
        self.short_name
    }
}

impl fmt::Display for Reference<'_> {
    /// The canonical form: `docker.io/library/nginx:1.27`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}

/// Folds a registry host as a reference's own host is folded, for use in patterns: lower case,
/// `:443` dropped, `index.docker.io` and `registry-1.docker.io` as `docker.io`.
///
/// # Errors
/// When `host` is not a registry host by the grammar (an IPv6 host in brackets is one).
pub fn fold_registry(host: &str) -> Result<Cow<'_, str>, ReferenceError> {
    Ok(Cow::Borrowed(host))
}

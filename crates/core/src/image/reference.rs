//! The parsed reference.

use std::borrow::Cow;
use std::fmt;

use super::error::ReferenceError;
use super::grammar;
use super::registry::{self, DOCKER_HUB};

/// The namespace of Docker Hub's official images, which short names leave out.
const OFFICIAL: &str = "library/";

/// `RepositoryNameTotalLengthMax` of distribution/reference, in bytes.
const LONGEST_REPOSITORY: usize = 255;

/// A parsed and normalised image reference that borrows from the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    written: &'a str,
    registry: Cow<'a, str>,
    /// The repository as written, without [`OFFICIAL`] where `official` says that it is missing.
    path: &'a str,
    official: bool,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
    short_name: bool,
}

impl<'a> Reference<'a> {
    /// Reads `written` by the grammar of distribution/reference, and normalises it as that
    /// package's `ParseNormalizedNamed` does.
    ///
    /// Where the runtimes accept more than one reading of a text, it is refused.
    ///
    /// # Errors
    /// When the text is outside that grammar.
    pub fn parse(written: &'a str) -> Result<Self, ReferenceError> {
        Self::read(written).map_err(|error| explain(written, error))
    }

    /// The text as the user wrote it.
    #[must_use]
    pub fn written(&self) -> &'a str {
        self.written
    }

    /// The registry host, folded as [`fold_registry`](super::fold_registry) does: lower case,
    /// `:443` dropped, Docker Hub's aliases as `docker.io`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository path, normalised: `library/nginx` for `docker.io/nginx`.
    #[must_use]
    pub fn repository(&self) -> Cow<'a, str> {
        if self.official {
            Cow::Owned([OFFICIAL, self.path].concat())
        } else {
            Cow::Borrowed(self.path)
        }
    }

    /// The tag, if one was written. Never implied.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The tag by which the image is judged: the one that was written, or `latest`, as runtimes pull
    /// what has neither a tag nor a digest. `None` for an image that has a digest alone.
    #[must_use]
    pub fn judged_tag(&self) -> Option<&'a str> {
        self.tag.or(self.digest.is_none().then_some("latest"))
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

    fn read(written: &'a str) -> Result<Self, ReferenceError> {
        if written.is_empty() {
            return Err(ReferenceError::Empty);
        }
        // `sha256:…` alone fits the grammar as a name with a tag, but runtimes look it up as an id.
        if grammar::is_image_id(written) || is_shortened_digest(written) {
            return Err(ReferenceError::ImageId);
        }
        let (host, rest) = split_host(written);
        if host.is_some_and(|host| !grammar::is_domain(host)) {
            return Err(ReferenceError::Registry);
        }
        let registry = host.map_or(Cow::Borrowed(DOCKER_HUB), registry::fold);
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if !grammar::is_path(path) {
            let uppercase = path.bytes().any(|byte| byte.is_ascii_uppercase());
            return Err(if uppercase {
                ReferenceError::UppercaseRepository
            } else {
                ReferenceError::Repository
            });
        }
        let official = registry == DOCKER_HUB && !path.contains('/');
        if path.len() + if official { OFFICIAL.len() } else { 0 } > LONGEST_REPOSITORY {
            return Err(ReferenceError::RepositoryTooLong);
        }
        if tag.is_some_and(|tag| !grammar::is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        digest.map_or(Ok(()), grammar::check_digest)?;
        Ok(Self { written, registry, path, official, tag, digest, short_name: host.is_none() })
    }
}

impl fmt::Display for Reference<'_> {
    /// The canonical form: `docker.io/library/nginx:1.27`, with the digest behind the tag where
    /// both were written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let official = if self.official { OFFICIAL } else { "" };
        write!(f, "{}/{official}{}", self.registry, self.path)?;
        if let Some(tag) = self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Splits the host off, as `splitDockerDomain` does: what stands in front of the first slash is a
/// host when it has a dot, a colon or an upper-case letter, or is `localhost`.
fn split_host(written: &str) -> (Option<&str>, &str) {
    match written.split_once('/') {
        Some((host, rest))
            if registry::is_host_by_itself(host)
                || host.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (Some(host), rest)
        }
        _ => (None, written),
    }
}

/// Whether a text is a digest, or the beginning of one: without a slash, by the name of an
/// algorithm. containerd finds an image on the node by as many of the digits as make it unique
/// (`Store.Get` of `internal/cri/store/image`), so that `sha256:e3` runs whatever was pulled there.
fn is_shortened_digest(written: &str) -> bool {
    !written.bytes().any(|byte| byte == b'/')
        && written.split([':', '@']).next().is_some_and(grammar::is_digest_algorithm)
}

/// A foreign character is the better reason wherever one is found.
fn explain(written: &str, error: ReferenceError) -> ReferenceError {
    if written.bytes().any(|byte| !byte.is_ascii_graphic()) {
        ReferenceError::ForeignCharacter
    } else {
        error
    }
}

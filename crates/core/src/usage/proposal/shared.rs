//! The registries where anyone may publish.
//!
//! On these, the host says nothing of who made an image: the first part of the path does. A host
//! that is not listed is taken for the registry of one owner, as most are.

/// Hosts, folded. `*.` in front stands for any host below.
///
/// Sources: the terms of each registry, by which an account of one's own is all it takes to push.
/// `amazonaws.com` and `azurecr.io` are not among them, since there each owner has a host.
const HOSTS: [&str; 11] = [
    "docker.io",
    "gcr.io",
    "*.gcr.io",
    "ghcr.io",
    "*.pkg.dev",
    "public.ecr.aws",
    "quay.io",
    "registry.gitlab.com",
    "registry.fly.io",
    "ttl.sh",
    "codeberg.org",
];

/// Whether anyone may publish at a host, written as [`Reference`](crate::image::Reference) folds it.
pub(super) fn is_shared(host: &str) -> bool {
    HOSTS.iter().any(|shared| match shared.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => host == *shared,
    })
}

#[cfg(test)]
mod tests {
    use super::is_shared;

    #[test]
    fn rows() {
        for (host, expected) in [
            ("docker.io", true),
            ("eu.gcr.io", true),
            ("evilgcr.io", false),
            ("europe-docker.pkg.dev", true),
            ("pkg.dev", false),
            ("quay.io:8443", false),
            ("registry.k8s.io", false),
            ("localhost:5000", false),
        ] {
            assert_eq!(is_shared(host), expected, "{host}");
        }
    }
}

//! Which registry an image is from, as one of a closed set: hosts that many know, and all others.
//!
//! A label with whatever host somebody writes would be a series for each of them. Which of the others
//! there are is for `/images` to say.

use imagegate_core::image::Reference;

/// A registry that many use, or the operator of many registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Elastic Container Registry: `public.ecr.aws`, and the private ones below `amazonaws.com`.
    Amazon,
    /// Azure Container Registry, below `azurecr.io`.
    Azure,
    /// `docker.io`, with what names no registry.
    DockerHub,
    /// `ghcr.io`
    GitHub,
    /// `registry.gitlab.com`
    GitLab,
    /// `gcr.io` with its regions, and Artifact Registry below `pkg.dev`.
    Google,
    /// It is no reference.
    Invalid,
    /// `registry.k8s.io`, and the host before it.
    Kubernetes,
    /// `mcr.microsoft.com`
    Microsoft,
    /// Any other.
    Other,
    /// `quay.io`
    Quay,
    /// `registry.redhat.io` and `registry.access.redhat.com`
    RedHat,
}

impl Origin {
    /// Every one.
    pub(super) const ALL: [Self; 12] = [
        Self::Amazon,
        Self::Azure,
        Self::DockerHub,
        Self::GitHub,
        Self::GitLab,
        Self::Google,
        Self::Invalid,
        Self::Kubernetes,
        Self::Microsoft,
        Self::Other,
        Self::Quay,
        Self::RedHat,
    ];

    /// The name used in metrics: a host that stands for all of them.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Amazon => "amazonaws.com",
            Self::Azure => "azurecr.io",
            Self::DockerHub => "docker.io",
            Self::GitHub => "ghcr.io",
            Self::GitLab => "registry.gitlab.com",
            Self::Google => "gcr.io",
            Self::Invalid => "invalid",
            Self::Kubernetes => "registry.k8s.io",
            Self::Microsoft => "mcr.microsoft.com",
            Self::Other => "other",
            Self::Quay => "quay.io",
            Self::RedHat => "registry.redhat.io",
        }
    }

    /// Where a reference is from.
    pub(super) fn of(reference: &Reference<'_>) -> Self {
        let host = reference.registry();
        match host {
            "docker.io" => Self::DockerHub,
            "ghcr.io" => Self::GitHub,
            "k8s.gcr.io" | "registry.k8s.io" => Self::Kubernetes,
            "mcr.microsoft.com" => Self::Microsoft,
            "public.ecr.aws" => Self::Amazon,
            "quay.io" => Self::Quay,
            "registry.access.redhat.com" | "registry.redhat.io" => Self::RedHat,
            "registry.gitlab.com" => Self::GitLab,
            _ if is_below(host, "gcr.io") || is_below(host, "pkg.dev") => Self::Google,
            _ if is_below(host, "amazonaws.com") => Self::Amazon,
            _ if is_below(host, "azurecr.io") => Self::Azure,
            _ => Self::Other,
        }
    }
}

/// Whether a host is a domain or below it.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Origin;
    use imagegate_core::image::Reference;

    #[test]
    fn a_registry_is_known_by_its_host_alone() {
        for (image, expected) in [
            ("nginx", "docker.io"),
            ("index.docker.io/library/nginx:1", "docker.io"),
            ("GHCR.io:443/acme/web:1", "ghcr.io"),
            ("gcr.io/acme/web:1", "gcr.io"),
            ("eu.gcr.io/acme/web:1", "gcr.io"),
            ("k8s.gcr.io/pause:3", "registry.k8s.io"),
            ("europe-west1-docker.pkg.dev/acme/web/web:1", "gcr.io"),
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1", "amazonaws.com"),
            ("public.ecr.aws/acme/web:1", "amazonaws.com"),
            ("acme.azurecr.io/web:1", "azurecr.io"),
            ("registry.access.redhat.com/ubi9:1", "registry.redhat.io"),
            ("evilgcr.io/acme/web:1", "other"),
            ("gcr.io.evil.example/acme/web:1", "other"),
            ("evil.example/gcr.io/web:1", "other"),
            ("docker.io:5000/web:1", "other"),
            ("registry.corp:5000/web:1", "other"),
        ] {
            let reference = Reference::parse(image).unwrap();
            assert_eq!(Origin::of(&reference).as_str(), expected, "{image}");
        }
    }

    #[test]
    fn each_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Origin::ALL.map(Origin::as_str).into();
        assert_eq!(names.len(), Origin::ALL.len());
    }
}

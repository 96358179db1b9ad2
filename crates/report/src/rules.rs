//! What a remark can be about, with a help text for each: the rules of a policy, and the troubles of
//! a run.

use imagegate_core::policy::Rule;

use crate::trouble::TroubleKind;

/// The name under which a pipeline knows a kind of remark. It never changes, so that a platform
/// recognizes what it has shown before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// `allowed`: an image that breaks no rule.
    Allowed,
    /// `blocked-tag`
    BlockedTag,
    /// `exempted`: an image that breaks a rule and is exempt.
    Exempted,
    /// `failed-case`: a test case with another answer than expected, or one that passed.
    FailedCase,
    /// `invalid-policy`: a problem of a policy.
    InvalidPolicy,
    /// `invalid-reference`
    InvalidReference,
    /// `missing-digest`
    MissingDigest,
    /// `missing-tag`
    MissingTag,
    /// `not-judged`: a value that looks like an image, where none is expected.
    NotJudged,
    /// `not-understood`: a document that is no manifest.
    NotUnderstood,
    /// `policy-warning`: a policy that is valid and probably not meant so.
    PolicyWarning,
    /// `pull-policy`
    PullPolicy,
    /// `unreadable`: a file that cannot be read.
    Unreadable,
    /// `untrusted-registry`
    UntrustedRegistry,
}

impl RuleId {
    /// Every one, by name.
    pub const ALL: [Self; 14] = [
        Self::Allowed,
        Self::BlockedTag,
        Self::Exempted,
        Self::FailedCase,
        Self::InvalidPolicy,
        Self::InvalidReference,
        Self::MissingDigest,
        Self::MissingTag,
        Self::NotJudged,
        Self::NotUnderstood,
        Self::PolicyWarning,
        Self::PullPolicy,
        Self::Unreadable,
        Self::UntrustedRegistry,
    ];

    /// That of a rule of the policy.
    #[must_use]
    pub fn of(rule: Rule) -> Self {
        match rule {
            Rule::InvalidReference => Self::InvalidReference,
            Rule::MissingTag => Self::MissingTag,
            Rule::UntrustedRegistry => Self::UntrustedRegistry,
            Rule::BlockedTag => Self::BlockedTag,
            Rule::MissingDigest => Self::MissingDigest,
            Rule::PullPolicy => Self::PullPolicy,
        }
    }

    /// That of a file or document that could not be judged.
    #[must_use]
    pub fn of_trouble(kind: TroubleKind) -> Self {
        match kind {
            TroubleKind::Unreadable => Self::Unreadable,
            TroubleKind::NotUnderstood => Self::NotUnderstood,
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::BlockedTag => "blocked-tag",
            Self::Exempted => "exempted",
            Self::FailedCase => "failed-case",
            Self::InvalidPolicy => "invalid-policy",
            Self::InvalidReference => "invalid-reference",
            Self::MissingDigest => "missing-digest",
            Self::MissingTag => "missing-tag",
            Self::NotJudged => "not-judged",
            Self::NotUnderstood => "not-understood",
            Self::PolicyWarning => "policy-warning",
            Self::PullPolicy => "pull-policy",
            Self::Unreadable => "unreadable",
            Self::UntrustedRegistry => "untrusted-registry",
        }
    }

    /// What it means, in one sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Allowed => "The image breaks no rule of the policy.",
            Self::BlockedTag => "The image has a tag that the policy prohibits.",
            Self::Exempted => "The image breaks a rule from which the policy exempts it.",
            Self::FailedCase => "A test case got another answer than it expects.",
            Self::InvalidPolicy => "The policy has a problem and cannot be applied.",
            Self::InvalidReference => "The image is not a valid reference.",
            Self::MissingDigest => "The image is not pinned by a digest.",
            Self::MissingTag => "The image has neither a tag nor a digest.",
            Self::NotJudged => "A value looks like an image and was not judged.",
            Self::NotUnderstood => "The document is not a Kubernetes object that can be judged.",
            Self::PolicyWarning => "The policy is valid, and is probably not meant as written.",
            Self::PullPolicy => "The image is not pulled whenever a container is started.",
            Self::Unreadable => "The file could not be read.",
            Self::UntrustedRegistry => {
                "The image comes from a registry that the policy does not allow."
            }
        }
    }

    /// What to do about it, in a few sentences.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Allowed => "There is nothing to do.",
            Self::BlockedTag => {
                "Tags such as latest move: what is tested today is not what runs tomorrow. \
                 Use a tag of a release. The policy has the tags under blockedTags and allowedTags."
            }
            Self::Exempted => {
                "The exemption stands in the policy under exemptions, with its reason. \
                 When it expires, the image will be refused."
            }
            Self::FailedCase => {
                "Either the policy does not do what is expected of it, or the case is out of date. \
                 `imagegate explain` says which rule decides."
            }
            Self::InvalidPolicy => {
                "The webhook keeps the last valid policy until this is mended. \
                 `imagegate validate` lists every problem with its place."
            }
            Self::InvalidReference => {
                "Write the image as REGISTRY/REPOSITORY:TAG, as docker pull accepts it: \
                 the repository in lower case, without spaces, without a scheme such as https://."
            }
            Self::MissingDigest => {
                "Add the digest behind the tag: IMAGE:TAG@sha256:… `crane digest IMAGE:TAG`, or \
                 `docker buildx imagetools inspect IMAGE:TAG`, prints it."
            }
            Self::MissingTag => {
                "Without a tag a runtime pulls latest, whatever that is at the time. \
                 Name a tag of a release, or a digest."
            }
            Self::NotJudged => {
                "If the field holds the image of a container, name its kind and the path of its pod \
                 spec in the policy; otherwise there is nothing to do."
            }
            Self::NotUnderstood => {
                "If the file is a template, render it first, and judge what comes out: \
                 `helm template CHART | imagegate check -f -`. Otherwise mend it at this place."
            }
            Self::PolicyWarning => {
                "Read the message; it says what the policy does as it is written."
            }
            Self::PullPolicy => {
                "A node that has the image starts it without asking the registry, whoever pulled it. \
                 Set imagePullPolicy: Always, or pullPolicy: Always of an image volume."
            }
            Self::Unreadable => {
                "See that the path exists and may be read, that the file is UTF-8, and that it is \
                 not larger than is read."
            }
            Self::UntrustedRegistry => {
                "Use a copy of the image in a registry of the policy's allowedRegistries, or have \
                 its registry added there."
            }
        }
    }
}

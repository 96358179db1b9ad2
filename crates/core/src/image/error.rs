//! Why a text is not a reference.

/// Why a text is not an image reference. Each reason finishes the sentence "… is not a valid
/// reference: ", without naming the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing is written.
    #[error("it is empty")]
    Empty,
    /// White space, a control character, or a character outside ASCII.
    #[error("it holds white space or a character that is not ASCII")]
    ForeignCharacter,
    /// 64 hexadecimal digits, or a digest, and nothing else: runtimes take it for the id of an image
    /// that is on the node already.
    #[error("it is the id of an image, not its name")]
    ImageId,
    /// The part in front of the first slash is no host with an optional port.
    #[error("the registry host is malformed")]
    Registry,
    /// The repository has an upper-case letter.
    #[error("the repository must be lower case")]
    UppercaseRepository,
    /// The repository is outside the grammar.
    #[error("the repository is malformed")]
    Repository,
    /// The repository is longer than 255 characters.
    #[error("the repository is longer than 255 characters")]
    RepositoryTooLong,
    /// The tag is outside the grammar, or longer than 128 characters.
    #[error("the tag is malformed")]
    Tag,
    /// The digest is outside the grammar, or has the wrong length for its algorithm.
    #[error("the digest is malformed")]
    Digest,
    /// The digest's algorithm is none that runtimes know.
    #[error("the digest is none of sha256, sha384 and sha512")]
    DigestAlgorithm,
}

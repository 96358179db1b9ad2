//! The productions of the grammar, each as a predicate over a whole text.
//!
//! Source: the grammar in the package documentation of distribution/reference. Every predicate
//! reads each byte once.

use super::error::ReferenceError;

/// `domain := host [':' port-number]`, with a domain name, an IPv4 address or a bracketed IPv6
/// address as the host. Letters of either case.
pub(super) fn is_domain(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let hex_or_colon = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        return !address.is_empty()
            && address.bytes().all(hex_or_colon)
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((name, port)) => is_domain_name(name) && is_port(port),
        None => is_domain_name(text),
    }
}

/// `path := path-component ['/' path-component]*`, where a component is runs of lower-case
/// letters and digits, separated by `.`, `_`, `__` or any number of `-`.
pub(super) fn is_path(text: &str) -> bool {
    text.split('/').all(is_path_component)
}

/// `tag := /[\w][\w.-]{0,127}/`
pub(super) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// `digest := algorithm ':' hex`, of the algorithms that runtimes register, with exactly their
/// number of lower-case digits, as go-digest validates it.
pub(super) fn check_digest(text: &str) -> Result<(), ReferenceError> {
    let (algorithm, hex) = text.split_once(':').ok_or(ReferenceError::Digest)?;
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ReferenceError::DigestAlgorithm),
    };
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if hex.len() == digits && hex.bytes().all(lower_hex) {
        Ok(())
    } else {
        Err(ReferenceError::Digest)
    }
}

/// `identifier := /[a-f0-9]{64}/`
pub(super) fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Components of letters, digits and `-`, which begins and ends none, separated by `.`.
fn is_domain_name(text: &str) -> bool {
    // A component is empty, or begins or ends with `-`, where one of these stands beside a dot.
    let mut previous = b'.';
    for byte in text.bytes() {
        let allowed = match byte {
            b'.' => previous != b'.' && previous != b'-',
            b'-' => previous != b'.',
            byte => byte.is_ascii_alphanumeric(),
        };
        if !allowed {
            return false;
        }
        previous = byte;
    }
    previous != b'.' && previous != b'-'
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_path_component(text: &str) -> bool {
    // The separator that is being read, and how long it is; none at the start and after a letter.
    let mut separator: Option<(u8, usize)> = None;
    let mut begun = false;
    for byte in text.bytes() {
        match (byte, separator) {
            (b'a'..=b'z' | b'0'..=b'9', _) => {
                begun = true;
                separator = None;
            }
            (b'.' | b'_' | b'-', None) if begun => separator = Some((byte, 1)),
            (b'_', Some((b'_', 1))) => separator = Some((b'_', 2)),
            (b'-', Some((b'-', length))) => separator = Some((b'-', length + 1)),
            _ => return false,
        }
    }
    begun && separator.is_none()
}

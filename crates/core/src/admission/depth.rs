//! A bound on nesting, for what the parser skips without recursion and so without a limit.

/// The deepest nesting that is read, as in `serde_json`.
const DEEPEST: usize = 128;

/// Whether arrays and objects are nested at most 128 levels deep. Says nothing else of the text.
pub(super) fn is_bounded(body: &[u8]) -> bool {
    let mut depth: usize = 0;
    let mut in_string = false;
    let mut escaped = false;
    for byte in body {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > DEEPEST {
                    return false;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_bounded;

    #[test]
    fn rows() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_bounded(nested(128).as_bytes()));
        assert!(!is_bounded(nested(129).as_bytes()));
        assert!(is_bounded(format!("\"{}\"", "{".repeat(500)).as_bytes()));
        assert!(is_bounded(format!(r#""\"{}\\""#, "[".repeat(500)).as_bytes()));
        assert!(is_bounded("[]".repeat(500).as_bytes()));
        assert!(!is_bounded(format!(r#""\\"{}"#, "[".repeat(500)).as_bytes()));
    }
}

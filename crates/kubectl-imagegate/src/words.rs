//! Numbers in words.

/// `1 Pod`, `2 Pods`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "Pod")), ["0 Pods", "1 Pod", "2 Pods"]);
    }
}

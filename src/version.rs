//! What was built: version, commit and date. `build.rs` finds the latter two out.

use std::sync::LazyLock;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The version of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, with `-dirty` where the tree was changed; `unknown` in a debug build, and where
/// nobody told.
pub const COMMIT: &str = env!("BUILD_COMMIT");

/// When it was built, as in `2026-11-25T09:18:32Z`; `unknown` in a debug build, and where nobody
/// told.
pub static BUILD_DATE: LazyLock<String> = LazyLock::new(|| date(env!("BUILD_SECONDS")));

/// All of it in one line, without the name.
pub(crate) static IN_FULL: LazyLock<String> =
    LazyLock::new(|| format!("{VERSION} (commit {COMMIT}, built {})", *BUILD_DATE));

fn date(seconds: &str) -> String {
    let moment = seconds.parse().ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let text = moment.and_then(|moment| moment.format(&Rfc3339).ok());
    text.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn a_date_is_that_of_its_seconds() {
        assert_eq!(date("1764062312"), "2025-11-25T09:18:32Z");
        assert_eq!(date(""), "unknown");
    }
}

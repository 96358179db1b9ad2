//! The version, commit and date of the build. `build.rs` determines the latter two.

use std::sync::LazyLock;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The version of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, with `-dirty` if there were uncommitted changes; `unknown` in a debug build, or if
/// it could not be determined.
pub const COMMIT: &str = env!("BUILD_COMMIT");

/// The time of the build, such as `2026-11-25T09:18:32Z`; `unknown` in a debug build, or if it
/// could not be determined.
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

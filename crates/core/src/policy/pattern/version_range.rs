//! Version ranges over tags, as in `semver:>=1.20 <2`.
//!
//! The `semver` crate reads the range; this module says what of it is meant for tags, and turns it
//! into an interval, so that one that matches nothing is told and many of them can be searched. A
//! tag is a version where it is one to three numbers, perhaps behind a `v`; what it leaves out is 0.
//! A suffix, as in `1.27-alpine`, is not part of the version: in a registry it names a variant far
//! more often than a pre-release, and a blocked range that a suffix escapes blocks nobody. So a
//! range has no pre-releases either.

use semver::{Comparator, Op, VersionReq};

use crate::policy::pattern::syntax::{BadPattern, bad};

/// What a tag pattern begins with that is a range.
const PREFIX: &str = "semver:";

/// Major, minor and patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Version([u64; 3]);

/// The versions from one on up to, and without, another; without that one there is no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct VersionRange {
    pub(super) from: Version,
    pub(super) before: Option<Version>,
}

const EXAMPLES: &str = "a range is written as in `semver:>=1.20 <2`, `semver:^1.27`, \
                        `semver:~1.27`, `semver:1.27.x` or `semver:*`";
const SUFFIX_HINT: &str = "the suffix of a tag is not compared, `1.27-alpine` is read as `1.27`; a \
                           glob such as `*-rc*` is about suffixes";

impl Version {
    const ZERO: Self = Self([0; 3]);

    /// The version that a tag is; `None` where it is none.
    pub(in crate::policy) fn of_tag(tag: &str) -> Option<Self> {
        let numbers = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        let end = numbers.find(['-', '_']).unwrap_or(numbers.len());
        let mut parts = numbers.get(..end)?.split('.');
        let mut version = Self::ZERO;
        for (index, number) in version.0.iter_mut().enumerate() {
            match parts.next() {
                // `parse` would take a sign.
                Some(part) if part.bytes().all(|byte| byte.is_ascii_digit()) => {
                    *number = part.parse().ok()?;
                }
                None if index > 0 => {}
                _ => return None,
            }
        }
        parts.next().is_none().then_some(version)
    }
}

impl VersionRange {
    /// Parses a range, if the pattern is one.
    ///
    /// # Errors
    /// When what follows `semver:` is no range, or one that contains no version.
    pub(super) fn parse(written: &str) -> Option<Result<Self, BadPattern>> {
        written.strip_prefix(PREFIX).map(parse)
    }

    /// Whether a version is in the range.
    #[cfg(test)]
    fn contains(self, version: Version) -> bool {
        version >= self.from && self.before.is_none_or(|before| version < before)
    }

    fn is_empty(self) -> bool {
        self.before.is_some_and(|before| before <= self.from)
    }

    fn and(self, other: Self) -> Self {
        let before = match (self.before, other.before) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { from: self.from.max(other.from), before }
    }

    fn of(comparator: &Comparator) -> Self {
        let Comparator { op, major, minor, patch, pre: _ } = comparator;
        let written = [Some(*major), *minor, *patch];
        let given = written.iter().flatten().count();
        let version = Version(written.map(Option::unwrap_or_default));
        let end = |parts: usize| after(version, parts);
        let (from, before) = match op {
            Op::Greater => match end(given) {
                Some(next) => (next, None),
                None => (version, Some(version)),
            },
            Op::GreaterEq => (version, None),
            Op::Less => (Version::ZERO, Some(version)),
            Op::LessEq => (Version::ZERO, end(given)),
            Op::Tilde => (version, end(given.min(2))),
            // Up to the first number that is not 0, which breaks compatibility by changing.
            Op::Caret => {
                let zeros = version.0.iter().take_while(|number| **number == 0).count();
                (version, end((zeros + 1).min(given)))
            }
            // What is left out may be anything; so it is with operators that semver may add.
            _ => (version, end(given)),
        };
        Self { from, before }
    }
}

/// The first version behind all that begin with the first `parts` numbers of this one.
fn after(version: Version, parts: usize) -> Option<Version> {
    let mut next = Version::ZERO;
    let mut carried = false;
    for (index, number) in version.0.iter().enumerate().take(parts).rev() {
        let place = next.0.get_mut(index)?;
        if carried {
            *place = *number;
        } else if let Some(one_more) = number.checked_add(1) {
            *place = one_more;
            carried = true;
        }
    }
    carried.then_some(next)
}

fn parse(range: &str) -> Result<VersionRange, BadPattern> {
    let everything = VersionRange { from: Version::ZERO, before: None };
    if range.trim() == "*" {
        return Ok(everything);
    }
    check_habits(range)?;
    let comparators = comparators(range)?;
    let parsed = VersionReq::parse(&comparators.join(", ")).map_err(|error| {
        let message = format!("is not a version range: {error}");
        BadPattern { message, hint: Some(EXAMPLES.into()) }
    })?;
    let together = |range: VersionRange, each| range.and(VersionRange::of(each));
    let range = parsed.comparators.iter().fold(everything, together);
    if range.is_empty() {
        let hint = "the comparisons of a range hold all together; write each range as an item of \
                    its own where one of them is enough";
        return Err(bad("can match no version", hint));
    }
    Ok(range)
}

/// Says what other tools write that is not meant here, or means something else there.
fn check_habits(range: &str) -> Result<(), BadPattern> {
    if range.contains("||") {
        let message = "has `||`, which is not part of a range";
        return Err(bad(message, "write each range as an item of its own"));
    }
    if range.contains('!') {
        return Err(bad("has `!`, which is not part of a range", "put such tags in `blockedTags`"));
    }
    if range.contains("~>") {
        return Err(bad("has `~>`, which is not part of a range", "write `~`"));
    }
    if range.contains(" - ") {
        return Err(bad("has ` - `, which is not part of a range", "write `>=1.2 <=1.4`"));
    }
    if range.contains(['-', '+', '_']) {
        return Err(bad("compares a suffix", SUFFIX_HINT));
    }
    let allowed = |byte: u8| byte.is_ascii_digit() || b".<>=~^*xXvV, ".contains(&byte);
    if !range.bytes().all(allowed) {
        return Err(bad("is not a version range", EXAMPLES));
    }
    Ok(())
}

/// The comparisons, each as the `semver` crate reads it: without `v` and leading zeros.
fn comparators(range: &str) -> Result<Vec<String>, BadPattern> {
    let mut comparators = Vec::new();
    let mut operator = "";
    for word in range.split([' ', ',']).filter(|word| !word.is_empty()) {
        let version = word.trim_start_matches(['<', '>', '=', '~', '^']);
        let (before, _) = word.split_at(word.len() - version.len());
        if !operator.is_empty() && !before.is_empty() {
            return Err(bad("has an operator without a version", EXAMPLES));
        }
        operator = if before.is_empty() { operator } else { before };
        if version.is_empty() {
            continue;
        }
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        if operator.is_empty() && !version.contains(['x', 'X', '*']) {
            let hint = "tools differ on a version without an operator: write `^1.27` for all of 1 \
                        from 1.27 on, `~1.27` for all of 1.27, `=1.27.3` for that one";
            return Err(bad("has a version without an operator", hint));
        }
        let without_zeros = |part: &str| match part.trim_start_matches('0') {
            "" if !part.is_empty() => "0".to_owned(),
            rest => rest.to_owned(),
        };
        let parts: Vec<String> = version.split('.').map(without_zeros).collect();
        comparators.push(format!("{operator}{}", parts.join(".")));
        operator = "";
    }
    if comparators.is_empty() || !operator.is_empty() {
        return Err(bad("has no version", EXAMPLES));
    }
    Ok(comparators)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use semver::VersionReq;

    use super::{Version, VersionRange};

    fn range(written: &str) -> Result<VersionRange, String> {
        let parsed = VersionRange::parse(&format!("semver:{written}")).unwrap();
        parsed.map_err(|bad| bad.message)
    }

    #[test]
    fn a_tag_is_a_version_where_it_is_numbers() {
        let rows = [
            ("1", Some([1, 0, 0])),
            ("1.27", Some([1, 27, 0])),
            ("1.27.3", Some([1, 27, 3])),
            ("v1.27.3", Some([1, 27, 3])),
            ("V2", Some([2, 0, 0])),
            ("22.04", Some([22, 4, 0])),
            ("1.27-alpine", Some([1, 27, 0])),
            ("1.27.3-rc.1", Some([1, 27, 3])),
            ("1.27.3_build.7", Some([1, 27, 3])),
            ("20270131", Some([20_270_131, 0, 0])),
            ("18446744073709551615", Some([u64::MAX, 0, 0])),
            ("18446744073709551616", None),
            ("1.2.3.4", None),
            ("1.27rc1", None),
            ("1.", None),
            ("1..2", None),
            (".1", None),
            ("", None),
            ("v", None),
            ("vv1", None),
            ("-1", None),
            ("+1", None),
            ("latest", None),
            ("alpine-1.27", None),
            ("1.x", None),
            ("7e3", None),
        ];
        for (tag, expected) in rows {
            assert_eq!(Version::of_tag(tag).map(|version| version.0), expected, "{tag}");
        }
    }

    #[test]
    fn range_rows() {
        let some = |from, before| Ok((from, Some(before)));
        let rows = [
            (">=1.20 <2", some([1, 20, 0], [2, 0, 0])),
            (">=1.20, <2", some([1, 20, 0], [2, 0, 0])),
            (">= v1.20   < v2 ", some([1, 20, 0], [2, 0, 0])),
            ("^1.27", some([1, 27, 0], [2, 0, 0])),
            ("^0.2.3", some([0, 2, 3], [0, 3, 0])),
            ("^0.0.3", some([0, 0, 3], [0, 0, 4])),
            ("^0.0", some([0, 0, 0], [0, 1, 0])),
            ("^0", some([0, 0, 0], [1, 0, 0])),
            ("~1.27.3", some([1, 27, 3], [1, 28, 0])),
            ("~1", some([1, 0, 0], [2, 0, 0])),
            ("=1.27", some([1, 27, 0], [1, 28, 0])),
            ("=1.27.3", some([1, 27, 3], [1, 27, 4])),
            ("1.27.x", some([1, 27, 0], [1, 28, 0])),
            ("1.*", some([1, 0, 0], [2, 0, 0])),
            ("<=1.27", some([0, 0, 0], [1, 28, 0])),
            (">=20.04 <=22.04", some([20, 4, 0], [22, 5, 0])),
            (">=0.00", Ok(([0, 0, 0], None))),
            (">1.27", Ok(([1, 28, 0], None))),
            ("*", Ok(([0, 0, 0], None))),
            ("=1.18446744073709551615", some([1, u64::MAX, 0], [2, 0, 0])),
            ("<=18446744073709551615", Ok(([0, 0, 0], None))),
            (">18446744073709551615", Err("can match no version")),
            (">=2 <1", Err("can match no version")),
            (">=1.20 <1.20", Err("can match no version")),
            ("<0", Err("can match no version")),
            ("", Err("has no version")),
            (">=", Err("has no version")),
            (">= >1", Err("has an operator without a version")),
            ("1.27", Err("has a version without an operator")),
            (">=1 2", Err("has a version without an operator")),
            ("^1 || ^2", Err("has `||`, which is not part of a range")),
            ("!=1.2", Err("has `!`, which is not part of a range")),
            ("~>1.2", Err("has `~>`, which is not part of a range")),
            ("1.2 - 1.4", Err("has ` - `, which is not part of a range")),
            (">=1.20.0-rc.1", Err("compares a suffix")),
            ("^1.27-alpine", Err("compares a suffix")),
            ("^a", Err("is not a version range")),
            ("^1\u{202e}", Err("is not a version range")),
        ];
        for (written, expected) in rows {
            let found = range(written).map(|it| (it.from.0, it.before.map(|version| version.0)));
            assert_eq!(found, expected.map_err(str::to_owned), "{written}");
        }
        for bad in ["=>1", "1.2.3.4.x", "^1..2", "^1.", ">=1.x.3", "^18446744073709551616"] {
            let message = range(bad).unwrap_err();
            assert!(message.starts_with("is not a version range: "), "{bad}: {message}");
        }
        assert!(VersionRange::parse("1.27").is_none());
    }

    proptest! {
        /// The interval of a range, against the crate that reads it.
        #[test]
        fn agrees_with_semver(
            comparators in proptest::collection::vec(
                "(=|>|>=|<|<=|~|\\^)[0-3](\\.[0-3](\\.[0-3])?)?", 1..4),
            versions in proptest::collection::vec([0_u64..4, 0..4, 0..4], 1..20),
        ) {
            let joined = comparators.join(", ");
            let expected = VersionReq::parse(&joined).unwrap();
            let range = range(&comparators.join(" "));
            for [major, minor, patch] in versions {
                let found = range.as_ref().is_ok_and(|it| it.contains(Version([major, minor, patch])));
                let version = semver::Version::new(major, minor, patch);
                prop_assert_eq!(found, expected.matches(&version), "{} {}", joined, version);
            }
        }
    }
}

//! The answer to a request.
//!
//! Source:
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>.
//! There is never a patch: this is a validating webhook.

use std::fmt::Write as _;

use serde::Serialize;

use super::json::is_plain;
use super::operation::ApiVersion;
use super::warning::one_line;
use crate::policy::{Decision, Mode, Verdict, Violation};

/// Initial capacity for an answer, so that a short one is allocated once.
const ROOM: usize = 512;
/// The longest message, in bytes. kubectl shows it.
const LONGEST_MESSAGE: usize = 1024;
/// The size of all warnings together, in bytes. The API server drops what exceeds it.
const LONGEST_WARNINGS: usize = 4096;
/// The most lines of advice on one denial. More would bury the message.
const MOST_ADVICE: usize = 3;
/// The longest audit annotation, in bytes.
const LONGEST_ANNOTATION: usize = 1024;

/// Renders an AdmissionReview with the response to the request `uid`.
pub(super) fn render(version: ApiVersion, uid: &str, verdict: &Verdict<'_>) -> Vec<u8> {
    let says_nothing = verdict.violations.is_empty() && verdict.exempted.is_empty();
    if verdict.decision == Decision::Allow && says_nothing && is_plain(uid) {
        return plain_admission(version, uid, verdict.policy_hash);
    }
    serialised(version, uid, verdict)
}

/// The answer to nearly every request: the same bytes that [`serialised`] returns.
fn plain_admission(version: ApiVersion, uid: &str, policy_hash: &str) -> Vec<u8> {
    let parts = [
        r#"{"apiVersion":""#,
        version.as_str(),
        r#"","kind":"AdmissionReview","response":{"uid":""#,
        uid,
        r#"","allowed":true,"auditAnnotations":{"policy-hash":""#,
        policy_hash,
        r#"","verdict":"allow"}}}"#,
    ];
    parts.concat().into_bytes()
}

fn serialised(version: ApiVersion, uid: &str, verdict: &Verdict<'_>) -> Vec<u8> {
    let allowed = verdict.decision == Decision::Allow;
    let review = Review {
        api_version: version.as_str(),
        kind: "AdmissionReview",
        response: Response {
            uid,
            allowed,
            status: (!allowed).then(|| Status::of(verdict)),
            warnings: warnings(verdict, if allowed { Vec::new() } else { advice(verdict) }),
            audit_annotations: AuditAnnotations::of(verdict),
        },
    };
    let mut bytes = Vec::with_capacity(ROOM);
    // Strings, booleans and a number always serialise.
    match serde_json::to_writer(&mut bytes, &review) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    audit_annotations: AuditAnnotations<'a>,
}

/// A `metav1.Status`. It has no `reason`: kubectl would put that into its line (`Error from server
/// (Forbidden): …`), which is not the known text. Clients recognise Forbidden by the code 403
/// alone.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "status")]
    outcome: &'static str,
    message: String,
    details: Details<'a>,
    code: u16,
}

#[derive(Serialize)]
struct Details<'a> {
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'static str,
    message: &'a str,
    field: String,
}

/// Written to the API server's audit log, each under the webhook's name.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct AuditAnnotations<'a> {
    policy_hash: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    violations: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    exemptions: String,
}

impl<'a> Status<'a> {
    fn of(verdict: &'a Verdict<'_>) -> Self {
        let cause = |violation: &'a Violation| Cause {
            reason: violation.rule.as_str(),
            message: &violation.message,
            field: violation.field.to_string(),
        };
        Self {
            outcome: "Failure",
            message: message(verdict),
            details: Details { causes: treated(verdict, Mode::Enforce).map(cause).collect() },
            code: 403,
        }
    }
}

impl<'a> AuditAnnotations<'a> {
    fn of(verdict: &Verdict<'a>) -> Self {
        let violation = |each: &Violation| format!("{}={}", each.field, each.rule.as_str());
        Self {
            policy_hash: verdict.policy_hash,
            verdict: verdict.decision.as_str(),
            violations: joined(
                verdict.violations.iter().map(violation),
                verdict.violated.total(),
                ",",
                LONGEST_ANNOTATION,
            ),
            exemptions: joined(
                verdict.exempted.iter().map(|each| format!("{}={}", each.field, each.exemption)),
                verdict.exempted_total,
                ",",
                LONGEST_ANNOTATION,
            ),
        }
    }
}

/// The messages of the violations that are refused, in order, cut if there are many.
fn message(verdict: &Verdict<'_>) -> String {
    let messages = treated(verdict, Mode::Enforce).map(|each| each.message.as_str());
    joined(messages, verdict.violated.total_of(Mode::Enforce), "; ", LONGEST_MESSAGE)
}

/// The described violations that `mode` treats.
fn treated<'v>(verdict: &'v Verdict<'_>, mode: Mode) -> impl Iterator<Item = &'v Violation> {
    verdict.violations.iter().filter(move |each| each.mode == mode)
}

/// Joins parts until the next would not fit, then states how many of `total` are left out. The
/// first part is always included, cut at a character boundary if need be.
fn joined<P: AsRef<str>>(
    parts: impl Iterator<Item = P>,
    total: usize,
    separator: &str,
    longest: usize,
) -> String {
    /// Room for the text that counts what is left out.
    const TAIL: usize = 32;
    let mut text = String::new();
    let mut count = 0;
    for part in parts {
        let (part, index) = (part.as_ref(), count);
        let tail = if index + 1 < total { TAIL } else { 0 };
        if index == 0 {
            text.push_str(cut(part, longest - tail));
        } else if text.len() + separator.len() + part.len() + tail > longest {
            break;
        } else {
            text.push_str(separator);
            text.push_str(part);
        }
        count += 1;
    }
    if count > 0 && count < total {
        let _ = write!(text, "{separator}and {} more", total - count);
    }
    text
}

/// At most `longest` bytes of `text`, cut at a character boundary.
fn cut(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest)).unwrap_or(text)
}

/// The advice on a denial, and behind it what is admitted with a warning, within the limits of the API
/// server. The last warning counts what did not fit.
fn warnings(verdict: &Verdict<'_>, advice: Vec<String>) -> Vec<String> {
    /// Room for the warning that counts.
    const TAIL: usize = 64;
    let mut bytes: usize = advice.iter().map(String::len).sum();
    let mut warnings = advice;
    let mut left_out = verdict.violated.total_of(Mode::Warn);
    for violation in treated(verdict, Mode::Warn) {
        let warning = one_line(&violation.message);
        if bytes + warning.len() + TAIL > LONGEST_WARNINGS {
            break;
        }
        bytes += warning.len();
        warnings.push(warning);
        left_out = left_out.saturating_sub(1);
    }
    if left_out > 0 {
        warnings.push(format!("{left_out} more images break the policy"));
    }
    warnings
}

/// Advice on a denial, which kubectl prints above the message, followed by the policy's own line.
fn advice(verdict: &Verdict<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for advice in verdict.violations.iter().filter_map(|each| each.advice.as_deref()) {
        let line = one_line(advice);
        if lines.len() < MOST_ADVICE && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.extend(verdict.denial_hint.map(one_line));
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{joined, render, serialised};
    use crate::admission::ApiVersion;
    use crate::policy::{Mode, Verdict};

    /// `count` times the letter a.
    fn a(count: usize) -> String {
        "a".repeat(count)
    }

    #[test]
    fn as_many_parts_are_joined_as_fit_and_the_others_counted() {
        let rows = [
            (vec![], 0, String::new()),
            (vec![], 5, String::new()),
            // Up to the last byte. While others follow, 32 bytes are reserved to count them.
            (vec![a(100)], 1, a(100)),
            (vec![a(101)], 1, a(100)),
            (vec![a(58), a(40)], 2, a(58) + "; " + &a(40)),
            (vec![a(58), a(41)], 2, a(58) + "; and 1 more"),
            (vec![a(68), a(30)], 2, a(68) + "; " + &a(30)),
            (vec![a(69), a(40)], 2, a(68) + "; and 1 more"),
            (vec![a(10), a(56), a(31)], 3, a(10) + "; " + &a(56) + "; and 1 more"),
            (vec![a(10), a(57), a(1)], 3, a(10) + "; and 2 more"),
            // Some are counted without being among the parts.
            (vec![a(1), a(1)], 3, "a; a; and 1 more".to_owned()),
            (vec!["é".repeat(60)], 1, "é".repeat(50)),
        ];
        for (parts, total, expected) in rows {
            assert_eq!(joined(parts.iter(), total, "; ", 100), expected, "{parts:?}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_admission_is_what_would_be_serialised(uid in "[ -~]{0,40}|\\PC{0,8}|.{0,8}") {
            let verdict = Verdict::admitting(Mode::Warn, "0123456789ab");
            for version in [ApiVersion::V1, ApiVersion::V1Beta1] {
                let expected = serialised(version, &uid, &verdict);
                prop_assert_eq!(render(version, &uid, &verdict), expected);
            }
        }
    }
}

//! What went wrong on the way to an answer, in words.

use std::fmt;

use http::StatusCode;
use imagegate_core::policy::printable;
use serde::Deserialize;

/// A request without its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    message: String,
    hint: Option<String>,
}

/// What a caller does something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection ended before the answer.
    Broken,
    /// Another writer came first, or owns a field.
    Conflict,
    /// The list that is being read page by page is too old.
    Expired,
    /// RBAC says no.
    Forbidden,
    /// The cluster does not answer, or no longer does.
    Lost,
    /// There is no such object, or no such kind.
    NotFound,
    /// The API server, or a webhook, refuses it.
    Refused,
    /// Credentials are missing or not accepted.
    Unauthenticated,
    /// An answer that makes no sense here.
    Unreadable,
    /// What was asked for makes no sense.
    Usage,
}

/// The part of `meta/v1 Status` that is read.
#[derive(Deserialize)]
struct Status {
    message: Option<String>,
}

impl Fault {
    fn new(kind: Kind, message: &str) -> Self {
        // What others wrote goes to a terminal.
        let lines = message.lines().map(printable).collect::<Vec<_>>();
        Self { kind, message: lines.join("\n"), hint: None }
    }

    /// The command cannot be run as it was written.
    pub(crate) fn usage(message: &str) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Another writer came first.
    pub(crate) fn conflict(message: &str) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// The cluster, or a replica, does not answer.
    pub(crate) fn lost(message: &str) -> Self {
        Self::new(Kind::Lost, message)
    }

    /// The connection ended before the answer.
    pub(crate) fn broken(message: &str) -> Self {
        Self::new(Kind::Broken, message)
    }

    /// An answer that cannot be read.
    pub(crate) fn unreadable(message: &str) -> Self {
        Self::new(Kind::Unreadable, message)
    }

    /// Something is not there.
    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The same with a line that says what to do.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(printable(hint).into_owned());
        self
    }

    /// Without its hint, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The hint, where there is one.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// An answer that is no success.
    pub(crate) fn of_status(status: StatusCode, body: &[u8]) -> Self {
        let said = serde_json::from_slice::<Status>(body).ok().and_then(|status| status.message);
        let said = said.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
        let kind = match status {
            StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
            // A webhook that refuses answers 403 too; RBAC alone says `is forbidden`.
            StatusCode::FORBIDDEN if said.contains("denied the request") => Kind::Refused,
            StatusCode::FORBIDDEN => Kind::Forbidden,
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::CONFLICT => Kind::Conflict,
            StatusCode::GONE => Kind::Expired,
            status if status.is_client_error() => Kind::Refused,
            _ => Kind::Lost,
        };
        let fault = match said.as_str() {
            "" => Self::new(kind, &format!("the API server answered {status}")),
            said => Self::new(kind, said),
        };
        match kind {
            Kind::Unauthenticated => {
                fault.with_hint("`kubectl auth whoami` shows who you are here")
            }
            _ => fault,
        }
    }

    /// What the client says of a request that got no answer.
    pub(super) fn of_client(error: &kube::Error, address: &str) -> Self {
        match error {
            kube::Error::Api(status) => {
                let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::BAD_GATEWAY);
                let body = serde_json::json!({ "message": status.message }).to_string();
                Self::of_status(code, body.as_bytes())
            }
            kube::Error::Auth(error) => {
                let message = format!("no credentials for {address}: {}", causes(error));
                Self::new(Kind::Unauthenticated, &message)
            }
            kube::Error::UpgradeConnection(error) => Self::lost(&causes(error)),
            error => Self::lost(&format!("{address} does not answer: {}", causes(error)))
                .with_hint("`kubectl cluster-info` asks the same address"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

impl std::error::Error for Fault {}

/// An error with its causes, each said once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{Fault, Kind};

    #[test]
    fn an_answer_is_told_in_its_own_words() {
        for (status, body, kind, message) in [
            (
                403,
                r#"{"message":"pods is forbidden: no"}"#,
                Kind::Forbidden,
                "pods is forbidden: no",
            ),
            (
                403,
                r#"{"message":"admission webhook \"a\" denied the request: b"}"#,
                Kind::Refused,
                "admission webhook \"a\" denied the request: b",
            ),
            (404, "404 page not found\n", Kind::NotFound, "404 page not found"),
            (409, "{}", Kind::Conflict, "{}"),
            (410, r#"{"message":"too old"}"#, Kind::Expired, "too old"),
            (422, r#"{"message":"a\u001b[2J"}"#, Kind::Refused, r"a\u{1b}[2J"),
            (500, "", Kind::Lost, "the API server answered 500 Internal Server Error"),
        ] {
            let fault = Fault::of_status(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!((fault.kind, fault.message()), (kind, message));
        }
    }
}

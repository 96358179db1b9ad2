//! A place in a source, as a report has it, and what a report says of one besides findings.

use imagegate_core::manifest::{self, Candidate, Position};
use imagegate_report::{NotJudged, Object, Place, Trouble, TroubleKind};

use crate::manifests::Problem;

/// What looks like an image and was not judged, in the source that is named `file`.
#[must_use]
pub fn not_judged(
    file: &str,
    document: usize,
    object: Option<&manifest::Object<'_>>,
    found: Candidate,
) -> NotJudged {
    let Candidate { image, path, position } = found;
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let object = Object {
        place: Some(placed(file, position, document)),
        kind: object.and_then(|object| text(object.kind)),
        namespace: object.and_then(|object| text(object.namespace)),
        name: object.and_then(|object| text(object.name)),
    };
    NotJudged { object, field: path, image }
}

/// What cannot be read, in the source that is named `file`.
#[must_use]
pub fn trouble(file: &str, problem: Problem) -> Trouble {
    let Problem { document, position, message, hint } = problem;
    let is_file = position.line == 0;
    let kind = if is_file { TroubleKind::Unreadable } else { TroubleKind::NotUnderstood };
    let place = Some(placed(file, position, document));
    Trouble { kind, place, message, hint: hint.map(str::to_owned) }
}

/// A place in a file; one without a line is the file itself.
#[must_use]
pub fn placed(file: &str, position: Position, document: usize) -> Place {
    let is_known = position.line > 0;
    Place {
        file: file.to_owned(),
        line: is_known.then_some(position.line.into()),
        column: is_known.then_some(position.column.into()),
        document: is_known.then_some(document),
    }
}

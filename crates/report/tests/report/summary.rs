//! How a command ends because of what it found.

use imagegate_report::FailOn::{Audit, Deny, Never, Warn};
use imagegate_report::Outcome::{Fine, Found, Unusable};
use imagegate_report::Summary;

#[test]
fn a_finding_wins_over_what_cannot_be_read() {
    let counted = |images, denied, warned, audited, unreadable, not_understood| Summary {
        images,
        denied,
        warned,
        audited,
        unreadable,
        not_understood,
        ..Summary::default()
    };
    for (summary, fail_on, allow_empty, expected) in [
        (counted(1, 0, 0, 0, 0, 0), Deny, false, Fine),
        (counted(1, 1, 0, 0, 0, 0), Deny, false, Found),
        (counted(1, 1, 0, 0, 1, 1), Deny, false, Found),
        (counted(1, 1, 0, 0, 1, 0), Never, false, Unusable),
        (counted(1, 1, 0, 0, 0, 0), Never, false, Fine),
        (counted(1, 0, 1, 0, 0, 0), Deny, false, Fine),
        (counted(1, 0, 1, 0, 0, 0), Warn, false, Found),
        (counted(1, 0, 0, 1, 0, 0), Warn, false, Fine),
        (counted(1, 0, 0, 1, 0, 0), Audit, false, Found),
        (counted(1, 0, 0, 0, 0, 1), Deny, false, Unusable),
        (counted(0, 0, 0, 0, 0, 0), Deny, false, Unusable),
        (counted(0, 0, 0, 0, 0, 0), Deny, true, Fine),
        (counted(0, 0, 0, 0, 1, 0), Deny, true, Unusable),
    ] {
        assert_eq!(summary.outcome(fail_on, allow_empty), expected, "{summary:?} {fail_on:?}");
    }
}

#[test]
fn what_was_known_before_is_in_no_count_that_fails() {
    let report = crate::sample::report();
    let Summary { images, allowed, denied, warned, audited, exempted, known, out_of_reach, .. } =
        report.summary;
    assert_eq!(known, 1);
    assert_eq!(images, allowed + denied + warned + audited + exempted + known + out_of_reach);
    assert_eq!(images, report.findings.len());
}

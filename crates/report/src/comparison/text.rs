//! For people: whom the change hits, then what changes.

use std::io::{self, Write};

use super::{Comparison, images};
use imagegate_core::policy::printable;
use imagegate_core::usage::Hit;

pub(super) fn write(comparison: &Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut wrote = false;
    for (hits, what) in comparison.hits() {
        if hits.images == 0 {
            continue;
        }
        let counted = images(hits.images);
        writeln!(out, "{counted} of {} {what}:", comparison.impact.images)?;
        for hit in &hits.most_frequent {
            write_hit(hit, comparison, out)?;
        }
        wrote = true;
    }
    let difference = &comparison.difference;
    if wrote && !difference.is_empty() {
        writeln!(out)?;
    }
    for change in &difference.changes {
        let loosens = if change.loosens { "  (loosens)" } else { "" };
        writeln!(out, "{}{loosens}", printable(&change.text))?;
    }
    if difference.left_out > 0 {
        let loosening = match difference.left_out_loosening {
            0 => String::new(),
            count => format!(", of which {count} loosen"),
        };
        writeln!(out, "and {} more changes{loosening}", difference.left_out)?;
    }
    Ok(())
}

/// The image, how often it was used, and by whom.
fn write_hit(hit: &Hit, comparison: &Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    let times = match hit.count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let by = used_by(hit);
    writeln!(out, "  {}  {times}  {}", printable(&hit.image), printable(&by))?;
    match comparison.messages.get(hit.image.as_str()) {
        Some(message) => writeln!(out, "       {}", printable(message)),
        None => Ok(()),
    }
}

/// The owners, or the namespaces where none is known: `ci/ReplicaSet agent-7d, ci/Job x and 3 more`.
pub(super) fn used_by(hit: &Hit) -> String {
    let (names, more) = if hit.owners.is_empty() {
        (&hit.namespaces, hit.more_namespaces)
    } else {
        (&hit.owners, hit.more_owners)
    };
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names.join(", "))
}

//! An audit for people.

use std::io::{self, Write};

use imagegate_core::policy::{Rule, printable};
use imagegate_report::Answer;

use super::Basis;
use super::groups::{ByImage, ByOwner, by_image, by_owner};
use super::judge::{Audited, Judged};
use super::objects::Objects;
use crate::paint::Paint;
use crate::table::Table;
use crate::words::counted;

/// Owners in one line.
const MOST_OWNERS: usize = 3;
/// The worst first.
const ANSWERS: [Answer; 5] =
    [Answer::Deny, Answer::Warn, Answer::Audit, Answer::Exempt, Answer::Allow];
/// Characters of a digest: more than enough to tell two apart.
const DIGEST: usize = 19;

/// One line for an image, then what the gate does not judge, then tags that moved.
pub(super) fn table(
    out: &mut impl Write,
    paint: Paint,
    objects: &Objects,
    audited: &Audited,
    all: bool,
) -> io::Result<()> {
    let judged = by_image(objects, audited, |each| each.is_in_reach() && is_shown(each, all));
    print_images(out, paint, &judged)?;
    let outside = by_image(objects, audited, |each| !each.is_in_reach() && is_shown(each, all));
    if !outside.is_empty() {
        let before = if judged.is_empty() { "" } else { "\n" };
        writeln!(
            out,
            "{before}not judged by the gate, since their namespaces are excluded or have opted out:\n"
        )?;
        print_images(out, paint, &outside)?;
    }
    moved_tags(out, audited)
}

/// One line for each image of an owner.
pub(super) fn wide(
    out: &mut impl Write,
    paint: Paint,
    objects: &Objects,
    audited: &Audited,
    all: bool,
) -> io::Result<()> {
    let rows = by_owner(objects, audited, |each| is_shown(each, all));
    if !rows.is_empty() {
        let mut table = Table::new([
            "ANSWER",
            "NAMESPACE",
            "OWNER",
            "CONTAINER",
            "IMAGE",
            "RULE",
            "PODS",
            "RUNNING",
            "GATE",
        ]);
        for ByOwner { first, namespace, pods, running } in rows {
            let (kind, name) = &first.owner;
            let running: Vec<_> = running.iter().map(|digest| shortened(digest)).collect();
            table.row([
                answer(first).to_owned(),
                printable(namespace).into_owned(),
                printable(&format!("{kind} {name}")).into_owned(),
                printable(&first.finding.container).into_owned(),
                printable(first.finding.image.as_deref().unwrap_or("(no image)")).into_owned(),
                why(first),
                pods.len().to_string(),
                printable(&running.join(",")).into_owned(),
                first.finding.out_of_reach.unwrap_or("judges").to_owned(),
            ]);
        }
        table.print_painted(out, |row| paint_row(paint, row))?;
    }
    moved_tags(out, audited)
}

/// The last line, for standard error.
pub(super) fn summary(audited: &Audited, basis: &Basis) -> String {
    let Audited { judged, pods, workloads, .. } = audited;
    let count = |answer| {
        judged.iter().filter(|each| each.is_in_reach() && each.finding.decision == answer).count()
    };
    let counts: Vec<String> = ANSWERS
        .into_iter()
        .map(|answer| (answer, count(answer)))
        .filter(|(answer, count)| *count > 0 || matches!(answer, Answer::Deny | Answer::Allow))
        .map(|(answer, count)| format!("{count} {}", in_the_past(answer)))
        .collect();
    let outside = judged.iter().filter(|each| !each.is_in_reach()).count();
    let mut line = format!(
        "{} in {} and {} of {}, by {} ({}): {}",
        counted(judged.len(), "image"),
        counted(*pods, "Pod"),
        counted(*workloads, "workload"),
        counted(basis.namespaces, "namespace"),
        printable(&basis.origin),
        basis.hash,
        counts.join(", ")
    );
    if outside > 0 {
        line = format!("{line}; {} in namespaces that are not judged", counted(outside, "image"));
    }
    if basis.left_out > 0 {
        line = format!(
            "{line}; {} left out, as nothing runs of them",
            counted(basis.left_out, "object")
        );
    }
    line
}

fn is_shown(each: &Judged, all: bool) -> bool {
    all || each.finding.decision > Answer::Allow
}

fn print_images(out: &mut impl Write, paint: Paint, images: &[ByImage<'_>]) -> io::Result<()> {
    if images.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["ANSWER", "IMAGE", "RULE", "PODS", "OWNERS"]);
    for ByImage { answer, image, rule, owners, pods } in images {
        let shown = owners.iter().take(MOST_OWNERS);
        let shown: Vec<String> =
            shown.map(|(namespace, kind, name)| format!("{namespace}/{kind} {name}")).collect();
        let more = match owners.len().saturating_sub(MOST_OWNERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        table.row([
            answer.as_str().to_owned(),
            printable(image.unwrap_or("(no image)")).into_owned(),
            rule.map_or("-", Rule::as_str).to_owned(),
            pods.len().to_string(),
            format!("{}{more}", printable(&shown.join(", "))),
        ]);
    }
    table.print_painted(out, |row| paint_row(paint, row))
}

fn moved_tags(out: &mut impl Write, audited: &Audited) -> io::Result<()> {
    if !audited.moved_tags.is_empty() {
        writeln!(out, "\ntags that stand for more than one digest here:")?;
    }
    for (tag, digests) in &audited.moved_tags {
        let digests: Vec<_> = digests.iter().map(|digest| shortened(digest)).collect();
        writeln!(out, "  {}: {}", printable(tag), printable(&digests.join(", ")))?;
    }
    Ok(())
}

/// The whole line in the colour of its first word.
fn paint_row(paint: Paint, row: &str) -> String {
    match row.split(' ').next() {
        Some("deny") => paint.bad(row),
        Some("warn" | "audit" | "exempt") => paint.notable(row),
        _ => row.to_owned(),
    }
}

/// What the gate would answer, where it is asked.
fn answer(each: &Judged) -> &'static str {
    if each.is_in_reach() { each.finding.decision.as_str() } else { "-" }
}

/// The rule, or the exemption.
fn why(each: &Judged) -> String {
    match (each.finding.rule, &each.finding.exemption) {
        (Some(rule), _) => rule.as_str().to_owned(),
        (None, Some(exempted)) => format!("exemption {}", printable(&exempted.name)),
        (None, None) => "-".to_owned(),
    }
}

fn in_the_past(answer: Answer) -> &'static str {
    match answer {
        Answer::Allow => "allowed",
        Answer::Exempt => "exempt",
        Answer::Audit => "only logged",
        Answer::Warn => "warned about",
        Answer::Deny => "denied",
    }
}

fn shortened(digest: &str) -> &str {
    digest.get(..DIGEST).unwrap_or(digest)
}

//! SARIF 2.1.0, as much of it as platforms for code scanning read.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; sections are named
//! where the form is not obvious.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

use imagegate_core::policy::printable;
use serde::Serialize;

use crate::finding::Place;
use crate::json::write_json;
use crate::remark::{Level, Remark, Remarks};
use crate::rules::RuleId;

use super::relative;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn write(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    write_json(&log(remarks), out)
}

#[derive(Serialize)]
struct Log<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r> {
    tool: Tool,
    automation_details: AutomationDetails,
    column_kind: &'static str,
    results: Vec<SarifResult<'r>>,
    properties: RunProperties<'r>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    rules: Vec<ReportingDescriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportingDescriptor {
    id: &'static str,
    short_description: Message,
    full_description: Message,
    help: Help,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: String,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 3],
    precision: &'static str,
}

/// Its id ends with a slash: a category without a name for each run (§3.17.3).
#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
struct RunProperties<'r> {
    summary: &'r [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'r> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    partial_fingerprints: PartialFingerprints<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<[Suppression; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logical_locations: Option<[LogicalLocation; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

/// Without an end it is the rest of its line (§3.30.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
}

/// The name has a version, so that another way to make it can be told apart (§3.27.17).
#[derive(Serialize)]
struct PartialFingerprints<'r> {
    #[serde(rename = "imagegate/v1")]
    imagegate: &'r str,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

fn log(remarks: &Remarks) -> Log<'_> {
    let ids: BTreeSet<RuleId> = remarks.shown().map(|remark| remark.rule).collect();
    let ids: Vec<RuleId> = ids.into_iter().collect();
    let is_compared = remarks.list.iter().any(|remark| remark.known);
    let results = remarks.shown().map(|remark| result(remark, &ids, is_compared)).collect();
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "ImageGate",
                version: env!("CARGO_PKG_VERSION"),
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: ids.iter().map(|id| descriptor(*id)).collect(),
            },
        },
        automation_details: AutomationDetails {
            id: format!("{}/", remarks.command.replace(' ', "/")),
        },
        column_kind: "unicodeCodePoints",
        results,
        properties: RunProperties { summary: &remarks.summary },
    };
    Log { schema: SCHEMA, version: "2.1.0", runs: [run] }
}

fn descriptor(id: RuleId) -> ReportingDescriptor {
    ReportingDescriptor {
        id: id.as_str(),
        short_description: Message { text: id.title().to_owned() },
        full_description: Message { text: format!("{} {}", id.title(), id.help()) },
        help: Help { text: id.help(), markdown: format!("**{}**\n\n{}", id.title(), id.help()) },
        properties: RuleProperties {
            tags: ["security", "kubernetes", "supply-chain"],
            precision: "very-high",
        },
    }
}

fn result<'r>(remark: &'r Remark, ids: &[RuleId], is_compared: bool) -> SarifResult<'r> {
    let suppression = remark.suppressed.as_ref().map(|(name, reason)| {
        let justification = format!("{}: {}", printable(name), printable(reason));
        [Suppression { kind: "external", status: "accepted", justification }]
    });
    let baseline = if remark.known { "unchanged" } else { "new" };
    SarifResult {
        rule_id: remark.rule.as_str(),
        rule_index: ids.iter().position(|id| *id == remark.rule).unwrap_or_default(),
        level: match remark.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note | Level::Passed => "note",
        },
        message: Message { text: plain(&remark.full_message()) },
        locations: location(remark).into_iter().collect(),
        partial_fingerprints: PartialFingerprints { imagegate: &remark.fingerprint },
        suppressions: suppression,
        baseline_state: is_compared.then_some(baseline),
    }
}

fn location(remark: &Remark) -> Option<Location> {
    let logical = Some(printable(&remark.object).into_owned()).filter(|object| !object.is_empty());
    let physical = remark.place.as_ref().filter(|place| place.file != "-").map(physical);
    if physical.is_none() && logical.is_none() {
        return None;
    }
    Some(Location {
        physical_location: physical,
        logical_locations: logical.map(|name| [LogicalLocation { fully_qualified_name: name }]),
    })
}

fn physical(place: &Place) -> PhysicalLocation {
    let is_absolute = place.file.starts_with('/');
    let path = encoded(relative(place));
    PhysicalLocation {
        artifact_location: if is_absolute {
            ArtifactLocation { uri: format!("file://{path}"), uri_base_id: None }
        } else {
            ArtifactLocation { uri: path, uri_base_id: Some("%SRCROOT%") }
        },
        region: place.line.map(|start_line| Region { start_line, start_column: place.column }),
    }
}

/// A path as a URI reference, by RFC 3986: what is not unreserved or a slash is encoded. A colon is
/// too, so that no first segment is taken for a scheme.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}

/// A message without control characters, in which `[text](target)` is no link (§3.11.6).
fn plain(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    let text = lines.join("\n");
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text }
}

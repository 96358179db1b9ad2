//! `GET /images`: every image that is remembered, as JSON, ndjson or CSV.
//!
//! Made while it is taken: a reader holds the snapshot and one piece of the page, never all of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use warp::Reply as _;
use warp::reply::Response;

use super::Sources;
use super::replica::Replica;
use crate::observed::{SeenImage, Snapshot, rfc3339};
use crate::refusal::Refusal;
use crate::server::untaken::PIECE;
use crate::telemetry::ImageDecision;
use imagegate_core::image::{Reference, fold_registry};
use imagegate_core::policy::{Rule, Workload, printable};

/// How long a reader waits for others to finish.
const TURN: Duration = Duration::from_secs(5);

const CSV_HEADER: &str = "namespace,image,user,groups,count,dryRuns,firstSeen,lastSeen,decision,rule,\
                          workloadKind,workloadName,template,override,container,pullPolicy,kind,labels\r\n";

/// What the query asks for; a field that is left out asks for everything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    namespace: Option<String>,
    decision: Option<Wanted>,
    /// A host, or a host with the beginning of a path.
    registry: Option<String>,
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Allow,
    Audit,
    Deny,
    Exempt,
    Warn,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Ndjson,
    Csv,
}

/// What stands before the images.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(flatten)]
    replica: &'a Replica,
    policy_hash: Option<&'a str>,
    /// Of all images, whatever the query asks for.
    entries: usize,
    evicted: u64,
    lost: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    namespace: &'a str,
    image: &'a str,
    user: &'a str,
    groups: &'a [std::borrow::Cow<'static, str>],
    count: u64,
    dry_runs: u64,
    first_seen: String,
    last_seen: String,
    decision: &'static str,
    rule: Option<&'static str>,
    workload: Owner<'a>,
    template: bool,
    #[serde(rename = "override")]
    pinned: Option<&'a str>,
    container: &'static str,
    pull_policy: &'static str,
    kind: String,
    labels: BTreeMap<&'a str, Option<&'a str>>,
}

#[derive(Serialize)]
struct Owner<'a> {
    kind: &'a str,
    name: &'a str,
}

/// The page, or a refusal.
pub(super) async fn page(sources: Sources, query: Query) -> Response {
    let turn = timeout(TURN, Arc::clone(&sources.pages).acquire_owned()).await;
    // The semaphore is never closed.
    let Ok(Ok(turn)) = turn else { return Refusal::Overload.into_response() };
    let Ok(snapshot) = sources.observed.images().await else {
        return Refusal::Overload.into_response();
    };
    let format = query.format;
    let made = spawn_blocking(move || Page::new(&sources, snapshot, &query, turn)).await;
    let Ok(page) = made else { return Refusal::Panic.into_response() };
    let mut response = warp::reply::stream(stream::iter(page)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, format.media_type());
    response
}

/// The pieces of a page.
struct Page {
    format: Format,
    images: std::vec::IntoIter<SeenImage>,
    /// What is written and not handed out.
    piece: String,
    is_first: bool,
    is_over: bool,
    _turn: OwnedSemaphorePermit,
}

impl Page {
    fn new(
        sources: &Sources,
        snapshot: Snapshot,
        query: &Query,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        let Snapshot { mut images, evicted, lost } = snapshot;
        let in_force = sources.live.load();
        let head = Head {
            replica: &sources.replica,
            policy_hash: in_force.as_ref().map(|in_force| in_force.policy.hash()),
            entries: images.len(),
            evicted,
            lost,
        };
        let piece = query.format.beginning(&head);
        images.retain(|image| query.asks_for(image));
        images.sort_unstable_by(|one, other| {
            let own = (&one.namespace, &one.image, &one.circumstances.user);
            own.cmp(&(&other.namespace, &other.image, &other.circumstances.user))
                .then_with(|| one.of_alike().cmp(&other.of_alike()))
        });
        let images = images.into_iter();
        Self { format: query.format, images, piece, is_first: true, is_over: false, _turn: turn }
    }
}

impl Iterator for Page {
    type Item = Result<Bytes, Infallible>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        while self.piece.len() < PIECE {
            let Some(image) = self.images.next() else {
                self.piece.push_str(self.format.end());
                self.is_over = true;
                break;
            };
            self.format.write(&mut self.piece, &image, std::mem::take(&mut self.is_first));
        }
        Some(Ok(std::mem::take(&mut self.piece).into()))
    }
}

impl Query {
    fn asks_for(&self, image: &SeenImage) -> bool {
        let Self { namespace, decision, registry, format: _ } = self;
        namespace.as_ref().is_none_or(|namespace| **namespace == *image.namespace)
            && decision.is_none_or(|decision| decision.is(image.decision))
            && registry.as_ref().is_none_or(|registry| is_in(&image.image, registry))
    }
}

/// Whether an image is in a registry, or below a path of one that ends at a segment.
fn is_in(image: &str, registry: &str) -> bool {
    let Ok(reference) = Reference::parse(image) else { return false };
    let (host, path) = registry.split_once('/').unwrap_or((registry, ""));
    let path = path.trim_end_matches('/');
    let repository = reference.repository();
    let rest = repository.strip_prefix(path);
    fold_registry(host).is_ok_and(|host| host == reference.registry())
        && (path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

impl Wanted {
    fn is(self, decision: ImageDecision) -> bool {
        let wanted = match self {
            Self::Allow => ImageDecision::Allow,
            Self::Audit => ImageDecision::Audit,
            Self::Deny => ImageDecision::Deny,
            Self::Exempt => ImageDecision::Exempt,
            Self::Warn => ImageDecision::Warn,
        };
        wanted == decision
    }
}

impl Format {
    fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        })
    }

    fn beginning(self, head: &Head<'_>) -> String {
        let mut text = serde_json::to_string(head).unwrap_or_default();
        match self {
            Self::Json => {
                text.truncate(text.trim_end_matches('}').len());
                text + ",\n\"images\":["
            }
            Self::Ndjson => text + "\n",
            Self::Csv => CSV_HEADER.to_owned(),
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Json => "\n]}\n",
            Self::Ndjson | Self::Csv => "",
        }
    }

    fn write(self, text: &mut String, seen: &SeenImage, is_first: bool) {
        let row = Row::of(seen);
        let json = || serde_json::to_string(&row).unwrap_or_default();
        // Writing to a text does not fail.
        let _ = match self {
            Self::Json => write!(text, "{}\n{}", if is_first { "" } else { "," }, json()),
            Self::Ndjson => writeln!(text, "{}", json()),
            Self::Csv => row.write_csv(text),
        };
    }
}

impl<'a> Row<'a> {
    fn of(seen: &'a SeenImage) -> Self {
        let owner = seen.owner();
        Self {
            namespace: &seen.namespace,
            image: &seen.image,
            user: &seen.circumstances.user,
            groups: &seen.circumstances.groups,
            count: seen.count,
            dry_runs: seen.dry_runs,
            first_seen: rfc3339(seen.first_seen),
            last_seen: rfc3339(seen.last_seen),
            decision: seen.decision.as_str(),
            rule: seen.rule.map(Rule::as_str),
            workload: Owner { kind: owner.kind, name: owner.name },
            template: seen.workload == Workload::Template,
            pinned: seen.circumstances.pinned.as_deref(),
            container: seen.container.as_str(),
            pull_policy: seen.pull_policy.as_str(),
            kind: seen.object_kind().to_string(),
            labels: seen.circumstances.labels.iter().collect(),
        }
    }

    fn write_csv(&self, text: &mut String) -> std::fmt::Result {
        let Self { count, dry_runs, first_seen, last_seen, decision, template, .. } = self;
        let groups = cell(&self.groups.join(" "));
        let (namespace, image, user) = (cell(self.namespace), cell(self.image), cell(self.user));
        let (kind, name) = (cell(self.workload.kind), cell(self.workload.name));
        let (rule, pinned) = (self.rule.unwrap_or_default(), cell(self.pinned.unwrap_or_default()));
        let Self { container, pull_policy, .. } = self;
        let label = |(key, value): (&&str, Option<&&str>)| match value {
            Some(value) => format!("{key}={value}"),
            // As kubectl selects by it.
            None => format!("!{key}"),
        };
        let labels: Vec<_> =
            self.labels.iter().map(|(key, value)| label((key, value.as_ref()))).collect();
        let (own_kind, labels) = (cell(&self.kind), cell(&labels.join(",")));
        write!(
            text,
            "{namespace},{image},{user},{groups},{count},{dry_runs},{first_seen},{last_seen},\
             {decision},{rule},{kind},{name},{template},{pinned},{container},{pull_policy},{own_kind},\
             {labels}\r\n"
        )
    }
}

/// A user's text as a cell: printable, quoted, and never a formula to whatever opens the file.
///
/// Source: RFC 4180; <https://owasp.org/www-community/attacks/CSV_Injection>.
fn cell(text: &str) -> String {
    let text = printable(text);
    let formula = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{formula}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{cell, is_in};

    #[test]
    fn a_registry_is_asked_for_by_its_host_or_by_a_path_of_whole_segments() {
        for (image, registry, expected) in [
            ("quay.io/acme/web:1", "quay.io", true),
            ("quay.io/acme/web:1", "QUAY.io:443", true),
            ("quay.io/acme/web:1", "quay.io/acme", true),
            ("quay.io/acme/web:1", "quay.io/acme/", true),
            ("quay.io/acme/web:1", "quay.io/acme/web", true),
            ("quay.io/acme/web:1", "quay.io/ac", false),
            ("quay.io/acme/web:1", "quay", false),
            ("nginx:1", "docker.io/library", true),
            ("not a reference", "docker.io", false),
        ] {
            assert_eq!(is_in(image, registry), expected, "{image} in {registry}");
        }
    }

    #[test]
    fn a_cell_is_neither_a_formula_nor_the_end_of_its_line() {
        assert_eq!(cell("a"), "\"a\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("a\"b,c"), "\"a\"\"b,c\"");
        assert!(!cell("a\r\nb").contains('\n'));
    }
}

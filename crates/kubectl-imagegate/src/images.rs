//! `kubectl imagegate images`: which images are used, how often, and by whom.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use imagegate_core::policy::printable;
use imagegate_core::usage::{Gathered, Usage};
use imagegate_report::{Exit, write_json};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::{Failure, stdout};
use crate::connection::{Connection, Everywhere};
use crate::output::TableOrJson;
use crate::paint::Paint;
use crate::table::Table;
use crate::uses::{Gate, Source, used_by};

/// Owners in one line.
const MOST_OWNERS: usize = 3;

/// Show which images are used, how often, and by whom
///
/// What the replicas remember is merged: also what ran at night and is gone. It is in their memory alone,
/// since each of them started. Exit codes: 0 done, 2 something could not be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, get and create pods/portforward in the gate's namespace; for what runs, those of `audit`; list \
namespaces (get, with -n) and list validatingwebhookconfigurations, to leave out what the gate does not judge. \
Where those are missing, it is not left out; that is said, and the exit code is 2.

  kubectl imagegate images
  kubectl imagegate images -n ci -o json
  kubectl imagegate images --from all")]
pub(crate) struct Images {
    #[command(flatten)]
    everywhere: Everywhere,
    /// Where from
    #[arg(long, value_enum, value_name = "SOURCE", default_value = "observed")]
    from: Source,
    /// Output format; json has each use by itself
    #[arg(short, long, value_enum, default_value_t)]
    output: TableOrJson,
}

pub(crate) async fn run(connection: &Connection, images: &Images) -> Result<Exit, Failure> {
    let gate = Gate::find(connection).await?;
    let uses = gate.uses(connection, images.from, &[]).await?;
    let out = &mut io::BufWriter::new(stdout());
    match images.output {
        TableOrJson::Table => table(out, Paint::for_stdout(), &uses.gathered)?,
        TableOrJson::Json => write_json(&all(&uses.gathered), out)?,
    }
    out.flush()?;
    Ok(if uses.gaps.is_empty() { Exit::Fine } else { Exit::Unusable })
}

/// One image in all places.
#[derive(Default)]
struct Row {
    count: u64,
    last_seen: Option<i64>,
    is_used: bool,
    is_refused: bool,
    owners: BTreeSet<String>,
}

fn table(out: &mut impl Write, paint: Paint, gathered: &Gathered) -> io::Result<()> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let used = gathered.used.usages().map(|usage| (usage, false));
    let refused = gathered.refused.usages().map(|usage| (usage, true));
    for (usage, is_refused) in used.chain(refused) {
        let row = rows.entry(usage.image).or_default();
        row.count = row.count.saturating_add(usage.count);
        row.last_seen = row.last_seen.max(usage.last_seen);
        row.is_refused |= is_refused;
        row.is_used |= !is_refused;
        row.owners.insert(used_by(&usage));
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(image, row)| (std::cmp::Reverse(row.count), *image));
    let mut table = Table::new(["ANSWER", "IMAGE", "TIMES", "LAST", "USED BY"]);
    for (image, Row { count, last_seen, is_used, is_refused, owners }) in rows {
        let answer = match (is_used, is_refused) {
            (true, true) => "both",
            (_, true) => "refused",
            (_, false) => "admitted",
        };
        let shown: Vec<&str> = owners.iter().take(MOST_OWNERS).map(String::as_str).collect();
        let more = match owners.len().saturating_sub(MOST_OWNERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        table.row([
            answer.to_owned(),
            printable(image).into_owned(),
            count.to_string(),
            last_seen.and_then(moment).unwrap_or_else(|| "-".to_owned()),
            format!("{}{more}", shown.join(", ")),
        ]);
    }
    table.print_painted(out, |line| match line.split(' ').next() {
        Some("refused") => paint.bad(line),
        Some("both") => paint.notable(line),
        _ => line.to_owned(),
    })
}

fn all(gathered: &Gathered) -> Value {
    let used = gathered.used.usages().map(|usage| shown(&usage, false));
    let refused = gathered.refused.usages().map(|usage| shown(&usage, true));
    json!({ "images": used.chain(refused).collect::<Vec<_>>() })
}

fn shown(usage: &Usage<'_>, is_refused: bool) -> Value {
    json!({
        "image": usage.image,
        "namespace": usage.namespace,
        "user": usage.user,
        "container": usage.container.as_str(),
        "pullPolicy": usage.pull_policy.as_str(),
        "labels": usage.labels.iter().collect::<BTreeMap<_, _>>(),
        "owner": usage.owner.map(|owner| json!({ "kind": owner.kind, "name": owner.name })),
        "count": usage.count,
        "firstSeen": usage.first_seen.and_then(moment),
        "lastSeen": usage.last_seen.and_then(moment),
        "refused": is_refused,
    })
}

/// As RFC 3339 has it, in UTC.
pub(crate) fn moment(at: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(at).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use imagegate_core::usage::{Gathered, Owner, Usage};

    use super::{all, table};
    use crate::paint::Paint;

    fn gathered() -> Gathered {
        let mut gathered = Gathered::default();
        let owner = Some(Owner { kind: "Job", name: "x" });
        for namespace in ["a", "b", "c", "d"] {
            let usage = Usage { owner, ..Usage::of_pod(namespace, "quay.io/a:1") };
            gathered.used.add(&usage);
        }
        let refused = Usage { count: 9, last_seen: Some(0), ..Usage::of_pod("e", "b\u{1b}:1") };
        gathered.refused.add(&refused);
        gathered.refused.add(&Usage::of_pod("d", "quay.io/a:1"));
        gathered
    }

    #[test]
    fn an_image_is_one_line() {
        let mut out = Vec::new();
        table(&mut out, Paint::never(), &gathered()).unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines,
            [
                "ANSWER   IMAGE        TIMES  LAST                  USED BY",
                "refused  b\\u{1b}:1    9      1970-01-01T00:00:00Z  e",
                "both     quay.io/a:1  5      -                     a/Job x, b/Job x, c/Job x and 2 more",
            ]
        );
    }

    #[test]
    fn each_use_is_there_for_programs() {
        let json = all(&gathered());
        assert_eq!(json["images"].as_array().unwrap().len(), 6);
        assert_eq!(json["images"][0]["owner"]["name"], "x");
        assert_eq!(json["images"][5]["refused"], true);
    }
}

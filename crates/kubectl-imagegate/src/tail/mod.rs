//! `kubectl imagegate tail`: denials, warnings, exemptions and flips of all replicas, as they happen.

mod decision;
mod follow;
mod lookout;
mod text;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};

use futures_util::future::join_all;
use imagegate_core::policy::Rule;
use imagegate_report::{Exit, write_json_line};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{mpsc, watch};

use crate::cli::{Failure, say};
use crate::cluster::{Cluster, Fault};
use crate::connection::{Connection, Everywhere};
use crate::gate::{Found, NO_POD, Operator};
use crate::output::TextOrJson;
use crate::paint::Paint;
pub(crate) use decision::Told;
use decision::{Wanted, What};
use follow::Follower;
pub(crate) use follow::News;
use lookout::{Lookout, Place};

/// News that wait to be printed. A replica waits beyond that, and goes on where it stopped.
const WAITING: usize = 256;

/// Show denials, warnings, exemptions and flips of all replicas, as they happen
///
/// Begins with the last ones that the replicas have kept, in the order of time. A replica that is replaced
/// or restarted is followed on; nothing is shown twice, and what is missing is said. With -n, one namespace
/// alone. Ends when it is interrupted, with exit code 0; 2 where no replica can be asked, and with
/// --no-follow where one of them cannot.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, get and create pods/portforward in the gate's namespace.

  kubectl imagegate tail
  kubectl imagegate tail -n ci --decision deny
  kubectl imagegate tail --no-follow --last 1000 -o json")]
pub(crate) struct Tail {
    #[command(flatten)]
    everywhere: Everywhere,
    /// Only these, separated by commas
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    decision: Vec<What>,
    /// Only what breaks these rules, separated by commas
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = Rule::ALL.map(Rule::as_str))]
    rule: Vec<String>,
    /// Only images with this text in them
    #[arg(long, value_name = "TEXT")]
    image: Option<String>,
    /// Only what this user asked for
    #[arg(long, value_name = "NAME")]
    requested_by: Option<String>,
    /// How many of those that are kept to begin with
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    last: usize,
    /// Show what is kept, and end
    #[arg(long)]
    no_follow: bool,
    /// Output format; json has one object a line, with all that the replica said
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

impl Tail {
    /// Whether it goes on until it is interrupted.
    pub(crate) fn follows(&self) -> bool {
        !self.no_follow
    }
}

pub(crate) async fn run(connection: &Connection, tail: &Tail) -> Result<Exit, Failure> {
    let cluster = connection.open().await?;
    let mut begun = Begun::of(&cluster, connection).await?;
    let output = Printer::of(connection, tail);
    for fault in &begun.faults {
        say(&format!("warning: a replica is left out: {fault}"));
    }
    let shown = output.begin_with(std::mem::take(&mut begun.kept), tail.last);
    let is_closed = shown.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
    // Whoever leaves early ends what follows; what has an end keeps its exit code.
    if !is_closed || tail.follows() {
        shown?;
    }
    if !tail.follows() {
        return Ok(if begun.faults.is_empty() { Exit::Fine } else { Exit::Unusable });
    }
    let (told, looking) = begun.follow(&cluster);
    tokio::select! {
        printed = output.print_all(told) => printed?,
        () = looking => {}
    }
    Ok(Exit::Fine)
}

/// The replicas that answered, and what they have kept.
pub(crate) struct Begun {
    followers: Vec<Follower>,
    place: Place,
    /// When they were asked, as RFC 3339 has it.
    start: String,
    pub(crate) kept: Vec<Told>,
    /// Of those that did not answer.
    pub(crate) faults: Vec<Fault>,
}

impl Begun {
    /// Asks all replicas for what they have kept.
    ///
    /// # Errors
    /// Where none of them answers.
    pub(crate) async fn of(cluster: &Cluster, connection: &Connection) -> Result<Self, Fault> {
        let start = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let (place, operators) = match connection.endpoint.as_slice() {
            [] => {
                let gate = Found::find(cluster, connection.gate_namespace.as_deref()).await?;
                (Place::Namespace(gate.namespace.clone()), Operator::of_gate(&gate))
            }
            endpoints => (Place::Addresses(endpoints.to_vec()), Operator::at(endpoints)),
        };
        let asked = operators.into_iter().map(|each| Follower::begin(cluster, each));
        let (mut followers, mut kept, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for each in join_all(asked).await {
            match each {
                Ok((follower, told)) => {
                    followers.push(follower);
                    kept.extend(told);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if followers.is_empty() {
            let none = || Fault::lost(NO_POD);
            return Err(faults.into_iter().next().unwrap_or_else(none));
        }
        Ok(Self { followers, place, start, kept, faults })
    }

    /// Follows them; and those that come, for as long as somebody waits for the second part, which has no end
    /// but that of the news.
    pub(crate) fn follow(
        self,
        cluster: &Cluster,
    ) -> (mpsc::Receiver<News>, impl Future<Output = ()> + Send + use<>) {
        let (news, told) = mpsc::channel(WAITING);
        let names = self.followers.iter().map(|each| each.operator.name.clone());
        let (present, _) = watch::channel(names.collect::<BTreeSet<String>>());
        for follower in self.followers {
            tokio::spawn(follower.follow(cluster.clone(), present.subscribe(), news.clone()));
        }
        let lookout = Lookout { cluster: cluster.clone(), start: self.start, present, news };
        (told, lookout.keep_looking(self.place))
    }
}

/// Puts news on standard output, and what is about them on standard error.
struct Printer {
    wanted: Wanted,
    format: TextOrJson,
    paint: Paint,
}

impl Printer {
    fn of(connection: &Connection, tail: &Tail) -> Self {
        let wanted = Wanted {
            namespace: connection.namespace.clone(),
            kinds: tail.decision.clone(),
            rules: tail.rule.clone(),
            image: tail.image.clone(),
            user: tail.requested_by.clone(),
        };
        Self { wanted, format: tail.output, paint: Paint::for_stdout() }
    }

    /// The last of what the replicas have kept, in the order of time.
    fn begin_with(&self, mut kept: Vec<Told>, last: usize) -> std::io::Result<()> {
        kept.retain(|told| self.wanted.holds(&told.decision));
        kept.sort_by(|one, other| one.decision.at.cmp(&other.decision.at));
        let before = kept.len().saturating_sub(last);
        kept.iter().skip(before).try_for_each(|told| self.print(told))
    }

    /// Until there will be no more.
    async fn print_all(&self, mut told: mpsc::Receiver<News>) -> std::io::Result<()> {
        while let Some(news) = told.recv().await {
            match news {
                News::Decision(told) if !self.wanted.holds(&told.decision) => {}
                News::Decision(told) => self.print(&told)?,
                News::Note(note) => say(&format!("note: {note}")),
                News::Gap { replica, missed, message } => {
                    say(&format!("warning: {message}"));
                    if self.format == TextOrJson::Json {
                        let gap = json!({ "missed": missed, "message": message });
                        write_json(&json!({ "replica": replica, "gap": gap }))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn print(&self, told: &Told) -> std::io::Result<()> {
        match self.format {
            TextOrJson::Text => write(&text::line(&told.decision, &told.replica, self.paint)),
            TextOrJson::Json => write_json(&told.to_json()),
        }
    }
}

/// At once: a pipe would keep it back.
fn write(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn write_json(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    write_json_line(value, &mut out)?;
    out.flush()
}

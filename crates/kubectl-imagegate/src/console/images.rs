//! The page Images: what was asked for, as the replicas remember it, and, where that is wanted, what runs.
//!
//! The two are lists of their own, which the page joins; an owner has the same name in both. The cluster is
//! read for whoever wants to see what runs, and not oftener than [`FRESH`] says.

use std::sync::Arc;
use std::time::Duration;

use imagegate_core::image::Reference;
use imagegate_core::policy::{Documents, Rule, compile};
use imagegate_core::usage::Usage;
use imagegate_report::Answer;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::pages;
use crate::audit::{Audited, ByUse, Running, UseKey, by_use};
use crate::cluster::{Cluster, Fault, Scope};
use crate::connection::Connection;
use crate::gate::{Found, InForce, Operator, Remembering, Replica, Which};
use crate::images::moment;
use crate::words::counted;

/// How long what was read of the cluster is good for. The page asks twice as often.
const FRESH: Duration = Duration::from_mins(1);
/// Uses of what runs that the page gets: as many as a replica remembers.
const MOST_RUNNING: usize = 65_536;

/// What is kept between two requests.
#[derive(Debug)]
pub(super) struct Images {
    /// Held by the one request that is answered: each holds all that every replica remembers.
    turn: Semaphore,
    running: Arc<Mutex<Kept>>,
}

/// What was read last of what runs, and when.
type Kept = Option<(Instant, Arc<Running>)>;

/// All uses of images.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    at: i64,
    /// Whose memory it is and since when.
    notes: &'a [String],
    /// What is missing of it.
    gaps: &'a [String],
    images: Vec<SeenUse<'a>>,
    /// `None` where it was not asked for, or is not known.
    running: Option<Runs<'a>>,
    /// Why it is not known.
    running_fault: Option<Value>,
}

/// What an image says.
#[derive(Debug, Serialize)]
struct Parts<'a> {
    /// As written; empty where an object leaves it out.
    image: &'a str,
    /// `None` where the image is no reference.
    registry: Option<String>,
    repository: Option<String>,
    /// As written; `None` where there is none.
    tag: Option<String>,
    pinned: bool,
}

/// One use of an image, as a replica remembers it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenUse<'a> {
    #[serde(flatten)]
    parts: Parts<'a>,
    namespace: &'a str,
    /// `Job/nightly`; empty where it is not known.
    owner: String,
    user: &'a str,
    count: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    /// Whether it was refused when it was last seen.
    refused: bool,
}

/// What runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Runs<'a> {
    /// When it was read, in Unix seconds.
    at: i64,
    gaps: Vec<String>,
    /// Of the policy that judged it; `None` where none is known.
    policy_hash: Option<&'a str>,
    images: Vec<RunningUse<'a>>,
}

/// One use of an image by an owner that runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunningUse<'a> {
    #[serde(flatten)]
    parts: Parts<'a>,
    namespace: &'a str,
    /// `Deployment/web`
    owner: String,
    /// None of a workload that has no Pod at this time.
    pods: usize,
    /// What the nodes say that runs.
    digests: Vec<&'a str>,
    /// What would become of it if it started again; `None` where no policy is known.
    answer: Option<Answer>,
    /// What it breaks.
    rule: Option<&'static str>,
    /// Why the gate is not asked about it.
    out_of_reach: Option<&'static str>,
}

impl Default for Images {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), running: Arc::default() }
    }
}

impl Images {
    /// What all replicas remember, merged, and what runs where that is wanted, as JSON.
    pub(super) async fn page(
        &self,
        cluster: &Cluster,
        connection: &Connection,
        wants_running: bool,
    ) -> Result<Vec<u8>, Fault> {
        // The semaphore is never closed.
        let _turn = self.turn.acquire().await;
        let namespace = connection.namespace.as_deref();
        let gate = match connection.endpoint.as_slice() {
            [] => Ok(Found::find(cluster, connection.gate_namespace.as_deref()).await?),
            _ => Err(no_cluster()),
        };
        let operators = match &gate {
            Ok(gate) => Operator::of_gate(gate),
            Err(_) => Operator::at(&connection.endpoint),
        };
        let is_wanted = |usage: &Usage<'_>| namespace.is_none_or(|name| name == usage.namespace);
        let running = async {
            match &gate {
                Err(fault) => Some(Err(fault.clone())),
                Ok(_) if !wants_running => None,
                Ok(found) => {
                    let in_force = async {
                        let replicas = Replica::ask_all(cluster, found).await;
                        InForce::read(cluster, &gate, &replicas, &Which::Live).await
                    };
                    let running = self.running(cluster, found, namespace);
                    let (in_force, running) = tokio::join!(in_force, running);
                    Some(running.map(|running| (running, in_force.map_err(Fault::from))))
                }
            }
        };
        let (remembering, running) =
            tokio::join!(Remembering::ask(cluster, &operators, is_wanted), running);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        // All that runs is judged for this, on a thread that may wait.
        Ok(tokio::task::block_in_place(|| {
            let judged = running
                .map(|read| read.map(|(running, in_force)| Judged::of(running, in_force, now)));
            rendered(&remembering, judged.as_ref().map(Result::as_ref), now)
        }))
    }

    /// What runs, read at most this long ago. Reading it ends by itself, whatever becomes of the request.
    async fn running(
        &self,
        cluster: &Cluster,
        gate: &Found,
        namespace: Option<&str>,
    ) -> Result<Arc<Running>, Fault> {
        let (kept, cluster) = (Arc::clone(&self.running), cluster.clone());
        let of_gate = gate.namespace.clone();
        let scope = namespace.map_or(Scope::Everywhere, |name| Scope::Namespace(name.to_owned()));
        let reading = tokio::spawn(async move {
            let mut kept = kept.lock().await;
            if let Some((_, running)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
                return Ok(Arc::clone(running));
            }
            let running = Arc::new(Running::read(&cluster, Some(&of_gate), &scope).await?);
            *kept = Some((Instant::now(), Arc::clone(&running)));
            Ok(running)
        });
        reading.await.unwrap_or_else(|_| Err(Fault::lost("what runs was not read to its end")))
    }
}

fn no_cluster() -> Fault {
    let fault =
        Fault::usage("what runs is not known: with --endpoint there is no cluster to look at");
    fault.with_hint("start the console without --endpoint, with a kubeconfig for the cluster")
}

/// What runs, judged.
pub(super) struct Judged {
    running: Arc<Running>,
    audited: Audited,
    /// `None` where none is known: then the answers say nothing.
    policy_hash: Option<String>,
    gaps: Vec<String>,
}

impl Judged {
    /// Judges it by the policy in force, as far as that is known.
    pub(super) fn of(running: Arc<Running>, in_force: Result<InForce, Fault>, now: i64) -> Self {
        let mut gaps = running.gaps().to_vec();
        let (audited, policy_hash) = match in_force {
            Ok(InForce { policy, notes, .. }) => {
                gaps.extend(notes);
                (running.judged(&policy, now), Some(policy.hash().to_owned()))
            }
            Err(fault) => {
                let why = fault.message();
                gaps.push(format!(
                    "what would become of it if it started again is not known: {why}"
                ));
                let nothing = compile(&Documents::full_form("{}"));
                let audited = nothing.map(|(policy, _)| running.judged(&policy, now));
                (audited.unwrap_or_default(), None)
            }
        };
        Self { running, audited, policy_hash, gaps }
    }

    fn to_page(&self) -> Runs<'_> {
        let Self { running, audited, policy_hash, gaps } = self;
        let uses = by_use(&running.objects, audited);
        let mut gaps = gaps.clone();
        if let Some(more @ 1..) = uses.len().checked_sub(MOST_RUNNING) {
            gaps.push(format!("{} of what runs are left out", counted(more, "more use")));
        }
        let is_judged = policy_hash.is_some();
        let images =
            uses.iter().take(MOST_RUNNING).map(|(key, each)| RunningUse::of(*key, each, is_judged));
        Runs { at: running.at, gaps, policy_hash: policy_hash.as_deref(), images: images.collect() }
    }
}

/// Apart from the asking, so that tests can look at it.
pub(super) fn rendered(
    remembering: &Remembering,
    judged: Option<Result<&Judged, &Fault>>,
    now: i64,
) -> Vec<u8> {
    let Remembering { gathered, notes, gaps } = remembering;
    let (judged, fault) = match judged {
        None => (None, None),
        Some(Ok(judged)) => (Some(judged), None),
        Some(Err(fault)) => (None, Some(fault)),
    };
    let used = gathered.used.usages().map(|usage| (usage, false));
    let refused = gathered.refused.usages().map(|usage| (usage, true));
    let owners = judged.map(|judged| judged.running.objects.owners());
    let seen = used.chain(refused).map(|(usage, is_refused)| {
        let owner = usage.owner.map(|owner| match &owners {
            Some(owners) => in_words(owners.top(usage.namespace, owner.kind, owner.name)),
            None => in_words((owner.kind, owner.name)),
        });
        SeenUse::of(&usage, owner.unwrap_or_default(), is_refused)
    });
    let page = Page {
        at: now,
        notes,
        gaps,
        images: seen.collect(),
        running: judged.map(Judged::to_page),
        running_fault: fault.map(pages::fault),
    };
    serde_json::to_vec(&page).unwrap_or_default()
}

impl<'a> SeenUse<'a> {
    fn of(usage: &Usage<'a>, owner: String, refused: bool) -> Self {
        Self {
            parts: Parts::of(usage.image),
            namespace: usage.namespace,
            owner,
            user: usage.user,
            count: usage.count,
            first_seen: usage.first_seen.and_then(moment),
            last_seen: usage.last_seen.and_then(moment),
            refused,
        }
    }
}

impl<'a> RunningUse<'a> {
    fn of((namespace, image, kind, name): UseKey<'a>, each: &ByUse<'a>, is_judged: bool) -> Self {
        let finding = &each.worst.finding;
        Self {
            parts: Parts::of(image),
            namespace,
            owner: in_words((kind, name)),
            pods: each.pods.len(),
            digests: each.running.iter().copied().collect(),
            answer: is_judged.then_some(finding.decision),
            rule: finding.rule.filter(|_| is_judged).map(Rule::as_str),
            out_of_reach: finding.out_of_reach,
        }
    }
}

impl<'a> Parts<'a> {
    fn of(image: &'a str) -> Self {
        let reference = Reference::parse(image.trim()).ok();
        let reference = reference.as_ref();
        Self {
            image,
            registry: reference.map(|reference| reference.registry().to_owned()),
            repository: reference.map(|reference| reference.repository().into_owned()),
            tag: reference.and_then(Reference::tag).map(str::to_owned),
            pinned: reference.is_some_and(|reference| reference.digest().is_some()),
        }
    }
}

/// `Deployment/web`
fn in_words((kind, name): (&str, &str)) -> String {
    format!("{kind}/{name}")
}

#[cfg(test)]
pub(super) mod samples {
    use std::sync::Arc;

    use imagegate_core::policy::{Documents, Field, ImageList, PullPolicy, compile};

    use super::Judged;
    use crate::audit::{Image, Object, Objects, Running};
    use crate::gate::InForce;

    fn object(kind: &'static str, name: &str, owner: Option<(&str, &str)>, image: &str) -> Object {
        let image = Image {
            container: "app".to_owned(),
            written: Some(image.to_owned()),
            field: Field { pod_spec: "spec".into(), list: ImageList::Containers, index: 0 },
            pull_policy: PullPolicy::default(),
            running: (kind == "Pod").then(|| "sha256:ab".to_owned()),
        };
        Object {
            kind,
            namespace: "ci".to_owned(),
            name: name.to_owned(),
            owner: owner.map(|(kind, name)| (kind.to_owned(), name.to_owned())),
            labels: None,
            images: vec![image],
        }
    }

    pub(super) fn running() -> Arc<Running> {
        let all = vec![
            object("CronJob", "nightly", None, "quay.io/acme/build:1"),
            object("Job", "nightly-1", Some(("CronJob", "nightly")), "quay.io/acme/build:1"),
            object("Pod", "nightly-1-a", Some(("Job", "nightly-1")), "quay.io/acme/build:1"),
            object("Pod", "nightly-1-b", Some(("Job", "nightly-1")), "quay.io/acme/build:1"),
            object("Deployment", "web", None, "docker.io/library/nginx:1.27"),
        ];
        let gaps = vec!["not allowed to list jobs in a".to_owned()];
        Arc::new(Running::of(Objects { all, gaps, ..Objects::default() }))
    }

    pub(super) fn in_force() -> InForce {
        let text = "allowedRegistries: [docker.io]\n";
        let (policy, _) = compile(&Documents::full_form(text)).unwrap();
        let notes = vec!["replicas differ".to_owned()];
        InForce { policy, origin: String::new(), notes }
    }

    pub(in crate::console) fn judged() -> Judged {
        Judged::of(running(), Ok(in_force()), 7)
    }
}

#[cfg(test)]
mod tests {
    use imagegate_core::usage::{Owner, Usage};
    use serde_json::{Value, json};

    use super::samples::{in_force, running};
    use super::{Judged, rendered};
    use crate::cluster::Fault;
    use crate::gate::{InForce, Remembering};

    #[test]
    fn each_use_is_a_row_with_what_its_image_says() {
        let mut remembering = Remembering::default();
        let digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let pinned = format!("quay.io/acme/web:1@{digest}");
        let owner = Some(Owner { kind: "Job", name: "<img onerror=alert(1)>" });
        let usage = Usage { owner, user: "kim", ..Usage::of_pod("ci", &pinned) };
        remembering.gathered.used.add(&usage);
        let broken = Usage { count: 3, last_seen: Some(0), ..Usage::of_pod("ci", "a b\u{202e}") };
        remembering.gathered.refused.add(&broken);
        remembering.gathered.refused.add(&Usage::of_pod("ci", "nginx"));
        remembering.gaps.push("two is not known".to_owned());
        let page: Value = serde_json::from_slice(&rendered(&remembering, None, 7)).unwrap();
        assert_eq!((&page["at"], &page["gaps"][0]), (&7.into(), &"two is not known".into()));
        let rows = page["images"].as_array().unwrap();
        let find = |image: &str| rows.iter().find(|row| row["image"] == image).unwrap();
        let web = find(&pinned);
        assert_eq!(web["registry"], "quay.io");
        assert_eq!((&web["tag"], &web["pinned"]), (&"1".into(), &true.into()));
        assert_eq!(web["owner"], "Job/<img onerror=alert(1)>");
        let broken = find("a b\u{202e}");
        assert!(broken["registry"].is_null(), "{broken}");
        assert_eq!(broken["lastSeen"], "1970-01-01T00:00:00Z");
        assert_eq!((&broken["refused"], &broken["count"]), (&true.into(), &3.into()));
        let nginx = find("nginx");
        assert_eq!(
            (&nginx["registry"], &nginx["repository"]),
            (&"docker.io".into(), &"library/nginx".into())
        );
        assert!(nginx["tag"].is_null());
    }

    fn page(remembering: &Remembering, in_force: Result<InForce, Fault>) -> Value {
        let judged = Judged::of(running(), in_force, 7);
        serde_json::from_slice(&rendered(remembering, Some(Ok(&judged)), 7)).unwrap()
    }

    #[test]
    fn what_runs_is_judged_and_goes_by_the_owner_that_what_was_seen_has() {
        let mut remembering = Remembering::default();
        let owner = Some(Owner { kind: "Job", name: "nightly-1" });
        remembering
            .gathered
            .used
            .add(&Usage { owner, ..Usage::of_pod("ci", "quay.io/acme/build:1") });
        let page = page(&remembering, Ok(in_force()));
        assert_eq!(page["images"][0]["owner"], "CronJob/nightly");
        let runs = &page["running"];
        assert_eq!(runs["gaps"], json!(["not allowed to list jobs in a", "replicas differ"]));
        let uses = runs["images"].as_array().unwrap();
        let said = |each: &Value| {
            let fields = ["image", "owner", "pods", "answer", "rule", "digests"];
            json!(fields.map(|field| each[field].clone()))
        };
        let said: Vec<Value> = uses.iter().map(said).collect();
        let denied = json!([
            "quay.io/acme/build:1",
            "CronJob/nightly",
            2,
            "deny",
            "untrusted-registry",
            ["sha256:ab"]
        ]);
        assert_eq!(
            said,
            [
                json!(["docker.io/library/nginx:1.27", "Deployment/web", 0, "allow", null, []]),
                denied
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_said_and_the_rest_is_shown() {
        let remembering = Remembering::default();
        let page = page(&remembering, Err(Fault::lost("no route")));
        let runs = &page["running"];
        assert_eq!(
            (&runs["policyHash"], &runs["images"][1]["answer"]),
            (&Value::Null, &Value::Null)
        );
        assert!(runs["gaps"][1].as_str().unwrap().ends_with("is not known: no route"), "{runs}");
        let fault = Fault::lost("no route");
        let unread = rendered(&remembering, Some(Err(&fault)), 7);
        let unread: Value = serde_json::from_slice(&unread).unwrap();
        assert_eq!(
            (&unread["running"], &unread["runningFault"]["message"]),
            (&Value::Null, &"no route".into())
        );
    }
}

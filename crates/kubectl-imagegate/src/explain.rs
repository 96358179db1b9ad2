//! `kubectl imagegate explain`: why an image gets the verdict that it gets, by the policy in force.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

use imagegate_core::image::is_path;
use imagegate_core::policy::{
    ContainerImage, Decision, Explanation, Policy, Subject, Verdict, printable,
};
use imagegate_report::Exit;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::cli::{Failure, say};
use crate::cluster::Fault;
use crate::connection::Connection;
use crate::gate::{Found, InForce, Namespaces, Reach, Replica, Webhooks, Which};
use crate::paint::Paint;

/// Explain the verdict on one image by the policy in force, rule by rule
///
/// Exit codes: 0 it would be admitted, 1 denied, 2 nobody answers, or it is not known whether the namespace
/// is judged, 3 the policy is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, get and create pods/portforward in the gate's namespace. Without the second the policy is \
read from the ConfigMap (list configmaps). With get namespaces and list \
validatingwebhookconfigurations it says, too, whether the namespace is judged at all; where those are \
missing, that is said, and the exit code of what would be admitted is 2.

  kubectl imagegate explain quay.io/acme/web:1 -n prod
  kubectl imagegate explain nginx -n ci --as system:serviceaccount:ci:builder")]
pub(crate) struct Explain {
    /// The image, written as in a Pod
    image: String,
    #[command(flatten)]
    policy: PolicyFlags,
}

/// Which policy judges.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PolicyFlags {
    /// Judge by this file, a policy or a ConfigMap's manifest, instead of the policy in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Judge by the candidate
    #[arg(long, conflicts_with = "policy")]
    candidate: bool,
}

impl PolicyFlags {
    pub(crate) fn which(&self) -> Which {
        match (&self.policy, self.candidate) {
            (Some(path), _) => Which::File(path.clone()),
            (None, true) => Which::Candidate,
            (None, false) => Which::Live,
        }
    }
}

pub(crate) async fn run(connection: &Connection, explain: &Explain) -> Result<Exit, Failure> {
    if is_path(&explain.image, |path| Path::new(path).is_file()) {
        let fault = Fault::usage(&format!("`{}` is a path, not an image", explain.image));
        let hint = format!("`imagegate check -f {}` judges manifests", explain.image);
        return Err(fault.with_hint(&hint).into());
    }
    // `--as` is the one that the image is judged for; who asks the cluster is somebody else.
    let cluster = connection.open_as_oneself().await?;
    let (named, endpoints) = (connection.gate_namespace.as_deref(), &connection.endpoint);
    let gate = Found::find_unless_named(&cluster, named, endpoints).await?;
    let replicas = Replica::ask_named_or_all(&cluster, &gate, endpoints).await;
    let in_force = InForce::read(&cluster, &gate, &replicas, &explain.policy.which()).await?;
    let (webhooks, no_webhooks) =
        Webhooks::read_if_allowed(&cluster, Found::namespace_of(&gate).or(named)).await?;
    let namespaces = Namespaces::one(&cluster, cluster.namespace()).await?;
    let reach = match (&webhooks, &namespaces.gap) {
        (Some(webhooks), None) => Some(namespaces.reach(webhooks, cluster.namespace())),
        _ => None,
    };
    for note in &in_force.notes {
        say(&format!("note: {note}"));
    }
    for gap in no_webhooks.iter().chain(&namespaces.gap) {
        say(&format!("warning: {gap}"));
    }
    let pinned = match &reach {
        Some(Reach::Judged(pins)) => pins.iter().flatten().next().map(String::as_str),
        _ => None,
    };
    let groups: Vec<Cow<'_, str>> =
        connection.as_group.iter().map(|group| group.as_str().into()).collect();
    let subject = Subject {
        namespace: cluster.namespace(),
        user: connection.as_user.as_deref().unwrap_or_default(),
        groups: &groups,
        pinned,
        now: OffsetDateTime::now_utc().unix_timestamp(),
        ..Subject::default()
    };
    let answer = Answer::of(&in_force.policy, &subject, &explain.image);
    let out = &mut crate::cli::stdout();
    answer.print(out, Paint::for_stdout(), &in_force, reach.as_ref())?;
    let judged = matches!(reach, None | Some(Reach::Judged(_)));
    Ok(if answer.verdict.decision == Decision::Deny && judged {
        Exit::Finding
    } else if reach.is_none() {
        Exit::Unusable
    } else {
        Exit::Fine
    })
}

/// What a policy says of an image, for somebody.
pub(crate) struct Answer<'a> {
    image: &'a str,
    subject: Subject<'a>,
    explanation: Explanation,
    verdict: Verdict<'a>,
}

impl<'a> Answer<'a> {
    pub(crate) fn of(policy: &'a Policy, subject: &Subject<'a>, image: &'a str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split([':', '@']).next().unwrap_or(name);
        let container = ContainerImage {
            container: if name.is_empty() { "image" } else { name }.into(),
            image: Some(image.into()),
            ..ContainerImage::default()
        };
        let explanation = policy.explain(subject, &container);
        let verdict = policy.evaluate(subject, [&container]);
        Self { image, subject: *subject, explanation, verdict }
    }

    fn print(
        &self,
        out: &mut impl Write,
        paint: Paint,
        in_force: &InForce,
        reach: Option<&Reach>,
    ) -> std::io::Result<()> {
        let Self { image, subject, explanation, verdict } = self;
        writeln!(out, "image      {}", printable(image))?;
        match &explanation.canonical {
            Ok(canonical) => writeln!(out, "canonical  {}", printable(canonical))?,
            Err(why) => writeln!(out, "canonical  none: {}", printable(why))?,
        }
        writeln!(out, "namespace  {}", printable(subject.namespace))?;
        if !subject.user.is_empty() {
            writeln!(out, "user       {}", printable(subject.user))?;
        }
        if let Some(name) = &explanation.override_name {
            writeln!(out, "override   {}", printable(name))?;
        }
        writeln!(out, "policy     {}, {}", in_force.policy.hash(), printable(&in_force.origin))?;
        for step in &explanation.steps {
            let outcome = if step.passed { paint.good("pass") } else { paint.bad("FAIL") };
            writeln!(out, "  {outcome}  {:<18}  {}", step.rule.as_str(), printable(&step.detail))?;
        }
        writeln!(out, "verdict    {}", self.word(paint, reach))?;
        for violation in &verdict.violations {
            writeln!(out, "           {}", printable(&violation.message))?;
        }
        let accepted = explanation.accepted(self.image);
        for (title, lines) in [
            ("exemption ", &explanation.exemptions),
            ("near miss ", &explanation.near_misses),
            ("accepted  ", &accepted),
            ("accepted  ", &explanation.remedies),
        ] {
            for line in lines {
                writeln!(out, "{title} {}", printable(line))?;
            }
        }
        Ok(())
    }

    /// The same for programs. Fields are added, and never change their meaning.
    pub(crate) fn to_json(&self, in_force: &InForce, reach: Option<&Reach>) -> Value {
        let Self { image, subject, explanation, verdict } = self;
        let Explanation {
            canonical, override_name, steps, exemptions, near_misses, remedies, ..
        } = explanation;
        let steps = steps.iter().map(|step| {
            json!({ "rule": step.rule.as_str(), "passed": step.passed, "detail": step.detail })
        });
        json!({
            "image": image,
            "canonical": canonical.as_ref().ok(),
            "unreadable": canonical.as_ref().err(),
            "namespace": subject.namespace,
            "user": subject.user,
            "override": override_name,
            "policyHash": in_force.policy.hash(),
            "origin": in_force.origin,
            "notes": in_force.notes,
            "steps": steps.collect::<Vec<_>>(),
            "verdict": self.word(Paint::never(), reach),
            "messages": verdict.violations.iter().map(|each| &each.message).collect::<Vec<_>>(),
            "exemptions": exemptions,
            "nearMisses": near_misses,
            "accepted": explanation.accepted(self.image),
            "remedies": remedies,
        })
    }

    /// The verdict in a word, and in which way it has no effect here.
    fn word(&self, paint: Paint, reach: Option<&Reach>) -> String {
        let verdict = &self.verdict;
        let word = match (verdict.violations.is_empty(), verdict.exempted.is_empty()) {
            (true, true) => paint.good("allow"),
            (true, false) => paint.notable("exempt"),
            (false, _) if verdict.decision == Decision::Deny => paint.bad("deny"),
            (false, _) => paint.notable(verdict.mode.as_str()),
        };
        match reach {
            None | Some(Reach::Judged(_)) => word,
            Some(Reach::OptedOut) => {
                format!("{word}, but the namespace has opted out: nothing is judged there")
            }
            Some(Reach::Excluded(label)) => format!(
                "{word}, but the webhook leaves the namespace out, by its label {}: nothing is judged there",
                printable(label)
            ),
            Some(Reach::Unregistered) => {
                format!("{word}, but no webhook is registered: nothing is judged at all")
            }
        }
    }
}

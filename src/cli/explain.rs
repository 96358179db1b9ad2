//! `imagegate explain`: why an image gets the verdict that it gets.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::asker::{AskerFlags, container_parser, label, pull_policy_parser};
use super::images::refuse_path;
use super::output;
use super::paint::Paint;
use super::policy_source;
use crate::clock;
use imagegate_check::{Target, labels, template};
use imagegate_core::policy::{ContainerKind, PullPolicy, printable};
use imagegate_report::{Answer, Exit};

/// Explain the verdict on one image, rule by rule
///
/// Exit codes: 0 it would be admitted, 1 it would be denied, 2 wrong usage, or the policy cannot be read,
/// 3 the policy is not valid.
#[derive(Debug, clap::Args)]
#[command(mut_arg("namespace", |argument| argument.help("Namespace of the Pod that names the image")))]
pub(super) struct Explain {
    /// The image, written as in a Pod
    image: String,
    /// The policy: a directory, a file, or a ConfigMap manifest [default: what `serve` would use]
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    asker: AskerFlags,
    /// The pull policy of the container; left out, what Kubernetes fills in for the tag
    #[arg(long, value_name = "POLICY", value_parser = pull_policy_parser())]
    pull_policy: Option<PullPolicy>,
    /// The kind of container: regular, init, ephemeral or image-volume
    #[arg(long, value_name = "KIND", value_parser = container_parser(), default_value = "regular")]
    #[arg(hide_possible_values = true)]
    container: ContainerKind,
    /// A label of the Pod; can be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// The kind of object that has the image; of others than a Pod, the template is judged
    #[arg(long, value_name = "KIND", default_value = "Pod")]
    kind: String,
}

pub(super) fn run(explain: &Explain) -> Result<Exit> {
    let Explain { image, policy, asker, pull_policy, container, label, kind } = explain;
    refuse_path(image, &format!("`imagegate check -f {}` judges manifests", printable(image)))?;
    let Some(policy) = policy_source::valid(policy.as_deref())? else {
        return Ok(Exit::InvalidPolicy);
    };
    let template = template(&policy, kind).map_err(|hint| {
        anyhow!("`{}` is no kind that is judged\n  hint: {hint}", printable(kind))
    })?;
    let target = Target {
        template,
        pull_policy: pull_policy.unwrap_or_default(),
        list: container.list(),
        labels: Some(labels(label)),
        ..Target::of_image(image)
    };
    let asker = &asker.asker();
    let now = clock::unix_seconds();
    let explanation = target
        .with_subject(asker, now, |subject| policy.explain(subject, &target.container_image()));
    let verdict = target.judge_at(&policy, asker, now);
    let answer = Answer::of(&verdict);
    let paint = Paint::for_stdout();
    let mut out = output::stdout();
    writeln!(out, "image      {}", printable(image))?;
    match &explanation.canonical {
        Ok(canonical) => writeln!(out, "canonical  {}", printable(canonical))?,
        Err(why) => writeln!(out, "canonical  none: {}", printable(why))?,
    }
    writeln!(out, "namespace  {}", printable(&asker.namespace))?;
    if let Some(name) = &explanation.override_name {
        writeln!(out, "override   {}", printable(name))?;
    }
    writeln!(out, "policy     {}", policy.hash())?;
    for workload in policy.workloads().described() {
        writeln!(out, "workload   {}", printable(&workload))?;
    }
    for step in &explanation.steps {
        let outcome = paint.outcome(step.passed);
        writeln!(out, "  {outcome}  {:<18}  {}", step.rule.as_str(), printable(&step.detail))?;
    }
    writeln!(out, "verdict    {}", paint.answer(answer).trim_end())?;
    for violation in &verdict.violations {
        writeln!(out, "           {}", printable(&violation.message))?;
    }
    for (title, lines) in [
        ("exemption ", &explanation.exemptions),
        ("near miss ", &explanation.near_misses),
        ("accepted  ", &explanation.accepted(image)),
        ("accepted  ", &explanation.remedies),
    ] {
        for line in lines {
            writeln!(out, "{title} {}", printable(line))?;
        }
    }
    out.finish()?;
    Ok(if answer == Answer::Deny { Exit::Finding } else { Exit::Fine })
}

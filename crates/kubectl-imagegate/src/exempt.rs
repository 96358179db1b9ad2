//! `kubectl imagegate exempt`: one exemption more, in the text of the policy as somebody wrote it.

use imagegate_core::image::Reference;
use imagegate_core::policy::{
    ContainerKind, POLICY_KEY, Policy, PullPolicy, Subject, compile, end_of_exemption,
};
use imagegate_report::Exit;
use time::OffsetDateTime;

use crate::change::{Before, ChangeFlags};
use crate::cli::Failure;
use crate::cluster::Fault;
use crate::connection::Connection;
use crate::gate::documents;

/// How the image is used that is asked about: in what way that cannot be refused by itself.
const USE: (ContainerKind, PullPolicy) = (ContainerKind::Regular, PullPolicy::Always);

/// Exempt an image from the policy, until a day
///
/// Adds an exemption to policy.yaml and leaves the rest of its text as it is. Then it goes the way of
/// `edit`: what changes, whom it hits, and the wait for every replica. -n is required: the exemption
/// holds in that namespace alone. Exit codes: those of `edit`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
kubectl imagegate exempt [OPTIONS] --namespace <NAME> --reason <TEXT> --expires <DATE> <IMAGE>")]
#[command(after_help = "\
Rights: those of `edit`. The policy must be in full form.

  kubectl imagegate exempt quay.io/acme/agent -n ci --reason INC-1234 --expires 2027-01-31")]
pub(crate) struct Exempt {
    /// The image; the exemption is for its repository, whatever the tag
    image: String,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// What an exemption says beside the image and the namespace.
#[derive(Clone, Debug, clap::Args, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Terms {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The last day, as 2027-01-31
    #[arg(long, value_name = "DATE", value_parser = last_day)]
    pub(crate) expires: String,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// The exemption's name [default: made of the image and the namespace]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(crate) async fn run(connection: &Connection, exempt: &Exempt) -> Result<Exit, Failure> {
    let Some(namespace) = &connection.namespace else {
        let hint = "name it with -n; an exemption for every namespace is written with `kubectl imagegate edit`";
        return Err(Fault::usage("`exempt` needs a namespace").with_hint(hint).into());
    };
    let before = Before::read(connection).await?;
    before.refuse_where_owned(&exempt.flags)?;
    let mut data = before.config_map.data.clone();
    let Some(text) = data.get(POLICY_KEY) else {
        let fault = Fault::usage("the policy is in simple form, which has no exemptions");
        let hint = "exemptions need the full form: write policy.yaml (docs/policy.md) and `kubectl imagegate apply --filename policy.yaml`";
        return Err(fault.with_hint(hint).into());
    };
    let (image, policy) = (&exempt.image, before.policy.as_ref());
    let text = exempted(text, image, namespace, &exempt.terms, policy)?;
    data.insert(POLICY_KEY.to_owned(), text);
    // A policy with a problem is told by whoever compiles it on the way.
    if let Ok((policy, _)) = compile(&documents(&data, &before.gate)) {
        refuse_where_vain(&policy, image, namespace)?;
    }
    before.change_to(&data, &exempt.flags).await
}

/// The policy's text with an exemption more, for the repository of an image in one namespace. `policy` is the one
/// in force, which knows where a short name is looked up.
pub(crate) fn exempted(
    text: &str,
    image: &str,
    namespace: &str,
    terms: &Terms,
    policy: Option<&Policy>,
) -> Result<String, Fault> {
    let reference = parsed(image)?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let subject = Subject { namespace, now, ..Subject::default() };
    with_exemption(text, &entry(terms, &subject, &reference, policy)).ok_or_else(|| {
        Fault::usage("the exemptions are written in a way that cannot be added to")
            .with_hint("add it with `kubectl imagegate edit`")
    })
}

/// Says so where a policy refuses an image all the same.
pub(crate) fn refuse_where_vain(
    policy: &Policy,
    image: &str,
    namespace: &str,
) -> Result<(), Fault> {
    let reference = parsed(image)?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let subject = Subject { namespace, now, ..Subject::default() };
    if !policy.outcome(&subject, USE, Ok(&reference)).is_denied() {
        return Ok(());
    }
    let fault = Fault::usage(&format!("`{image}` would be refused with this exemption too"));
    let hint = "`kubectl imagegate explain` says why; see whether --expires lies in the past";
    Err(fault.with_hint(hint))
}

fn parsed(image: &str) -> Result<Reference<'_>, Fault> {
    Reference::parse(image)
        .map_err(|error| Fault::usage(&format!("`{image}` is not a valid reference: {error}")))
}

/// Reads the last day of an exemption, as a flag has it. Checked at once, so that what is wrong with it is said
/// of the flag.
pub(crate) fn last_day(text: &str) -> Result<String, &'static str> {
    end_of_exemption(text).map(|_| text.to_owned()).ok_or("not a day; write it as 2027-01-31")
}

/// The exemption as one line of YAML, each text in quotes of JSON.
fn entry(
    terms: &Terms,
    subject: &Subject<'_>,
    reference: &Reference<'_>,
    policy: Option<&Policy>,
) -> String {
    let Terms { reason, expires, owner, name } = terms;
    let namespace = subject.namespace;
    let last = reference.repository();
    let last = last.rsplit('/').next().unwrap_or_default();
    let name = name.clone().unwrap_or_else(|| format!("{last}-{namespace}"));
    // An exemption is for a repository; which tags of it run is not its matter. That of a short name is
    // where its namespace looks it up.
    let judged = policy.and_then(|policy| policy.judged_repository(subject, reference));
    let image =
        judged.unwrap_or_else(|| format!("{}/{}", reference.registry(), reference.repository()));
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let owner = owner.as_deref().map_or(String::new(), |owner| format!(", owner: {}", text(owner)));
    format!(
        "{{name: {}, images: [{}], namespaces: [{}], reason: {}{owner}, expires: {}}}",
        text(&name),
        text(&image),
        text(namespace),
        text(reason),
        text(expires),
    )
}

/// The policy's text with an exemption more; `None` where its exemptions are no block that can be added
/// to. What the text means is checked by the compiler afterwards.
fn with_exemption(text: &str, entry: &str) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_flow = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    if is_flow.is_some_and(|line| line.starts_with('{')) {
        return None;
    }
    let key = "exemptions:";
    let Some(at) = lines.iter().position(|line| line.starts_with(key)) else {
        lines.extend([key.to_owned(), format!("  - {entry}")]);
        return Some(lines.join("\n") + "\n");
    };
    let rest = lines.get(at)?.get(key.len()..)?.split('#').next().unwrap_or_default().trim();
    match rest {
        "[]" => {
            key.clone_into(lines.get_mut(at)?);
            lines.insert(at + 1, format!("  - {entry}"));
        }
        "" => {
            let items = lines.iter().skip(at + 1);
            let first = items.clone().find(|line| line.trim_start().starts_with("- "))?;
            let indent = first.len() - first.trim_start().len();
            lines.insert(at + 1, format!("{:indent$}- {entry}", ""));
        }
        _ => return None,
    }
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use imagegate_core::image::Reference;
    use imagegate_core::policy::{Documents, Policy, Subject, compile};

    use super::{Exempt, entry, with_exemption};

    fn policy(text: &str) -> Policy {
        compile(&Documents::full_form(text)).unwrap().0
    }

    #[test]
    fn a_short_name_is_exempt_where_it_is_looked_up() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            exempt: Exempt,
        }
        let line = ["exempt", "nginx:1.27", "--reason", "INC-1", "--expires", "2027-01-31"];
        let Line { exempt } = clap::Parser::parse_from(line);
        let text = "allowedRegistries: [gcr.io]\nshortNames: {registry: mirror.example.com/hub}\n";
        let before = policy(text);
        let reference = Reference::parse(&exempt.image).unwrap();
        // 2026-11-27.
        let subject = Subject { namespace: "ci", now: 1_795_773_600, ..Subject::default() };
        assert!(before.outcome(&subject, super::USE, Ok(&reference)).is_denied());
        let entry = entry(&exempt.terms, &subject, &reference, Some(&before));
        let after = policy(&with_exemption(text, &entry).unwrap());
        assert!(!after.outcome(&subject, super::USE, Ok(&reference)).is_denied(), "{entry}");
    }

    #[test]
    fn the_rest_of_the_text_stays_as_it_is() {
        for (text, expected) in [
            ("mode: warn # why\n", Some("mode: warn # why\nexemptions:\n  - X\n")),
            ("exemptions: []\nmode: warn\n", Some("exemptions:\n  - X\nmode: warn\n")),
            ("exemptions:\n- a: b\n  c: d\n", Some("exemptions:\n- X\n- a: b\n  c: d\n")),
            (
                "exemptions: # all\n    - {a: b}\n",
                Some("exemptions: # all\n    - X\n    - {a: b}\n"),
            ),
            ("exemptions: [{a: b}]\n", None),
            ("# what\n{mode: warn}\n", None),
            ("exemptions:\n", None),
        ] {
            assert_eq!(with_exemption(text, "X").as_deref(), expected, "{text}");
        }
    }
}

//! `kubectl imagegate propose`: a policy from what is used in a cluster.

use std::io::Write as _;
use std::path::PathBuf;

use imagegate_core::policy::{Documents, POLICY_KEY};
use imagegate_core::usage::{Exempting, Fit, Proposed, Wish};
use imagegate_report::Exit;
use time::OffsetDateTime;

use crate::cli::{Failure, say, stdout};
use crate::cluster::Fault;
use crate::connection::{Connection, Everywhere};
use crate::exempt::last_day;
use crate::gate::{ConfigMap, Found, InForce, Which, keys};
use crate::uses::{Gate, Source};

/// Propose a policy that covers what is used
///
/// Prints the shortest policy that refuses none of it, with the least beyond it; each line says who uses
/// what it is about. Exit codes: 0 a policy that refuses nothing in use, 1 one that does, since no policy
/// admits it, 2 something could not be read, or nothing is used, 3 the policy to exempt from is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `audit` for what runs; list pods, get and create pods/portforward in the gate's namespace for what \
the replicas remember; list configmaps there, to keep the comments of the policy that is exempted from.

  kubectl imagegate propose > new.yaml
  kubectl imagegate propose --loose --from observed
  kubectl imagegate propose --exempt-existing --policy new.yaml --expires 2027-01-31 --owner platform")]
pub(crate) struct Propose {
    #[command(flatten)]
    everywhere: Everywhere,
    /// Where from
    #[arg(long, value_enum, value_name = "SOURCE", default_value = "all")]
    from: Source,
    /// Allow each repository in use by itself
    #[arg(long, conflicts_with = "loose")]
    tight: bool,
    /// Allow the owner of each image in use, whatever else they publish
    #[arg(long)]
    loose: bool,
    /// Instead of a new policy, print the one in force, or that of --policy, with exemptions for what it
    /// would refuse
    #[arg(long, requires_all = ["expires", "owner"], conflicts_with_all = ["tight", "loose"])]
    exempt_existing: bool,
    /// The last day of the exemptions, as 2027-01-31
    #[arg(long, value_name = "DATE", requires = "exempt_existing", value_parser = last_day)]
    expires: Option<String>,
    /// Who answers for the exemptions
    #[arg(long, value_name = "NAME", requires = "exempt_existing")]
    owner: Option<String>,
    /// Why there are exemptions, such as a ticket
    #[arg(
        long,
        value_name = "TEXT",
        requires = "exempt_existing",
        default_value = "in use before this policy"
    )]
    reason: String,
    /// The policy to exempt from [default: the one in force]
    #[arg(long, value_name = "FILE", requires = "exempt_existing")]
    policy: Option<PathBuf>,
}

pub(crate) async fn run(connection: &Connection, propose: &Propose) -> Result<Exit, Failure> {
    let gate = Gate::find(connection).await?;
    let base = if propose.exempt_existing { Some(base(&gate, propose).await?) } else { None };
    let policies: Vec<_> = base.iter().map(|(base, _)| &base.policy).collect();
    let uses = gate.uses(connection, propose.from, &policies).await?;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (expires, owner) = (text(&propose.expires), text(&propose.owner));
    let exempting = Exempting { expires: &expires, owner: &owner, reason: &propose.reason };
    let wish = match &base {
        Some((in_force, source)) => {
            Wish::Exempting { policy: &in_force.policy, source: source.as_deref(), exempting }
        }
        None if propose.tight => Wish::New(Fit::Tight),
        None if propose.loose => Wish::New(Fit::Loose),
        None => Wish::New(Fit::Balanced),
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let proposed = Proposed::of(&wish, &uses.gathered, now);
    let Proposed { yaml, notes, denied } =
        proposed.map_err(|error| Fault::usage(&error.to_string()))?;
    for note in &notes {
        say(note);
    }
    let mut out = stdout();
    out.write_all(yaml.as_bytes())?;
    out.flush()?;
    Ok(match (denied, uses.gaps.is_empty()) {
        (0, true) => Exit::Fine,
        (0, false) => Exit::Unusable,
        _ => Exit::Finding,
    })
}

/// The policy to exempt from, and its text where it is in full form.
async fn base(gate: &Gate, propose: &Propose) -> Result<(InForce, Option<String>), Failure> {
    let (which, data) = if let Some(path) = &propose.policy {
        // Where it cannot be read, that is said when it is compiled.
        (Which::File(path.clone()), keys(std::fs::read(path).unwrap_or_default()))
    } else {
        let config_map = match &gate.found {
            Ok(found) => ConfigMap::read(&gate.cluster, &found.namespace).await.ok(),
            Err(_) => None,
        };
        let data = config_map.map(|config_map| config_map.data).unwrap_or_default();
        let bytes = data.into_iter().map(|(key, text)| (key, text.into_bytes()));
        (Which::Live, bytes.collect())
    };
    let in_force = InForce::read(&gate.cluster, &gate.found, &gate.replicas, &which).await?;
    for note in &in_force.notes {
        say(&format!("note: {note}"));
    }
    let text = data.get(POLICY_KEY).and_then(|text| String::from_utf8(text.clone()).ok());
    // A text that is on its way is not yet the policy in force.
    let is_in_force = |text: &String| {
        let variables = gate.found.as_ref().map(Found::simple_keys).unwrap_or_default();
        let documents = Documents { variables, ..Documents::full_form(&**text) };
        let compiled = InForce::compiled(&documents, String::new());
        compiled.is_ok_and(|compiled| compiled.policy.hash() == in_force.policy.hash())
    };
    let text = text.filter(is_in_force);
    Ok((in_force, text))
}

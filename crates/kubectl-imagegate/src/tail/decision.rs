//! A decision as a replica tells it, and which of them are wanted.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What is looked at of a decision. A replica of another version may leave out any of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Decision {
    /// From 1, in the order in which its process noted them.
    pub(super) id: u64,
    /// As RFC 3339 has it, in UTC and in whole seconds: texts of that form are in the order of time.
    pub(crate) at: String,
    /// `deny`, `warn`, `audit`, `exempt`, or `allow` where the candidate alone would decide otherwise.
    #[serde(rename = "decision")]
    pub(super) answer: String,
    pub(super) namespace: String,
    /// `ReplicaSet/web-7d`
    pub(super) owner: String,
    pub(super) user: String,
    pub(super) dry_run: bool,
    pub(super) rule: Option<String>,
    pub(super) image: String,
    /// How many images break a rule.
    pub(super) violations: u64,
    pub(super) exemption: Option<String>,
    #[serde(rename = "override")]
    pub(super) override_name: Option<String>,
    /// What the candidate would decide, where that differs.
    pub(super) candidate: Option<String>,
    pub(super) candidate_rule: Option<String>,
}

/// A decision of a replica, with all that it said.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Which replica.
    pub(super) replica: String,
    pub(crate) decision: Decision,
    all: Map<String, Value>,
}

/// Which decisions are shown. What is empty asks for all.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) namespace: Option<String>,
    pub(super) kinds: Vec<What>,
    pub(super) rules: Vec<String>,
    /// A part of the image as written.
    pub(super) image: Option<String>,
    pub(super) user: Option<String>,
}

/// What a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    /// Refused
    Deny,
    /// Admitted with a warning
    Warn,
    /// Admitted, and only logged
    Audit,
    /// Admitted by an exemption
    Exempt,
    /// Decided differently by the candidate
    Flip,
}

impl Told {
    /// Reads a decision; `None` where it is none.
    pub(crate) fn read(replica: &str, all: Map<String, Value>) -> Option<Self> {
        let decision = Decision::deserialize(&Value::Object(all.clone())).ok()?;
        Some(Self { replica: replica.to_owned(), decision, all })
    }

    /// All that the replica said, with its name.
    pub(crate) fn to_json(&self) -> Value {
        let mut all = self.all.clone();
        all.insert("replica".to_owned(), self.replica.as_str().into());
        Value::Object(all)
    }
}

impl Wanted {
    /// Whether it is shown.
    pub(super) fn holds(&self, decision: &Decision) -> bool {
        let Self { namespace, kinds, rules, image, user } = self;
        let is_rule =
            |rule: &Option<String>| rule.as_ref().is_some_and(|rule| rules.contains(rule));
        namespace.as_ref().is_none_or(|namespace| *namespace == decision.namespace)
            && (kinds.is_empty() || kinds.iter().any(|kind| kind.is(decision)))
            && (rules.is_empty() || is_rule(&decision.rule) || is_rule(&decision.candidate_rule))
            && image.as_ref().is_none_or(|part| decision.image.contains(part.as_str()))
            && user.as_ref().is_none_or(|user| *user == decision.user)
    }
}

impl What {
    fn is(self, decision: &Decision) -> bool {
        let word = match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Exempt => "exempt",
            Self::Flip => return decision.candidate.is_some(),
        };
        decision.answer == word
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Told, Wanted, What};

    fn told() -> Told {
        let json = r#"{"id":7,"at":"2026-11-27T09:00:00Z","decision":"deny","namespace":"ci","rule":"blocked-tag",
            "owner":"Job/x","user":"kim","image":"quay.io/a/b:1","violations":1,"candidate":"allow","new":1}"#;
        Told::read("one", serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_known_is_passed_on() {
        let told = told();
        assert_eq!((told.decision.id, told.decision.namespace.as_str()), (7, "ci"));
        let json = told.to_json();
        assert_eq!((&json["replica"], &json["new"]), (&"one".into(), &1.into()));
    }

    #[test]
    fn each_filter_asks_for_its_own() {
        let wanted = |change: fn(&mut Wanted)| {
            let mut wanted = Wanted::default();
            change(&mut wanted);
            wanted.holds(&told().decision)
        };
        assert!(wanted(|_| {}));
        assert!(wanted(|it| it.namespace = Some("ci".to_owned())));
        assert!(!wanted(|it| it.namespace = Some("c".to_owned())));
        assert!(wanted(|it| it.kinds = vec![What::Warn, What::Deny]));
        assert!(wanted(|it| it.kinds = vec![What::Flip]));
        assert!(!wanted(|it| it.kinds = vec![What::Exempt, What::Audit]));
        assert!(wanted(|it| it.rules = vec!["blocked-tag".to_owned()]));
        assert!(!wanted(|it| it.rules = vec!["missing-tag".to_owned()]));
        assert!(wanted(|it| it.image = Some("a/b".to_owned())));
        assert!(!wanted(|it| it.image = Some("a/c".to_owned())));
        assert!(!wanted(|it| it.user = Some("bob".to_owned())));
        let flip = Decision { candidate_rule: Some("missing-tag".to_owned()), ..told().decision };
        let rule = Wanted { rules: vec!["missing-tag".to_owned()], ..Wanted::default() };
        assert!(rule.holds(&flip));
    }
}

//! The rules of a policy, or of an override, as conditions on one image: each refuses only what the gate
//! refuses too.

use super::cel::{MOST_COST_OF_TEST, Test, quoted};
use super::exempt::{self, Exempting};
use super::message;
use super::spelling::{IMAGE_ID, LATEST, Places, REFERENCE, Said, TAGGED, Tags, UNTAGGED};
use crate::policy::judge::checks::Rule;
use crate::policy::judge::list::Written;
use crate::policy::judge::pull::PullRule;
use crate::policy::judge::subject::Workload;
use crate::policy::judge::template::Template;
use crate::policy::judge::terms::Terms;
use crate::policy::judge::verdict::Mode;
use crate::policy::pattern::registry_pattern::RegistryPattern;
use crate::policy::pattern::syntax::Pattern as _;
use crate::policy::rules::fields::Rules;
use crate::policy::rules::short_names::ShortNames;

/// Entries with rules of their own that get a condition of their own. Those of the others are left to the
/// gate.
const MOST_ENTRIES: usize = 16;
/// A text of at most so many characters holds no repository that is too long.
const NEVER_TOO_LONG: usize = 247;

/// One reason to refuse an image `c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) rule: Rule,
    pub(super) broken: Test,
    /// The expression of the text for people.
    pub(super) message: String,
}

/// The conditions of one rule, and how much of the rule they say.
#[derive(Clone, Debug)]
pub(super) struct OfRule {
    pub(super) rule: Rule,
    pub(super) clauses: Vec<Clause>,
    /// What is left to the gate; empty where nothing is.
    pub(super) left: Vec<String>,
}

/// What is broken, before exemptions and entries are looked at.
struct Broken {
    test: Test,
    message: String,
    left: Option<String>,
}

/// The rules that `rules` have, each with its conditions. A rule that refuses nothing is left out.
pub(super) fn of(rules: &Rules, hash: &str, exemptions: &[Exempting]) -> Vec<OfRule> {
    // Whoever adds a field decides here what becomes of it: a demand may be left to the gate, and must be
    // reported then; what admits more must be heeded.
    let Rules {
        mode: _,
        allowed_registries: _,
        blocked_registries: _,
        blocked_tags: _,
        allowed_tags: _,
        require_tag: _,
        require_digest: _,
        short_names: _,
        updates: _,
        templates: _,
        denial_warnings: _,
        denial_hint: _,
        messages: _,
        pull_rule: _,
    } = rules;
    let writer = Writer { rules, hash, exemptions };
    Rule::ALL.into_iter().filter_map(|rule| writer.rule(rule)).collect()
}

#[derive(Clone, Copy)]
struct Writer<'p> {
    rules: &'p Rules,
    hash: &'p str,
    exemptions: &'p [Exempting],
}

impl Writer<'_> {
    fn rule(self, rule: Rule) -> Option<OfRule> {
        let mut of_rule = OfRule { rule, clauses: Vec::new(), left: Vec::new() };
        match rule {
            Rule::InvalidReference => {
                if self.rules.mode != Mode::Enforce {
                    return None;
                }
                let not_one = Test::any([
                    Test::matches("c.image", REFERENCE).not(),
                    Test::matches("c.image", IMAGE_ID),
                ]);
                let message = message::invalid();
                let clause = not_one.map(|broken| Clause { rule, broken, message });
                of_rule.clauses.extend(clause);
                of_rule.left.push("a repository of more than 255 characters".to_owned());
            }
            Rule::UntrustedRegistry => {
                if self.rules.mode != Mode::Enforce {
                    return None;
                }
                let broken = self.registry();
                self.add(broken, None, &mut of_rule);
            }
            Rule::MissingTag | Rule::BlockedTag | Rule::MissingDigest | Rule::PullPolicy => {
                self.by_entries(rule, &mut of_rule);
            }
        }
        (!of_rule.clauses.is_empty() || !of_rule.left.is_empty()).then_some(of_rule)
    }

    /// A rule that an entry of the allowed registries may say otherwise: a condition for what no such
    /// entry decides, and one for each entry.
    fn by_entries(self, rule: Rule, of_rule: &mut OfRule) {
        let Rules { allowed_registries, blocked_registries, mode, .. } = self.rules;
        let patterns: Vec<_> = if allowed_registries.have_own_rules() {
            allowed_registries
                .written()
                .iter()
                .map(|written| {
                    RegistryPattern::parse(written).map_or(u32::MAX, |it| it.specificity())
                })
                .collect()
        } else {
            Vec::new()
        };
        let terms_at = |position| Terms::new(self.rules, allowed_registries.own_rules(position));
        let base = Terms::new(self.rules, None);
        let base_says = says(rule, base);
        let differing: Vec<usize> = (0..patterns.len())
            .filter(|position| says(rule, terms_at(*position)) != base_says)
            .collect();
        let perhaps = |is_meant: &dyn Fn(usize) -> bool| {
            Places::of(allowed_registries.written(), is_meant).perhaps("c.named")
        };
        if *mode == Mode::Enforce
            && let Some(broken) = self.broken(rule, base)
        {
            let others = (!differing.is_empty())
                .then(|| perhaps(&|position| differing.binary_search(&position).is_ok()));
            match others {
                None => self.add(broken, None, of_rule),
                Some((Some(others), said)) => {
                    of_rule.left.extend(left_by(said, "entries with rules of their own"));
                    self.add(broken, Some(others.not()), of_rule);
                }
                Some((None, _)) => {
                    of_rule.left.push("all but what entries of `allowedRegistries` say".to_owned());
                }
            }
        }
        if differing.len() > MOST_ENTRIES {
            of_rule.left.push(format!("what {} entries say for themselves", differing.len()));
            return;
        }
        for position in differing {
            let terms = terms_at(position);
            if terms.mode(Workload::Pod) != Mode::Enforce {
                continue;
            }
            let Some(broken) = self.broken(rule, terms) else { continue };
            let own = says(rule, terms);
            let specificity = patterns.get(position).copied().unwrap_or_default();
            let may_decide = |other: usize| {
                let of_other = patterns.get(other).copied().unwrap_or_default();
                of_other > specificity || of_other == specificity && other < position
            };
            let (covered, said) =
                Places::of(allowed_registries.written(), |each| each == position).surely("c.named");
            let decided_otherwise =
                perhaps(&|other| may_decide(other) && says(rule, terms_at(other)) != own);
            let blocked = Places::of(&blocked_registries.written, |_| true).perhaps("c.named");
            let pattern = allowed_registries.written().get(position);
            let (Some(covered), (Some(otherwise), _), (Some(blocked), _)) =
                (covered, decided_otherwise, blocked)
            else {
                of_rule.left.push(format!("what the entry `{pattern}` says"));
                continue;
            };
            of_rule.left.extend(left_by(said, &format!("the entry `{pattern}`")));
            let mut guards = vec![covered];
            guards.extend(
                [otherwise, blocked].into_iter().filter(|it| it.text != "false").map(Test::not),
            );
            if self.rules.short_names == ShortNames::Deny {
                guards.push(Test::cheap("(c.named == c.image)"));
            }
            if *mode != Mode::Enforce {
                // What is no reference follows the mode of the policy, which admits it.
                guards.push(Test::cheap(format!("(size(c.image) <= {NEVER_TOO_LONG})")));
                guards.push(Test::matches("c.image", REFERENCE));
                guards.push(Test::matches("c.image", IMAGE_ID).not());
            }
            self.add(broken, Test::all(guards), of_rule);
        }
    }

    fn broken(self, rule: Rule, terms: Terms<'_>) -> Option<Broken> {
        let words = |usual: String| {
            terms.message(rule).and_then(|own| message::own(own, self.hash)).unwrap_or(usual)
        };
        match rule {
            Rule::MissingTag if terms.require_tag() => Some(Broken {
                test: Test::matches("c.image", UNTAGGED),
                message: words(message::missing_tag()),
                left: None,
            }),
            Rule::MissingDigest if terms.require_digest() => Some(Broken {
                test: Test::cheap("c.image.contains('@')").not(),
                message: words(message::missing_digest()),
                left: None,
            }),
            Rule::BlockedTag => self.tags(terms),
            Rule::PullPolicy if terms.pull_rule() != PullRule::Any => Some(Broken {
                test: not_always_pulled(terms.pull_rule())?,
                message: words(message::not_always_pulled(terms.pull_rule())),
                left: None,
            }),
            _ => None,
        }
    }

    fn tags(self, terms: Terms<'_>) -> Option<Broken> {
        let (blocked, allowed) = (terms.blocked_tags(), terms.allowed_tags());
        let mut left = Vec::new();
        let mut blocking = Vec::new();
        if blocked.written.len() > 0 {
            let (test, said) = Tags::of(&blocked.written).surely("c.image");
            blocking.extend(test);
            left.extend(left_by(said, "`blockedTags`"));
            if blocked.set.first("latest").is_some() {
                blocking.push(Test::matches("c.image", UNTAGGED));
            }
        }
        let mut unlisted = Vec::new();
        if !allowed.set.is_empty() {
            let (test, said) = Tags::of(&allowed.written).perhaps("c.image");
            left.extend(left_by(said, "`allowedTags`"));
            unlisted.extend(
                test.and_then(|listed| Test::all([Test::matches("c.image", TAGGED), listed.not()])),
            );
            if allowed.set.first("latest").is_none() {
                unlisted.push(Test::matches("c.image", UNTAGGED));
            }
        }
        let (blocking, unlisted) = (Test::any(blocking), Test::any(unlisted));
        let own = terms.message(Rule::BlockedTag).and_then(|own| message::own(own, self.hash));
        let message = own.unwrap_or_else(|| {
            let is_blocked = blocking.as_ref().filter(|_| unlisted.is_some());
            match (is_blocked, &unlisted) {
                (Some(is_blocked), _) => format!(
                    "{} ? {} : {}",
                    is_blocked.text,
                    message::tag_blocked(&blocked.joined),
                    message::tag_not_allowed(&allowed.joined)
                ),
                (None, Some(_)) => message::tag_not_allowed(&allowed.joined),
                (None, None) => message::tag_blocked(&blocked.joined),
            }
        });
        let left = (!left.is_empty()).then(|| left.join(", "));
        match Test::any([blocking, unlisted].into_iter().flatten()) {
            Some(test) => Some(Broken { test, message, left }),
            None => {
                left.map(|left| Broken { test: Test::cheap("false"), message, left: Some(left) })
            }
        }
    }

    fn registry(self) -> Broken {
        let Rules { allowed_registries, blocked_registries, short_names, .. } = self.rules;
        let mut left = Vec::new();
        let mut reasons = Vec::new();
        let joined = allowed_registries.joined();
        let mut message = message::not_allowed(joined);
        if *short_names == ShortNames::Deny {
            reasons.push(Test::cheap("(c.named != c.image)"));
        }
        if blocked_registries.written.len() > 0 {
            let (test, said) = Places::of(&blocked_registries.written, |_| true).surely("c.named");
            left.extend(left_by(said, "`blockedRegistries`"));
            if let Some(test) = test {
                let which = message::blocked(&blocked_registries.written);
                let is_short = "c.named != c.image";
                let is_blocked = if *short_names == ShortNames::Deny {
                    format!("!({is_short}) && {}", test.text)
                } else {
                    test.text.clone()
                };
                message = format!("{is_blocked} ? ({which}) : {message}");
                reasons.push(test);
            }
        }
        let (allowed, said) = Places::of(allowed_registries.written(), |_| true).perhaps("c.named");
        left.extend(left_by(said, "`allowedRegistries`"));
        reasons.extend(allowed.map(Test::not));
        let base = Terms::new(self.rules, None);
        let own = base.message(Rule::UntrustedRegistry);
        let message = own.and_then(|own| message::own(own, self.hash)).unwrap_or(message);
        Broken {
            test: Test::any(reasons).unwrap_or_else(|| Test::cheap("false")),
            message,
            left: (!left.is_empty()).then(|| left.join(", ")),
        }
    }

    /// Adds a condition, unless it costs too much.
    fn add(self, broken: Broken, guard: Option<Test>, of_rule: &mut OfRule) {
        let Broken { test, message, left } = broken;
        of_rule.left.extend(left);
        if test.text == "false" {
            return;
        }
        let mut tests: Vec<_> = guard.into_iter().chain([test]).collect();
        if let Some((exempt, said)) = exempt::is_exempt(self.exemptions, of_rule.rule) {
            of_rule.left.extend(left_by(said, "the images of exemptions"));
            tests.push(exempt.not());
        }
        let Some(broken) = Test::all(tests) else { return };
        if broken.cost > MOST_COST_OF_TEST {
            of_rule.left.push("the rule as a whole, whose lists are too long".to_owned());
            return;
        }
        of_rule.clauses.push(Clause { rule: of_rule.rule, broken, message });
    }
}

/// What a rule comes to by some terms: equal texts refuse alike.
fn says(rule: Rule, terms: Terms<'_>) -> String {
    let list = |written: &Written| written.iter().map(quoted).collect::<Vec<_>>().join(",");
    let demand = match rule {
        Rule::MissingTag => terms.require_tag().to_string(),
        Rule::MissingDigest => terms.require_digest().to_string(),
        Rule::BlockedTag => {
            let (blocked, allowed) = (terms.blocked_tags(), terms.allowed_tags());
            format!("{};{}", list(&blocked.written), list(&allowed.written))
        }
        Rule::PullPolicy => format!("{:?}", terms.pull_rule()),
        Rule::InvalidReference | Rule::UntrustedRegistry => String::new(),
    };
    let own_words = terms.message(rule).map(Template::written);
    let refuses = terms.mode(Workload::Pod) == Mode::Enforce;
    format!("{refuses} {demand} {}", own_words.unwrap_or_default())
}

/// Whether the pull policy is another one than `Always`. Where it is left out, as the API server leaves
/// nothing out, the gate takes what would be filled in.
fn not_always_pulled(rule: PullRule) -> Option<Test> {
    let is_said = Test::cheap("(c.pull != '')");
    let is_not_always = Test::any([is_said, Test::matches("c.image", LATEST).not()]);
    let mutable = Test::cheap("c.image.contains('@')").not();
    let mutable = Some(mutable).filter(|_| rule == PullRule::ForMutableTags);
    Test::all([Test::cheap("(c.pull != 'Always')")].into_iter().chain(is_not_always).chain(mutable))
}

/// What is left to the gate of a list.
fn left_by(said: Said, what: &str) -> Option<String> {
    match said {
        Said::Whole => None,
        Said::Roughly => Some(format!("parts of {what}")),
        Said::ByHost => Some(format!("{what} behind the hosts")),
        Said::Nothing => Some(format!("{what} as a whole")),
    }
}

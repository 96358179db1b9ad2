//! Allow-lists in CEL: `ValidatingAdmissionPolicy` with its binding, and Kyverno's `ValidatingPolicy`
//! and `ImageValidatingPolicy`.
//!
//! Read are the shapes in which lists of registries, tags and digests are usually written. Any other
//! condition is noted as it stands.

use serde_json::Value;

use crate::cel::{self, Expression};
use crate::demand::{Demand, Entry, Found, Mode, Pull, Rule, Scope};
use crate::places::{Covered, Use};
use crate::read::{Document, items, text};

/// The bindings among some documents; one whose policy is not among them is noted.
pub(crate) fn bindings<'d>(documents: &'d [Document], found: &mut Found) -> Vec<&'d Document> {
    let of_kind = |kind: &'static str| documents.iter().filter(move |it| it.text("/kind") == kind);
    let bindings: Vec<&Document> = of_kind("ValidatingAdmissionPolicyBinding").collect();
    for binding in &bindings {
        let policy = binding.text("/spec/policyName");
        let binds = |it: &Document| it.text("/metadata/name") == policy;
        if !of_kind("ValidatingAdmissionPolicy").any(binds) {
            let what = format!("binds `{policy}`, which is not among these files");
            found.note(&binding.name(), what, "it was left out");
        }
    }
    bindings
}

/// Reads a policy or a binding; `false` where the document is neither.
pub(crate) fn read(document: &Document, bindings: &[&Document], found: &mut Found) -> bool {
    let of_kyverno = document.is_of("policies.kyverno.io");
    let mode = match document.text("/kind") {
        "ValidatingAdmissionPolicyBinding" => return true,
        "ValidatingAdmissionPolicy" => {
            let name = document.text("/metadata/name");
            let bound = bindings.iter().filter(|it| it.text("/spec/policyName") == name);
            let Some(mode) = bound_mode(&bound.copied().collect::<Vec<_>>(), found) else {
                found.sources += 1;
                let nearest = "it was left out: without one it holds nowhere";
                found.note(&document.name(), "has no binding among these files", nearest);
                return true;
            };
            mode
        }
        "ValidatingPolicy" | "ImageValidatingPolicy" if of_kyverno => {
            mode(&document.texts("/spec/validationActions"))
        }
        _ => return false,
    };
    found.sources += 1;
    let source = document.name();
    if document.text("/kind") == "ImageValidatingPolicy" {
        if !items(&document.value, "/spec/attestors").is_empty() {
            found.note(
                &source,
                "verifies signatures",
                "that was left out: ImageGate verifies none",
            );
        }
        if !items(&document.value, "/spec/matchImageReferences").is_empty() {
            let what = "spec.matchImageReferences selects images";
            found.note(&source, what, "the conditions hold for all of them");
        }
    }
    if document.value.pointer("/spec/matchConstraints/namespaceSelector").is_some() {
        let what = "spec.matchConstraints.namespaceSelector selects what it holds for";
        found.note(&source, what, "it holds for everything");
    }
    let mut scope = Scope::default();
    let selector = document.value.pointer("/spec/matchConstraints/objectSelector");
    scope.limit_to(selector, (&source, "spec.matchConstraints.objectSelector"), found);
    if !items(&document.value, "/spec/matchConditions").is_empty() {
        found.note(&source, "has match conditions", "it holds without them");
    }
    let variable =
        |it: &Value| Some((text(it, "/name").to_owned(), cel::parse(text(it, "/expression"))?));
    let variables = items(&document.value, "/spec/variables").iter().filter_map(variable).collect();
    let written =
        |list: &str| items(&document.value, list).iter().map(|it| text(it, "/expression"));
    let all: String = written("/spec/validations").chain(written("/spec/variables")).collect();
    if !["initContainers", "images."].iter().any(|it| all.contains(it)) {
        let nearest = "images of every list are judged";
        found.note(&source, "does not look at `initContainers`", nearest);
    }
    let mut reading = Reading { variables, rules: Vec::new(), not_understood: false };
    for (index, validation) in items(&document.value, "/spec/validations").iter().enumerate() {
        let place = format!("{source}, spec.validations[{index}]");
        let written = text(validation, "/expression");
        reading.not_understood = false;
        let before = reading.rules.len();
        match cel::parse(written) {
            Some(expression) => reading.of_pod(&expression, &place, found),
            None => reading.not_understood = true,
        }
        if reading.not_understood {
            let one_line: String = written.split_whitespace().collect::<Vec<_>>().join(" ");
            let what = format!("`{one_line}` is not a shape that is known here");
            let nearest = if reading.rules.len() == before {
                "it was left out"
            } else {
                "a part of it was left out"
            };
            found.note(&place, what, nearest);
        }
    }
    for rule in reading.rules {
        found.demands.push(Demand { source: source.clone(), scope: scope.clone(), mode, rule });
    }
    true
}

/// The strictest mode of a policy's bindings, for each of them holds; `None` where there is no binding.
fn bound_mode(bindings: &[&Document], found: &mut Found) -> Option<Mode> {
    let mode_of = |it: &Document| mode(&it.texts("/spec/validationActions"));
    let strictest = bindings.iter().map(|it| mode_of(it)).max()?;
    for binding in bindings {
        for field in
            ["namespaceSelector", "objectSelector", "resourceRules", "excludeResourceRules"]
        {
            if binding.value.pointer(&format!("/spec/matchResources/{field}")).is_some() {
                let what = format!("spec.matchResources.{field} selects what it holds for");
                found.note(&binding.name(), what, "it holds for everything");
            }
        }
        let mode = mode_of(binding);
        if mode < strictest {
            let (weaker, stronger) = (mode.name(), strictest.name());
            let what = format!("its mode is {weaker}, that of another binding {stronger}");
            found.note(&binding.name(), what, "the stricter one holds for everything");
        }
    }
    Some(strictest)
}

fn mode(actions: &[String]) -> Mode {
    let has = |action: &str| actions.iter().any(|it| it == action);
    match (has("Deny") || actions.is_empty(), has("Warn")) {
        (true, _) => Mode::Enforce,
        (false, true) => Mode::Warn,
        (false, false) => Mode::Audit,
    }
}

struct Reading {
    variables: Vec<(String, Expression)>,
    rules: Vec<Rule>,
    not_understood: bool,
}

impl Reading {
    /// A condition over the Pod.
    fn of_pod(&mut self, expression: &Expression, place: &str, found: &mut Found) {
        match expression {
            Expression::Binary("&&", left, right) => {
                self.of_pod(left, place, found);
                self.of_pod(right, place, found);
            }
            // `!has(object.spec.initContainers) || …`
            Expression::Binary("||", left, right) if is_guard(left) => {
                self.of_pod(right, place, found);
            }
            Expression::Choice(condition, then, otherwise) if is_guard(condition) => {
                match (&**then, &**otherwise) {
                    (then, Expression::Name(yes)) if yes == "true" => {
                        self.of_pod(then, place, found);
                    }
                    _ => self.not_understood = true,
                }
            }
            Expression::Call { target: Some(list), function, arguments } if function == "all" => {
                match arguments.as_slice() {
                    [Expression::Name(each), condition] if self.is_of_containers(list) => {
                        self.of_image(condition, each, place, found);
                    }
                    _ => self.not_understood = true,
                }
            }
            _ => self.not_understood = true,
        }
    }

    /// A condition over one image, which holds together with others.
    fn of_image(&mut self, expression: &Expression, each: &str, place: &str, found: &mut Found) {
        if let Expression::Binary("&&", left, right) = expression {
            self.of_image(left, each, place, found);
            self.of_image(right, each, place, found);
            return;
        }
        if let Expression::Not(inner) = expression {
            return self.not_of_image(inner, each, place, found);
        }
        if is_of_pull_policy(expression, each) {
            let pull = Pull { is_for_all: true, from: place.to_owned() };
            return self.rules.push(Rule::RequirePull(pull));
        }
        // The API server fills it in before anybody asks.
        if is_guard_of_pull_policy(expression, each) {
            return;
        }
        if let Some((function, argument)) = on_image(expression, each) {
            match (function, argument) {
                ("contains", "@" | "@sha256:") => {
                    return self.rules.push(Rule::RequireDigest(place.to_owned()));
                }
                ("matches", regex)
                    if regex.contains("@sha256:") && regex.starts_with(['@', '.']) =>
                {
                    return self.rules.push(Rule::RequireDigest(place.to_owned()));
                }
                ("contains", ":") => return self.rules.push(Rule::RequireTag(place.to_owned())),
                _ => {}
            }
        }
        match self.allowed(expression, each, place, found) {
            // The same list for containers and for init containers is one rule.
            Some(allowed) => {
                let same = |rule: &Rule| {
                    matches!(rule, Rule::AllowRegistries(known)
                    if known.iter().map(|it| &it.pattern).eq(allowed.iter().map(|it| &it.pattern)))
                };
                if !self.rules.iter().any(same) {
                    self.rules.push(Rule::AllowRegistries(allowed));
                }
            }
            None => self.not_understood = true,
        }
    }

    fn not_of_image(
        &mut self,
        expression: &Expression,
        each: &str,
        place: &str,
        found: &mut Found,
    ) {
        if let Expression::Binary("||", left, right) = expression {
            self.not_of_image(left, each, place, found);
            return self.not_of_image(right, each, place, found);
        }
        match on_image(expression, each) {
            Some(("endsWith", suffix)) if suffix.len() > 1 && suffix.starts_with(':') => {
                let tag = Entry::same(suffix.trim_start_matches(':'), place);
                self.rules.push(Rule::BlockTags(vec![tag]));
            }
            Some(("contains", part)) if part.len() > 1 && part.starts_with(':') => {
                let tag = format!("{}*", part.trim_start_matches(':'));
                self.rules.push(Rule::BlockTags(vec![Entry::same(&tag, place)]));
            }
            Some(("startsWith", prefix)) => {
                let entries = found.entries(place, prefix, Covered::Prefix, Use::Block);
                self.rules.push(Rule::BlockRegistries(entries));
            }
            _ => self.not_understood = true,
        }
    }

    /// The patterns of which an image has to match one; `None` where that is not what is written.
    fn allowed(
        &self,
        expression: &Expression,
        each: &str,
        place: &str,
        found: &mut Found,
    ) -> Option<Vec<Entry>> {
        match expression {
            Expression::Binary("||", left, right) => {
                let mut entries = self.allowed(left, each, place, found)?;
                entries.extend(self.allowed(right, each, place, found)?);
                Some(entries)
            }
            // `['gcr.io/', …].exists(prefix, c.image.startsWith(prefix))`
            Expression::Call { target: Some(list), function, arguments }
                if function == "exists" =>
            {
                let [Expression::Name(item), Expression::Call { target, function, arguments }] =
                    arguments.as_slice()
                else {
                    return None;
                };
                let by_item =
                    matches!(arguments.as_slice(), [Expression::Name(name)] if name == item);
                let is_prefix = function == "startsWith" && by_item;
                if !is_prefix || !is_image(target.as_deref()?, each) {
                    return None;
                }
                let texts = self.texts(list)?;
                Some(found.all_entries(place, &texts, Covered::Prefix, Use::Allow))
            }
            // `image(c.image).registry() in ['gcr.io']`, `c.image.split('/')[0] in […]`
            Expression::Binary("in", of, list) if names_registry(of, each) => {
                let parsed = matches!(&**of, Expression::Call { .. });
                let texts = self.texts(list)?;
                let mut entries = found.all_entries(place, &texts, Covered::Host, Use::Allow);
                for it in &mut entries {
                    it.short = parsed && it.pattern == "docker.io";
                }
                Some(entries)
            }
            _ => match on_image(expression, each)? {
                ("startsWith", text) => {
                    Some(found.entries(place, text, Covered::Prefix, Use::Allow))
                }
                ("matches", regex) => {
                    let prefix = prefix_of_regex(regex)?;
                    Some(found.entries(place, &prefix, Covered::Prefix, Use::Allow))
                }
                _ => None,
            },
        }
    }

    /// The texts of a list, or of the variable that is one.
    fn texts(&self, expression: &Expression) -> Option<Vec<String>> {
        match self.resolved(expression) {
            Expression::List(items) => items
                .iter()
                .map(|item| match item {
                    Expression::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }

    fn resolved<'e>(&'e self, expression: &'e Expression) -> &'e Expression {
        match expression {
            Expression::Field(of, name) if **of == Expression::Name("variables".to_owned()) => {
                let known = self.variables.iter().find(|(known, _)| known == name);
                known.map_or(expression, |(_, value)| value)
            }
            _ => expression,
        }
    }

    /// Whether an expression is about lists of containers, and nothing but them.
    fn is_of_containers(&self, expression: &Expression) -> bool {
        match self.resolved(expression) {
            Expression::Field(_, name) => name.to_ascii_lowercase().ends_with("containers"),
            Expression::Binary("+", left, right) => {
                self.is_of_containers(left) && self.is_of_containers(right)
            }
            Expression::Call { target: Some(list), function, .. } => {
                ["orValue", "map"].contains(&function.as_str()) && self.is_of_containers(list)
            }
            Expression::Choice(condition, then, otherwise) => {
                is_guard(condition)
                    && self.is_of_containers(then)
                    && **otherwise == Expression::List(Vec::new())
            }
            Expression::List(items) => items.is_empty(),
            _ => false,
        }
    }
}

/// `has(…)`, or `!has(…)`, perhaps several.
fn is_guard(expression: &Expression) -> bool {
    match expression {
        Expression::Not(inner) => is_guard(inner),
        Expression::Binary("&&" | "||", left, right) => is_guard(left) && is_guard(right),
        Expression::Call { target: None, function, .. } => function == "has",
        _ => false,
    }
}

/// `c.imagePullPolicy == 'Always'`
fn is_of_pull_policy(expression: &Expression, each: &str) -> bool {
    let Expression::Binary("==", of, value) = expression else { return false };
    is_pull_policy(of, each) && **value == Expression::Text("Always".to_owned())
}

/// `has(c.imagePullPolicy)`
fn is_guard_of_pull_policy(expression: &Expression, each: &str) -> bool {
    let Expression::Call { target: None, function, arguments } = expression else { return false };
    function == "has"
        && matches!(arguments.as_slice(), [argument] if is_pull_policy(argument, each))
}

fn is_pull_policy(expression: &Expression, each: &str) -> bool {
    let Expression::Field(of, field) = expression else { return false };
    field == "imagePullPolicy" && **of == Expression::Name(each.to_owned())
}

/// The image of a container, or the image itself where the list is one of images.
fn is_image(expression: &Expression, each: &str) -> bool {
    match expression {
        Expression::Name(name) => name == each,
        Expression::Field(of, field) => field == "image" && is_image(of, each),
        _ => false,
    }
}

/// A function of the image with a literal text.
fn on_image<'e>(expression: &'e Expression, each: &str) -> Option<(&'e str, &'e str)> {
    let Expression::Call { target: Some(target), function, arguments } = expression else {
        return None;
    };
    match arguments.as_slice() {
        [Expression::Text(text)] if is_image(target, each) => Some((function, text)),
        _ => None,
    }
}

fn names_registry(expression: &Expression, each: &str) -> bool {
    match expression {
        Expression::Call { target: Some(of), function, arguments } if function == "registry" => {
            let of_image = matches!(&**of, Expression::Call { target: None, function, arguments }
                if function == "image" && arguments.first().is_some_and(|it| is_image(it, each)));
            of_image && arguments.is_empty()
        }
        Expression::Index(of, index) => {
            **index == Expression::Number("0".to_owned())
                && on_image(of, each) == Some(("split", "/"))
        }
        _ => false,
    }
}

/// The prefix that a regex asks for, where it asks for nothing else.
fn prefix_of_regex(regex: &str) -> Option<String> {
    let body = regex.strip_prefix('^')?;
    let body = body.strip_suffix(".*").or_else(|| body.strip_suffix(".*$")).unwrap_or(body);
    let text = body.replace("\\.", "\n").replace("[.]", "\n").replace("\\/", "/");
    let is_literal = |it: char| it.is_ascii_alphanumeric() || "/-_:\n".contains(it);
    text.chars().all(is_literal).then(|| text.replace('\n', "."))
}

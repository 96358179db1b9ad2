//! A message in the words of the policy: a text with names in braces, which stand for what an image has.
//!
//! The names are a closed set, and a text is checked when the policy is compiled. What takes the place of
//! a name is escaped and cut, as user text is in every message.

use std::fmt::Write as _;

use crate::image::Reference;
use crate::policy::printable::{is_printable, printable_within};
use crate::policy::problem::nearest;

/// A text that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Template(Box<str>);

/// What a name can stand for.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Values<'v> {
    pub(in crate::policy) reference: &'v Reference<'v>,
    /// As the API server sent it, as all that follows but the hash.
    pub(in crate::policy) container: &'v str,
    pub(in crate::policy) image: &'v str,
    pub(in crate::policy) namespace: &'v str,
    /// The hash of the policy that judges.
    pub(in crate::policy) policy: &'v str,
}

/// Why a text is no template, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct BadTemplate {
    pub(in crate::policy) message: String,
    pub(in crate::policy) hint: String,
}

/// The names, in alphabetical order.
const NAMES: [&str; 7] =
    ["container", "image", "namespace", "policy", "registry", "repository", "tag"];
/// Characters of a template. kubectl shows a message as one line.
const LONGEST: usize = 512;
/// Characters of what takes the place of a name.
const LONGEST_VALUE: usize = 512;
/// Bytes of a message; an answer has no room for more.
const LONGEST_MESSAGE: usize = 1024;

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
}

impl Template {
    /// Checks a text.
    ///
    /// # Errors
    /// When it is empty or too long, cannot be shown as one line, or has a brace or a name that stands for
    /// nothing.
    pub(in crate::policy) fn parse(written: &str) -> Result<Self, BadTemplate> {
        let bad = |message: &str, hint: &str| {
            Err(BadTemplate { message: message.to_owned(), hint: hint.to_owned() })
        };
        if written.trim().is_empty() {
            return bad("the message is empty", "leave it out for the usual text");
        }
        if written.chars().count() > LONGEST {
            let message = format!("the message has more than {LONGEST} characters");
            return bad(&message, "kubectl shows it as one line; write a short link");
        }
        if !written.chars().all(is_printable) {
            let message = "the message has a line break, or another character that cannot be shown";
            return bad(message, "write one line of plain text");
        }
        let mut rest = written;
        while let Some((part, behind)) = next(rest) {
            rest = behind;
            match part {
                Ok(Part::Name(name)) if !NAMES.contains(&name) => {
                    let names = || format!("the names are `{{{}}}`", NAMES.join("}`, `{"));
                    let near =
                        nearest(name, NAMES).map(|near| format!("did you mean `{{{near}}}`?"));
                    let name = printable_within(name, 64);
                    let message = format!("`{{{name}}}` is not a name for a message");
                    return bad(&message, &near.unwrap_or_else(names));
                }
                Ok(_) => {}
                Err(brace) => {
                    let message = format!("a `{brace}` stands alone");
                    let hint = "write `{{` and `}}` for braces, and `{image}` for a name";
                    return bad(&message, hint);
                }
            }
        }
        Ok(Self(written.into()))
    }

    /// The text as written.
    pub(in crate::policy) fn written(&self) -> &str {
        &self.0
    }

    /// Its parts, in their order.
    pub(in crate::policy) fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        let mut rest = &*self.0;
        while let Some((part, behind)) = next(rest) {
            rest = behind;
            parts.extend(part);
        }
        parts
    }

    /// The message for an image, at most 1,024 bytes of it.
    pub(in crate::policy) fn fill(&self, values: Values<'_>) -> String {
        let mut message = String::new();
        let mut rest = &*self.0;
        while let Some((part, behind)) = next(rest)
            && message.len() <= LONGEST_MESSAGE
        {
            rest = behind;
            let _ = match part {
                Ok(Part::Text(text)) => message.write_str(text),
                Ok(Part::Name(name)) => {
                    message.write_str(&printable_within(&values.of(name), LONGEST_VALUE))
                }
                Err(_) => Ok(()),
            };
        }
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message
    }
}

impl Values<'_> {
    fn of(&self, name: &str) -> String {
        let Self { reference, container, image, namespace, policy } = self;
        match name {
            "container" => (*container).to_owned(),
            "image" => (*image).to_owned(),
            "namespace" => (*namespace).to_owned(),
            "policy" => (*policy).to_owned(),
            "registry" => reference.registry().to_owned(),
            "repository" => reference.repository().into_owned(),
            "tag" => reference.judged_tag().unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }
}

/// The first part of a template and what follows it, or the brace that stands alone there; `None` at the end.
fn next(rest: &str) -> Option<(Result<Part<'_>, char>, &str)> {
    let first = rest.chars().next()?;
    let split = |at: usize| rest.split_at_checked(at).unwrap_or((rest, ""));
    match first {
        '{' | '}' => {
            let doubled = split(2);
            if doubled.0 == "{{" || doubled.0 == "}}" {
                let (brace, _) = split(1);
                return Some((Ok(Part::Text(brace)), doubled.1));
            }
            let (_, inside) = split(1);
            let name = inside.split_once('}').filter(|(name, _)| !name.contains('{'));
            match name {
                Some((name, behind)) if first == '{' => Some((Ok(Part::Name(name)), behind)),
                _ => Some((Err(first), inside)),
            }
        }
        _ => {
            let (text, behind) = split(rest.find(['{', '}']).unwrap_or(rest.len()));
            Some((Ok(Part::Text(text)), behind))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Template, Values};
    use crate::image::Reference;

    fn filled(template: &str, image: &str) -> String {
        let reference = Reference::parse(image).unwrap();
        let (container, namespace, policy) = ("web", "shop", "0123456789ab");
        let values = Values { reference: &reference, container, image, namespace, policy };
        Template::parse(template).unwrap().fill(values)
    }

    #[test]
    fn names_are_filled_in() {
        let image = "gcr.io:443/acme/web:1.4";
        for (template, expected) in [
            ("no {image}", "no gcr.io:443/acme/web:1.4"),
            ("{registry}|{repository}|{tag}", "gcr.io|acme/web|1.4"),
            ("{container} in {namespace} by {policy}", "web in shop by 0123456789ab"),
            ("{{image}} }}{{", "{image} }{"),
            ("{{{tag}}}", "{1.4}"),
        ] {
            assert_eq!(filled(template, image), expected, "{template}");
        }
        assert_eq!(filled("{tag}", "nginx"), "latest");
        assert_eq!(filled("[{tag}]", &format!("nginx@sha256:{}", "0".repeat(64))), "[]");
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        let long = "a".repeat(513);
        for (template, message, hint) in [
            ("", "the message is empty", "leave it out"),
            (" ", "the message is empty", "leave it out"),
            (&*long, "the message has more than 512 characters", "one line"),
            ("a\nb", "the message has a line break", "one line of plain text"),
            ("{imgae}", "`{imgae}` is not a name for a message", "did you mean `{image}`?"),
            ("{}", "`{}` is not a name for a message", "the names are `{container}`, `{image}`"),
            ("{image", "a `{` stands alone", "write `{{` and `}}` for braces"),
            ("image}", "a `}` stands alone", "write `{{` and `}}` for braces"),
            ("{a{image}", "a `{` stands alone", "write `{{` and `}}` for braces"),
        ] {
            let bad = Template::parse(template).unwrap_err();
            assert!(bad.message.contains(message), "{template}: {}", bad.message);
            assert!(bad.hint.contains(hint), "{template}: {}", bad.hint);
        }
        assert!(Template::parse(&"é".repeat(512)).is_ok());
    }

    #[test]
    fn a_message_is_cut() {
        let image = format!("gcr.io/{}", "a".repeat(250));
        assert_eq!(filled(&"{image}".repeat(50), &image).len(), 1024);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_filled_and_never_longer(
            template in "(\\{|\\}|\\{\\{|\\{image\\}|\\{tag\\}|é|a){0,12}",
        ) {
            if Template::parse(&template).is_ok() {
                let message = filled(&template, "gcr.io/a:1");
                prop_assert!(message.len() <= 1024);
                let plain = template.replace("{{", "").replace("}}", "");
                prop_assert_eq!(plain.contains("{image}"), message.contains("gcr.io/a:1"));
            }
        }
    }
}

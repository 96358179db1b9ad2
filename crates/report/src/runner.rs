//! Texts of users in the log of a runner of GitHub Actions, which obeys some of what is printed: a line
//! that begins with `::`, and `##[` anywhere in one. What is in a manifest must not stop annotations, or
//! set the outputs of a step.
//!
//! Source: `ActionCommand.TryParseV2` and `ActionCommand.TryParse` of the runner.

use std::borrow::Cow;

use imagegate_core::policy::printable;

/// The text as [`printable`] has it, with a backslash in what a runner would obey.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    let shown = printable(text);
    let begins = shown.trim_start().starts_with("::");
    if !begins && !shown.contains("##[") {
        return shown;
    }
    let escaped = shown.replace("##[", "##\\[");
    Cow::Owned(if begins { format!("\\{escaped}") } else { escaped })
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn no_text_is_a_command() {
        for (text, shown) in [
            ("web image has no tag!", "web image has no tag!"),
            ("::stop-commands::x image", "\\::stop-commands::x image"),
            ("  ::add-mask::x", "\\  ::add-mask::x"),
            ("a ::b", "a ::b"),
            ("a ##[set-output name=x]y", "a ##\\[set-output name=x]y"),
            ("::##[x]\u{1b}", "\\::##\\[x]\\u{1b}"),
        ] {
            assert_eq!(inert(text), shown);
        }
    }
}

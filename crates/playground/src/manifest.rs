//! What was pasted: images, or objects that hold them.

use imagegate_check::{Target, Visitor as _};

use crate::answer::Answer;

/// How what was pasted is named, as `imagegate check -f -` does.
pub(crate) const SOURCE: &str = "-";

/// What begins a value of YAML or JSON that is more than a plain text.
const INDICATORS: [char; 16] =
    ['{', '}', '[', ']', '-', '?', ':', '#', '&', '*', '!', '|', '>', '\'', '"', '%'];
/// What begins a placeholder of a template.
const TEMPLATE: &str = "{{";

/// Reads and judges everything in a text.
pub(crate) fn read(text: &str, answer: &mut Answer<'_>) {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines().all(is_image) {
        lines().for_each(|image| answer.image(Target::of_image(image)));
    } else {
        imagegate_check::read(SOURCE, text.as_bytes(), answer);
    }
}

/// Whether a line stands for an image, well written or not: it is neither a key with a value nor a part of a
/// list.
fn is_image(line: &str) -> bool {
    let is_key = line.ends_with(':') || line.contains(": ") || line.contains(":\t");
    !is_key && (line.starts_with(TEMPLATE) || !line.starts_with(INDICATORS))
}

#[cfg(test)]
mod tests {
    use super::is_image;

    #[test]
    fn a_line_is_an_image_unless_it_is_yaml() {
        for image in [
            "nginx",
            "nginx:latest",
            "localhost:5000/a@sha256:0",
            "a b",
            "<img src=x>",
            "{{ .image }}:1",
        ] {
            assert!(is_image(image), "{image}");
        }
        for other in [
            "kind: Pod",
            "spec:",
            "- nginx",
            "{\"kind\":\"Pod\"}",
            "---",
            "# nginx",
            "'nginx'",
            "[]",
            "}",
            "a:\tb",
        ] {
            assert!(!is_image(other), "{other}");
        }
    }
}

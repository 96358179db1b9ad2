//! Texts that name a file where an image is expected: a manifest, given without the flag for manifests.
//!
//! They are told apart by how they are written, and not by the file alone: a folder may be called `nginx`.

/// How the files end that manifests are read from.
const MANIFESTS: [&str; 3] = [".json", ".yaml", ".yml"];

/// Whether whoever wrote `text` means a path, which no reference can be or is likely to be: it begins with `/`,
/// `./` or `../`, is `.` or `..`, or ends with `/`; or it ends like a manifest, and `exists` says that there is
/// such a file.
#[must_use]
pub fn is_path(text: &str, exists: impl FnOnce(&str) -> bool) -> bool {
    let begins = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
    let is_written_so = begins || text.ends_with('/') || matches!(text, "." | "..");
    is_written_so || (MANIFESTS.iter().any(|end| text.ends_with(end)) && exists(text))
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn a_path_is_written_as_one_or_is_a_manifest_that_exists() {
        for (text, if_there, if_not) in [
            ("./pod.yaml", true, true),
            ("../nginx", true, true),
            ("/etc/pods", true, true),
            ("manifests/", true, true),
            (".", true, true),
            ("..", true, true),
            ("pod.yaml", true, false),
            ("deploy/pod.yml", true, false),
            ("pods.json", true, false),
            ("nginx", false, false),
            ("manifests", false, false),
            ("docker.io/library/nginx:1.27", false, false),
            ("a.yaml:1", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (is_path(text, |_| true), is_path(text, |_| false)),
                (if_there, if_not),
                "{text}"
            );
        }
    }
}

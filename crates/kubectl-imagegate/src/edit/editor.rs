//! The editor.

use std::io::Write as _;

use crate::cluster::Fault;

/// The fields of a policy, for editors that know of YAML language servers; beside the text.
const SCHEMA_FILE: &str = include_str!("../../../../config/policy.schema.json");
const SCHEMA: &str = "# yaml-language-server: $schema=policy.schema.json";
/// Before each line that goes away when the editor closes.
const NOTE: &str = "#! ";

/// Opens an editor on the text, with what is wrong above it, and waits for its end.
pub(super) async fn open(text: &str, problems: Option<&str>) -> Result<String, Fault> {
    let failed =
        |what: &str, error: &dyn std::fmt::Display| Fault::usage(&format!("{what}: {error}"));
    let directory =
        Private::new().map_err(|error| failed("no place for the text to edit", &error))?;
    let path = directory.0.join("policy.yaml");
    let mut shown = String::new();
    for line in problems.iter().flat_map(|problems| problems.lines()) {
        shown.extend([NOTE, line, "\n"]);
    }
    let has_schema = text.contains("yaml-language-server:");
    if !has_schema {
        shown.extend([SCHEMA, "\n"]);
    }
    shown.push_str(text);
    let written =
        std::fs::File::create_new(&path).and_then(|mut file| file.write_all(shown.as_bytes()));
    written.map_err(|error| failed("cannot write the text to edit", &error))?;
    // Nice to have: without it, the editor knows no fields.
    let _ = std::fs::write(directory.0.join("policy.schema.json"), SCHEMA_FILE);

    let editor = ["KUBE_EDITOR", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // By the shell, as kubectl does, since the variable may hold arguments.
    let status = tokio::process::Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(&path)
        .status()
        .await
        .map_err(|error| failed("cannot start the editor", &error))?;
    if !status.success() {
        let fault = Fault::usage(&format!("the editor `{editor}` ended with {status}"));
        return Err(fault.with_hint("set KUBE_EDITOR or EDITOR"));
    }
    let edited = std::fs::read_to_string(&path)
        .map_err(|error| failed("cannot read what was edited", &error))?;
    let own = |line: &&str| line.starts_with(NOTE) || (!has_schema && *line == SCHEMA);
    Ok(edited.split_inclusive('\n').filter(|line| !own(&line.trim_end_matches('\n'))).collect())
}

/// Keeps a text in a file of its own that nobody else may read; its path.
pub(super) fn keep(text: &str) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = std::env::temp_dir().join(format!("{}.yaml", unique_name()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(&path)?.write_all(text.as_bytes())?;
    Ok(path.display().to_string())
}

fn unique_name() -> String {
    let nanoseconds = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
    format!("kubectl-imagegate-{}-{nanoseconds}", std::process::id())
}

/// A directory that nobody else may read, until it is dropped.
struct Private(std::path::PathBuf);

impl Private {
    fn new() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(unique_name());
        // Fails where somebody has made one of that name.
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::keep;

    #[test]
    fn a_text_is_kept_for_its_writer_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = keep("mode: warn\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mode: warn\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mode & 0o777, 0o600);
    }
}

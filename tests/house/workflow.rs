//! The release workflow: only targets of the Makefile, on every architecture that a release has, and on the
//! C library that the pages promise. What runs it is a forge, so this is as far as it is tried here.

use std::fs;

use serde_json::Value;

fn workflow() -> Value {
    let text = fs::read_to_string(".github/workflows/release.yaml").unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn the_release_workflow_runs_targets_of_the_makefile() {
    let makefile = fs::read_to_string("Makefile").unwrap();
    let workflow = workflow();
    let steps = workflow["jobs"].as_object().unwrap().values();
    let steps = steps.flat_map(|job| job["steps"].as_array().unwrap());
    let mut targets = Vec::new();
    for run in steps.filter_map(|step| step["run"].as_str()) {
        if run.starts_with("git config ") {
            continue;
        }
        let target = run.strip_prefix("make ").expect(run).split(' ').next().unwrap();
        assert!(makefile.contains(&format!("\n{target}: ")), "{target}");
        targets.push(target.to_owned());
    }
    assert_eq!(targets, ["release-tools", "release", "release-check", "release-upload"]);
}

#[test]
fn a_release_is_built_for_what_krew_and_the_pages_promise() {
    let workflow = workflow();
    let build = &workflow["jobs"]["build"];
    let matrix = build["strategy"]["matrix"]["include"].as_array().unwrap();
    let krew = fs::read_to_string("deploy/krew.sh").unwrap();
    let required = krew.lines().find_map(|line| line.trim().strip_prefix("required=(x"));
    let required = format!("x{}", required.unwrap().trim_end_matches(')'));
    let architectures: Vec<&str> =
        matrix.iter().map(|row| row["architecture"].as_str().unwrap()).collect();
    assert_eq!(architectures.join(" "), required);
    // Debian 12 is bookworm, and has glibc 2.36.
    assert!(build["container"].as_str().unwrap().ends_with("-bookworm"));
    let pages = fs::read_to_string("docs/pipelines.md").unwrap();
    assert!(pages.contains("as new as that of Debian 12"));
    assert!(fs::read_to_string("tests/release.sh").unwrap().contains("\npromised=2.36\n"));
    // Of two jobs that may write, both could create the draft.
    let jobs = workflow["jobs"].as_object().unwrap();
    let writing = jobs.iter().filter(|(_, job)| job["permissions"]["contents"] == "write");
    assert_eq!(writing.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["publish"]);
}

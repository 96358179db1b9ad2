//! The playground answers with the very report of `imagegate check`.

use std::fs;

use crate::support::command::imagegate_with;
use imagegate::clock;
use imagegate_playground::judged;
use serde_json::{Value, json};

#[test]
fn the_playground_has_the_report_of_check() {
    let mut manifests = vec![
        "kind: [\n---\nkind: Pod\napiVersion: v1\nspec: {containers: [{}, {image: '{{ .x }}'}]}\n"
            .to_owned(),
        "a: 1\n---\nkind: Thing\napiVersion: a.example/v1\nspec: {runnerImage: quay.io/acme/web:1}\n".to_owned(),
    ];
    for directory in ["tests/data/custom-resources", "tests/data/admission-reviews"] {
        let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let files =
            files.filter(|file| file.extension().is_some_and(|extension| extension != "tsv"));
        let texts: Vec<String> = files.map(|file| fs::read_to_string(file).unwrap()).collect();
        manifests.push(texts.join("\n---\n"));
    }
    for policy in ["production", "selectors", "short-names", "teams"] {
        let path = format!("config/examples/{policy}/policy.yaml");
        let text = fs::read_to_string(&path).unwrap();
        for manifest in &manifests {
            let arguments = [
                "check", "-f", "-", "-o", "json", "--policy", &path, "-n", "team-a", "--group",
                "dev",
            ];
            let ran = imagegate_with(&arguments, manifest, &[]);
            let request = json!({
                "policy": text, "manifest": manifest, "namespace": "team-a", "groups": ["dev"],
                "now": clock::unix_seconds(),
            });
            let answer: Value =
                serde_json::from_slice(&judged(request.to_string().as_bytes())).unwrap();
            let mut report: Value = serde_json::from_str(&ran.out).unwrap();
            assert!(ran.code < 3 && report["summary"]["objects"] != 0, "{}", ran.err);
            // The one thing that they know differently.
            report["summary"]["policy"]["source"] = "policy.yaml".into();
            assert_eq!(answer["report"], report, "{policy}");
        }
    }
}

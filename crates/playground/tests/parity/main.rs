//! The module in a JavaScript engine says what the native engine says, byte for byte: on every image, policy
//! and manifest that a test of this project has.
//!
//! It judges by the committed module, so that one that is older than the engine is noticed; by
//! `IMAGEGATE_PLAYGROUND`, by another. `make playground-wasm` builds it anew.

mod texts;

#[path = "../../../../tests/support/skip.rs"]
mod skip;

use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use imagegate_core::policy::{Documents, compile};
use imagegate_playground::judged;
use serde_json::{Value, json};

use skip::{Need, grants};

const ROOT: &str = "../..";
const MODULE: &str = "docs/playground/imagegate.wasm";
const NOW: i64 = 1_795_820_000;
/// Images in one request.
const BATCH: usize = 500;
/// Images that each policy of the tests judges.
const SAMPLE: usize = 24;
/// Bytes of an answer that are shown before and behind the first difference.
const SHOWN: usize = 200;

#[test]
fn the_module_says_what_the_native_engine_says() {
    if !grants("the module of the playground", Need::Node, &["node", "--version"]) {
        return;
    }
    let requests = requests();
    let images: usize = requests
        .iter()
        .map(|each| each["manifest"].as_str().unwrap_or_default().lines().count())
        .sum();
    println!("{} requests, {images} lines", requests.len());
    assert!(requests.len() > 5_000, "{}", requests.len());
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    let text = lines.join("\n") + "\n";
    let mut node = Command::new("node");
    let module = env::var("IMAGEGATE_PLAYGROUND").unwrap_or_else(|_| format!("{ROOT}/{MODULE}"));
    node.arg("tests/parity/host.mjs").arg(module).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().unwrap();
    let mut stdin = node.stdin.take().unwrap();
    // It reads and writes while the native engine judges.
    let writing = thread::spawn(move || stdin.write_all(text.as_bytes()));
    let reading = thread::spawn(move || node.wait_with_output());
    let natively: Vec<Vec<u8>> = lines.iter().map(|line| judged(line.as_bytes())).collect();
    let output = reading.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", output.status);
    writing.join().unwrap().unwrap();
    let answers: Vec<&[u8]> = output.stdout.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(answers.len(), natively.len());
    for ((request, native), answer) in lines.iter().zip(&natively).zip(answers) {
        assert!(native == answer, "{}", difference(request, native, answer));
    }
}

/// Where two answers part, with what was asked.
fn difference(request: &str, native: &[u8], answer: &[u8]) -> String {
    let same = native.iter().zip(answer).take_while(|(one, other)| one == other).count();
    let around = |text: &[u8]| {
        let shown = text.get(same.saturating_sub(SHOWN)..).unwrap_or_default();
        String::from_utf8_lossy(&shown[..shown.len().min(2 * SHOWN)]).into_owned()
    };
    let request: String = request.chars().take(10 * SHOWN).collect();
    format!(
        "{request}\nnatively …{}\nmodule   …{}\n\
         is the module older than the engine? `make playground-wasm` builds it anew",
        around(native),
        around(answer)
    )
}

/// Every policy judges some images, every image is judged by two policies, every manifest by two.
fn requests() -> Vec<Value> {
    let texts = texts::all(Path::new(ROOT));
    let is_valid = |text: &&String| {
        text.contains(':') && compile(&Documents::full_form(text.as_bytes())).is_ok()
    };
    let policies: Vec<&String> = texts.iter().filter(is_valid).collect();
    let (words, manifests): (Vec<&String>, Vec<&String>) =
        texts.iter().partition(|text| texts::is_word(text));
    assert!(policies.len() > 300 && words.len() > 3_000, "{} {}", policies.len(), words.len());
    let mut requests = vec![json!({}), json!({ "manifest": 1, "now": NOW }), json!([])];
    let mut ask = |policy: &str, manifest: &str| {
        requests.push(json!({
            "policy": policy, "manifest": manifest, "namespace": "prod", "user": "kim",
            "groups": ["system:authenticated"], "now": NOW,
        }));
    };
    for batch in words.chunks(BATCH) {
        let batch: Vec<&str> = batch.iter().map(|word| word.as_str()).collect();
        ask("", &batch.join("\n"));
        ask(
            "rejectMissingTags: false\nshortNames: docker.io\nallowedRegistries: ['*.io', localhost]\n",
            &batch.join("\n"),
        );
    }
    for (at, policy) in policies.iter().enumerate() {
        let sample = words.iter().cycle().skip(at * SAMPLE).take(SAMPLE);
        ask(policy, &pod(sample.map(|word| word.as_str())).to_string());
    }
    for (at, manifest) in manifests.iter().enumerate() {
        ask(policies[at % policies.len()], manifest);
        // What is broken in a policy is told at its place.
        ask(manifest, "docker.io/library/nginx:1.27");
    }
    requests
}

/// A Pod with these images in every kind of container, and with every pull policy.
fn pod<'w>(images: impl Iterator<Item = &'w str>) -> Value {
    let mut lists = [vec![json!({ "name": "without" })], Vec::new(), Vec::new()];
    for (at, image) in images.enumerate() {
        let pull = ["Always", "IfNotPresent", "Never", ""][at % 4];
        lists[at % 3].push(json!({ "name": image, "image": image, "imagePullPolicy": pull }));
    }
    let [containers, init, ephemeral] = lists;
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "<img onerror>", "labels": { "app": "web", "tier": "front" } },
        "spec": { "containers": containers, "initContainers": init, "ephemeralContainers": ephemeral },
    })
}

/// The texts are those of all tests; sorted, so that a failure names the same one each time.
type Texts = BTreeSet<String>;

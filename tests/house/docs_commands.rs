//! What the pages name exists: commands with their flags, links, metrics, alerts, settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::support::command::imagegate;
use crate::support::policy::policy;
use imagegate::settings::DEFAULTS;
use imagegate::telemetry::Metrics;

/// The page of the runbook that lists metrics and alerts.
const REFERENCE: &str = "docs/operations/reference.md";
const CHART: &str = "deploy/helm/imagegate/README.md";

#[test]
fn every_command_of_the_pages_exists_with_its_flags() {
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut commands = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in command_lines(&text) {
            commands += 1;
            let mut words = line.split_whitespace();
            let mut subcommand = words.next().unwrap_or("help").to_owned();
            // What it exports has flags of its own.
            if subcommand == "export" {
                subcommand = format!("{subcommand} {}", words.next().unwrap_or_default());
            }
            let help = helps.entry(subcommand.clone()).or_insert_with(|| {
                let ran = imagegate(&format!("{subcommand} --help"));
                assert_eq!(ran.code, 0, "{}: imagegate {line}", page.display());
                ran.out
            });
            for flag in words.filter(|word| is_flag(word)) {
                let name = flag.split('=').next().unwrap_or(flag);
                let known = help.split([' ', ',', '\n']).any(|word| word == name);
                assert!(known, "{}: {name} in imagegate {line}", page.display());
            }
        }
    }
    assert!(commands >= 20, "{commands}");
}

#[test]
fn the_runbook_lists_the_metrics_that_there_are() {
    let metrics = Metrics::new().unwrap();
    let exempting = "exemptions: [{name: a, images: [quay.io], reason: r, expires: 2027-01-31}]";
    metrics.policy_applied(&policy(exempting), 1, 0.0);
    let rendered = metrics.render();
    let shown = rendered.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let reference = fs::read_to_string(REFERENCE).unwrap();
    let listed = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed =
        listed.filter(|name| name.starts_with("imagegate_") || name.starts_with("process_"));
    assert_eq!(listed.collect::<BTreeSet<_>>(), shown.collect::<BTreeSet<_>>());
    for name in words(&runbook()).filter(|word| word.starts_with("imagegate_")) {
        assert!(rendered.contains(&format!("# TYPE {name} ")), "{name}");
    }
}

#[test]
fn the_runbook_names_the_alerts_that_there_are() {
    let alerts = fs::read_to_string("deploy/prometheus/alerts.yaml").unwrap();
    let there: BTreeSet<_> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let reference = fs::read_to_string(REFERENCE).unwrap();
    let is_alert = |word: &&str| word.len() > "ImageGate".len() && word.starts_with("ImageGate");
    let named: BTreeSet<_> = words(&reference).filter(is_alert).collect();
    assert_eq!(named, there);
    let others: Vec<_> = words(&runbook())
        .filter(is_alert)
        .filter(|name| !there.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn every_alert_leads_to_its_place_in_the_runbook() {
    let alerts = fs::read_to_string("deploy/prometheus/alerts.yaml").unwrap();
    let mut seen = 0;
    for alert in alerts.split("- alert: ").skip(1) {
        seen += 1;
        let name = alert.split_whitespace().next().unwrap();
        let url =
            alert.split("runbook_url: ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let url = url.unwrap_or_else(|| panic!("{name} has no runbook_url"));
        assert!(url.ends_with(&format!("#{}", name.to_lowercase())), "{name}: {url}");
        resolve(url, name);
    }
    assert!(seen >= 13, "{seen}");
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut links = 0;
    for page in pages().into_iter().chain(["CONTRIBUTING.md", CHART].map(PathBuf::from)) {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match path {
                "" => page.clone(),
                path => within(&page.parent().unwrap().join(path)),
            };
            let what = page.display().to_string();
            assert!(to.exists(), "{what}: {target}");
            if !anchor.is_empty() {
                resolve(&format!("{}#{anchor}", to.display()), &what);
            }
        }
    }
    assert!(links >= 150, "{links}");
}

/// The path without its `..`, so that one that leaves the project is noticed.
fn within(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(clean.pop(), "{} leaves the project", path.display()),
            other => clean.push(other),
        }
    }
    clean
}

/// Panics unless `PATH#ANCHOR` is a heading of that page.
fn resolve(url: &str, what: &str) {
    let (page, anchor) = url.split_once('#').unwrap();
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{what}: {page}: {error}"));
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchors = headings.map(|heading| anchor_of(heading.trim_start_matches('#').trim()));
    assert!(anchors.into_iter().any(|each| each == anchor), "{what}: {url}");
}

/// The anchor that forges give to a heading: lower case, blanks as hyphens, other signs gone. Of a
/// heading that is a link, its text counts.
fn anchor_of(heading: &str) -> String {
    let link = heading.strip_prefix('[').and_then(|rest| rest.split_once("]("));
    let heading = link.map_or(heading, |(text, _)| text);
    let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn the_runbook_names_settings_that_there_are() {
    let runbook = runbook();
    let mut settings = 0;
    for name in words(&runbook).filter_map(|word| word.strip_prefix("IMAGEGATE_")) {
        settings += 1;
        let setting = format!("\n{} = ", name.to_lowercase());
        assert!(DEFAULTS.contains(&setting), "IMAGEGATE_{name}");
    }
    assert!(settings >= 2, "{settings}");
}

/// README.md and all pages of docs/ and the folders in it.
fn pages() -> Vec<PathBuf> {
    let mut pages = pages_in(Path::new("docs"));
    pages.push(PathBuf::from("README.md"));
    pages
}

fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(pages_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}

/// All pages of the runbook, one after the other.
fn runbook() -> String {
    let pages = pages_in(Path::new("docs/operations"));
    assert!(pages.len() >= 6, "{pages:?}");
    pages.iter().map(|page| fs::read_to_string(page).unwrap()).collect()
}

/// What follows `imagegate` at a prompt, at the start of a line, behind a pipe, and in running text.
fn command_lines(text: &str) -> impl Iterator<Item = &str> {
    let starts = ["\nimagegate ", "$ imagegate ", "| imagegate ", "`imagegate "];
    let rests = starts.into_iter().flat_map(|start| text.split(start).skip(1));
    rests.map(|rest| rest.split(['`', '|', '#', '\n']).next().unwrap_or_default())
}

fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
}

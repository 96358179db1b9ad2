//! What each format says of known findings.

use serde_json::Value;
use serde_sarif::sarif::{ResultLevel, Sarif};

use crate::sample::{finding, object, policy, report};
use imagegate_report::{
    Finding, Format, Level, Place, PolicySource, Remark, Remarks, Report, RuleId, Style, write,
    write_remarks,
};

pub(crate) fn written(report: &Report, format: Format) -> String {
    let mut out = Vec::new();
    write(report, format, Style { color: false, verbose: true }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A denied image at a place, and an allowed one.
fn small() -> Report {
    let policy = policy();
    let source = PolicySource { source: "policy".to_owned(), hash: policy.hash().to_owned() };
    let mut report = Report::new(source);
    let at = |line| Place {
        file: "./deploy/my web.yaml".to_owned(),
        line: Some(line),
        column: Some(16),
        document: Some(0),
    };
    report.add(finding(&policy, "gcr.io/a/b:1", object(Some(at(12)), "shop", "web")));
    report.add(finding(&policy, "docker.io/library/nginx:1", object(Some(at(14)), "shop", "web")));
    report
}

#[test]
fn every_name_is_unique_and_every_format_ends_with_a_line_break() {
    let mut names: Vec<_> = Format::ALL.iter().map(|format| format.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Format::ALL.len());
    for format in Format::ALL {
        for report in [report(), small(), Report::default()] {
            assert!(
                written(&report, format).ends_with('\n') || report == Report::default(),
                "{format:?}"
            );
        }
        let allowed = written(&small(), format).contains("library/nginx");
        assert_eq!(
            allowed,
            format.shows_allowed(Style { color: false, verbose: true }),
            "{format:?}"
        );
    }
}

#[test]
fn sarif_has_rules_regions_and_fingerprints() {
    let sarif: Sarif = serde_json::from_str(&written(&small(), Format::Sarif)).unwrap();
    let run = &sarif.runs[0];
    let results = run.results.as_ref().unwrap();
    assert_eq!(results.len(), 1);
    let result = &results[0];
    assert_eq!(result.level, Some(ResultLevel::Error));
    assert_eq!(result.rule_id.as_deref(), Some("untrusted-registry"));
    let rules = run.tool.driver.rules.as_ref().unwrap();
    let index = usize::try_from(result.rule_index.unwrap()).unwrap();
    assert_eq!(rules[index].id, "untrusted-registry");
    assert!(rules.iter().all(|rule| rule.help.is_some() && rule.full_description.is_some()));
    let location = &result.locations.as_ref().unwrap()[0];
    let physical = location.physical_location.as_ref().unwrap();
    let artifact = physical.artifact_location.as_ref().unwrap();
    assert_eq!(artifact.uri.as_deref(), Some("deploy/my%20web.yaml"));
    assert_eq!(artifact.uri_base_id.as_deref(), Some("%SRCROOT%"));
    let region = physical.region.as_ref().unwrap();
    assert_eq!((region.start_line, region.start_column), (Some(12), Some(16)));
    assert_eq!(result.partial_fingerprints.as_ref().unwrap()["imagegate/v1"].len(), 32);
}

#[test]
fn sarif_of_everything_is_read_by_types_made_from_its_schema() {
    let text = written(&report(), Format::Sarif);
    let sarif: Sarif = serde_json::from_str(&text).unwrap();
    let results = sarif.runs[0].results.as_ref().unwrap();
    let suppressed = results.iter().filter(|result| result.suppressions.is_some());
    assert_eq!(suppressed.count(), 1, "the exempt one");
    let of_known = results.iter().filter(|result| {
        let state = serde_json::to_value(result).unwrap()["baselineState"].clone();
        state == "unchanged"
    });
    assert_eq!(of_known.count(), 1, "the one that was there before");
}

#[test]
fn a_fingerprint_survives_moved_lines_and_is_unique_in_a_report() {
    let fingerprints = |report: &Report| -> Vec<String> {
        let value: Value = serde_json::from_str(&written(report, Format::Gitlab)).unwrap();
        let of = |issue: &Value| issue["fingerprint"].as_str().unwrap().to_owned();
        value.as_array().unwrap().iter().map(of).collect()
    };
    let report = report();
    let mut moved = report.clone();
    for finding in &mut moved.findings {
        if let Some(place) = &mut finding.object.place {
            place.line = place.line.map(|line| line + 7);
            place.document = Some(3);
        }
    }
    let before = fingerprints(&report);
    assert_eq!(before, fingerprints(&moved));
    let mut unique = before.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), before.len());
    // Another image, object or file is another finding.
    let one = &report.findings[0];
    let changes: [fn(&mut Finding); 4] = [
        |finding| finding.image = Some("x".to_owned()),
        |finding| finding.object.name = Some("x".to_owned()),
        |finding| finding.object.place.as_mut().unwrap().file.push('x'),
        |finding| finding.container.push('x'),
    ];
    for change in changes {
        let mut other = one.clone();
        change(&mut other);
        assert_ne!(one.fingerprint(), other.fingerprint());
    }
}

#[test]
fn a_workflow_command_names_the_place() {
    let text = written(&small(), Format::Github);
    let start = "::error file=deploy/my web.yaml,line=12,col=16,title=ImageGate%3A untrusted-registry::web image comes";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("ImageGate: 2 images: 1 allowed, 1 denied\n"), "{text}");
}

#[test]
fn code_quality_has_what_gitlab_requires() {
    let value: Value = serde_json::from_str(&written(&small(), Format::Gitlab)).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 1);
    let issue = &value[0];
    assert_eq!(issue["check_name"], "untrusted-registry");
    assert_eq!(issue["severity"], "major");
    assert_eq!(issue["location"]["path"], "deploy/my web.yaml");
    assert_eq!(issue["location"]["lines"]["begin"], 12);
    assert!(issue["description"].as_str().unwrap().contains("untrusted registry"));
}

#[test]
fn junit_counts_tests_and_failures() {
    let text = written(&small(), Format::Junit);
    assert!(
        text.contains(r#"<testsuites name="imagegate check" tests="2" failures="1" errors="0">"#),
        "{text}"
    );
    assert!(text.contains(r#"type="untrusted-registry">./deploy/my web.yaml:12:16"#), "{text}");
}

#[test]
fn markdown_folds_what_is_the_same_and_sums_up() {
    let mut report = small();
    for _ in 0..2 {
        report.add(report.findings[0].clone());
    }
    let text = written(&report, Format::Markdown);
    assert!(text.starts_with("### ImageGate: ❌ 3 findings fail\n"), "{text}");
    assert!(text.contains("| ❌ | `gcr.io/a/b:1` ×3 | `deploy/my web.yaml:12`<br>"), "{text}");
    assert!(written(&Report::default(), Format::Markdown).contains("✅ nothing fails"));
}

#[test]
fn a_page_has_a_row_for_each_image_with_its_places() {
    let mut report = small();
    let again = report.findings[0].clone();
    report.add(again.clone());
    report.add(again);
    let text = written(&report, Format::Html);
    assert!(text.contains("<title>ImageGate: 3 findings fail</title>"), "{text}");
    assert!(text.contains("<details><summary>and 2 more</summary>"), "{text}");
    assert_eq!(text.matches("<td><code>gcr.io/a/b:1</code></td>").count(), 1, "{text}");
    assert_eq!(text.matches("<code>deploy/my web.yaml:12</code>").count(), 3, "{text}");
    assert!(text.contains("default-src 'none'") && !text.contains("<script"), "{text}");
    let nothing = written(&Report::default(), Format::Html);
    assert!(nothing.contains("nothing fails") && !nothing.contains("<table>"));
}

#[test]
fn a_table_has_a_row_for_each_finding() {
    let text = written(&small(), Format::Csv);
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "a header, two findings, the end: {text}");
    assert!(
        lines[1].starts_with(
            "deny,enforce,untrusted-registry,./deploy/my web.yaml,12,16,0,Pod,shop,web,"
        )
    );
    assert!(lines[1].contains(",gcr.io/a/b:1,gcr.io,a/b,1,,"));
}

#[test]
fn the_last_line_of_ndjson_is_the_summary() {
    let text = written(&report(), Format::Ndjson);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, others) = lines.split_last().unwrap();
    assert_eq!(last["type"], "summary");
    let expected = report();
    let count = |kind: &str| others.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(count("finding"), expected.findings.len());
    assert_eq!(count("trouble"), expected.troubles.len());
    assert_eq!(count("notJudged"), expected.not_judged.len());
}

#[test]
fn remarks_of_any_command_are_written_in_every_format() {
    let place = Place { file: "p.yaml".to_owned(), line: Some(2), column: Some(3), document: None };
    let mut remark =
        Remark::new(Level::Error, RuleId::InvalidPolicy, Some(place), "mode: what".to_owned());
    remark.hint = Some("write one".to_owned());
    let list = vec![remark.clone(), remark];
    let remarks = Remarks::new("imagegate validate", list, vec!["not valid".to_owned()]);
    assert_ne!(remarks.list[0].fingerprint, remarks.list[1].fingerprint);
    for format in Format::ALL {
        let mut out = Vec::new();
        write_remarks(&remarks, format, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("mode: what"), "{format:?}: {text}");
        assert!(text.contains("write one"), "{format:?}: {text}");
    }
}

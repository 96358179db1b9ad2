//! Text for people.

use crate::sample::{finding, object, policy};
use imagegate_report::{Format, Place, PolicySource, Report, Style, Trouble, TroubleKind, write};

fn text(report: &Report, style: Style) -> String {
    let mut out = Vec::new();
    write(report, Format::Text, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn report() -> Report {
    let policy = policy();
    let hash = "0123456789abcdef".to_owned();
    let mut report = Report::new(PolicySource { source: "policy.yaml".to_owned(), hash });
    report.summary.objects = 3;
    let at = |file: &str, line| Place {
        file: file.to_owned(),
        line: Some(line),
        column: Some(5),
        document: Some(0),
    };
    for (file, line, image) in [
        ("a.yaml", 1, "gcr.io/a/b:1"),
        ("b.yaml", 2, "gcr.io/a/b:1"),
        ("a.yaml", 3, "gcr.io/a/b:1"),
        ("a.yaml", 4, "docker.io/library/nginx:1"),
    ] {
        report.add(finding(&policy, image, object(Some(at(file, line)), "shop", "web")));
    }
    report.add_trouble(Trouble {
        kind: TroubleKind::NotUnderstood,
        place: Some(at("b.yaml", 9)),
        message: "no `kind`".to_owned(),
        hint: None,
    });
    report
}

#[test]
fn text_is_grouped_by_file_and_folds_what_is_the_same() {
    let expected = "\
a.yaml
  1:5 deny   gcr.io/a/b:1 ×2  (Pod shop/web spec.containers[0].image)
         web image comes from an untrusted registry! (gcr.io/a/b:1). Only images from docker.io are allowed.
         hint: `gcr.io/a/b:1`: the registry `gcr.io` is not allowed

b.yaml
  2:5 deny   gcr.io/a/b:1  (Pod shop/web spec.containers[0].image)
         web image comes from an untrusted registry! (gcr.io/a/b:1). Only images from docker.io are allowed.
         hint: `gcr.io/a/b:1`: the registry `gcr.io` is not allowed
  9:5 error  no `kind`

policy policy.yaml (0123456789ab)
3 objects, 1 not understood
4 images: 1 allowed, 3 denied
";
    assert_eq!(text(&report(), Style::default()), expected);
}

#[test]
fn allowed_images_are_shown_when_asked_for() {
    let verbose = Style { verbose: true, ..Style::default() };
    assert!(text(&report(), verbose).contains("  4:5 allow  docker.io/library/nginx:1"));
    assert!(!text(&report(), Style::default()).contains("nginx"));
}

#[test]
fn colours_are_there_when_asked_for() {
    let color = Style { color: true, ..Style::default() };
    assert!(text(&report(), color).contains("\u{1b}[31mdeny  \u{1b}[0m gcr.io/a/b:1"));
    assert!(!text(&report(), Style::default()).contains('\u{1b}'));
}

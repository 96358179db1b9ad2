//! A report with one of everything, and with texts that try to break out of each format.

use imagegate_core::policy::{ContainerImage, Documents, Policy, Subject, compile};
use imagegate_report::{
    Finding, NotJudged, Object, Place, PolicySource, Report, Trouble, TroubleKind,
};

/// The policy of the sample: a strict one, with an override for each mode and an exemption.
const POLICY: &str = "
allowedRegistries: [docker.io]
blockedTags: [latest]
requireTag: true
overrides:
  - {name: lenient, namespaces: [warned], mode: warn}
  - {name: silent, namespaces: [audited], mode: audit}
exemptions:
  - {name: 'agent', images: [gcr.io/acme/agent], reason: 'INC-1: <b>@all</b>, ]]>'}
";

/// Texts that mean something to a terminal, a runner, a parser or a spreadsheet.
pub(crate) const HOSTILE: [&str; 16] = [
    "a\nb",
    "a\r\n::error::owned",
    "\u{1b}[31mred\u{1b}[0m",
    "::warning file=x::y",
    "##[error]x",
    "]]></failure><x/>",
    "<script>alert(1)</script>&amp;",
    "``` `code` ```",
    "a|b\\|c",
    "[click](https://evil.example) @all #1",
    "=1+1",
    "\t=cmd|' /C calc'!A0",
    "\",\"",
    "%0A::error::%25",
    "\u{202e}gnp.exe\u{0}\u{7}",
    "\u{fffe}\u{feff}é日本",
];

/// One finding of each decision, a trouble of each kind, a value that was not judged; and each of
/// [`HOSTILE`] in every place where a user's text can stand.
pub(crate) fn report() -> Report {
    let policy = policy();
    let source = PolicySource { source: "policy".to_owned(), hash: policy.hash().to_owned() };
    let mut report = Report::new(source);
    report.summary.objects = 9;
    report.summary.skipped = 2;
    for (namespace, image) in [
        ("shop", "nginx:1.27"),
        ("shop", "quay.io/acme/web:1"),
        ("shop", "quay.io/acme/web:1"),
        ("warned", "nginx:latest"),
        ("audited", "nginx"),
        ("shop", "gcr.io/acme/agent:1"),
    ] {
        let place = Place {
            file: "deploy/web.yaml".to_owned(),
            line: Some(12),
            column: Some(16),
            document: Some(0),
        };
        report.add(finding(&policy, image, object(Some(place), namespace, "web")));
    }
    let mut known = finding(&policy, "nginx:latest", object(None, "shop", "old"));
    known.known = true;
    report.add(known);
    report.add(finding(&policy, "gcr.io/a/b:1", Object::default()));
    let mut running = finding(&policy, "nginx:latest", object(None, "kube-system", "proxy"));
    running.owner = Some("DaemonSet proxy".to_owned());
    running.running = Some("sha256:00".to_owned());
    running.out_of_reach = Some("excluded");
    report.add(running);
    report.moved_tags.insert("nginx:latest".to_owned(), ["sha256:00".to_owned()].into());
    report.add_trouble(Trouble {
        kind: TroubleKind::NotUnderstood,
        place: Some(Place {
            file: "./chart/a.yaml".to_owned(),
            line: Some(3),
            column: None,
            document: None,
        }),
        message: "a template that is not rendered".to_owned(),
        hint: Some("render it with `helm template`".to_owned()),
    });
    for text in HOSTILE {
        add_hostile(&mut report, &policy, text);
    }
    report
}

fn add_hostile(report: &mut Report, policy: &Policy, text: &str) {
    let place = Place { file: text.to_owned(), line: Some(1), column: Some(1), document: Some(0) };
    let object = Object {
        place: Some(place.clone()),
        kind: Some(text.to_owned()),
        namespace: Some(text.to_owned()),
        name: Some(text.to_owned()),
    };
    let mut finding = finding(policy, text, object.clone());
    finding.hint = Some(text.to_owned());
    report.add(finding);
    report.add_trouble(Trouble {
        kind: TroubleKind::Unreadable,
        place: Some(place),
        message: text.to_owned(),
        hint: Some(text.to_owned()),
    });
    report.add_not_judged(NotJudged { object, field: text.to_owned(), image: text.to_owned() });
}

pub(crate) fn policy() -> Policy {
    compile(&Documents::full_form(POLICY)).expect("a valid policy").0
}

pub(crate) fn object(place: Option<Place>, namespace: &str, name: &str) -> Object {
    Object {
        place,
        kind: Some("Pod".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
    }
}

pub(crate) fn finding(policy: &Policy, image: &str, object: Object) -> Finding {
    let subject = Subject {
        namespace: object.namespace.as_deref().unwrap_or("default"),
        ..Subject::default()
    };
    let judged = ContainerImage {
        container: "web".into(),
        image: Some(image.into()),
        ..ContainerImage::default()
    };
    let verdict = policy.evaluate(&subject, [&judged]);
    let explanation = policy.explain(&subject, &judged);
    let mut finding = Finding::new(&verdict, &judged, object);
    finding.explain(&explanation);
    finding
}

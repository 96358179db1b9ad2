//! `imagegate check` of one file, from the arguments to the report.
//!
//! The file is what a chart of thirty applications renders to, some 80 kB: several documents, most of them
//! fine, and three kinds of finding. One file is read on one thread, so that the count does not depend on
//! the number of processors.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use tempfile::NamedTempFile;

const APPLICATIONS: usize = 30;
/// As somebody has it who has set a few fields.
const POLICY: &str = "\
allowedRegistries: [docker.io, gcr.io/acme, '*.pkg.dev']
blockedTags: [staging, latest, '*-rc*']
overrides:
- {name: production, namespaces: [prod, 'prod-*'], requireDigest: true}
- {name: sandboxes, namespaces: ['dev-*'], mode: warn}
";

/// Prepares the files. What the command says goes to standard output and standard error, as always.
pub(crate) fn check() -> Box<dyn Fn()> {
    let (policy, manifest) = (file(POLICY), file(&manifest()));
    Box::new(move || {
        let arguments: [OsString; 6] = [
            "imagegate".into(),
            "check".into(),
            "--policy".into(),
            policy.path().into(),
            "-f".into(),
            manifest.path().into(),
        ];
        // The findings; anything else would be another way through the code.
        assert_eq!(imagegate::cli::run(arguments), ExitCode::from(1));
    })
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn manifest() -> String {
    let mut text = String::new();
    for number in 0..APPLICATIONS {
        application(&mut text, number);
    }
    text
}

/// A configuration, a Deployment of three containers and a Service.
fn application(text: &mut String, number: usize) {
    let namespace = ["shop", "prod", "dev-a"][number % 3];
    let main = match number % 10 {
        4 => "gcr.io/acme/web:latest".to_owned(),
        7 => "gcr.io/acme/web".to_owned(),
        9 => "registry.example.com/web:1.4".to_owned(),
        _ => format!("gcr.io/acme/web-{number}:1.{number}@sha256:{:064x}", number),
    };
    let settings = (0..12).fold(String::new(), |mut settings, key| {
        write!(settings, "\n    key_{key} = {}", key * number).unwrap();
        settings
    });
    let environment = (0..8).fold(String::new(), |mut environment, key| {
        write!(environment, "\n        - name: SETTING_{key}\n          value: \"{number}\"")
            .unwrap();
        environment
    });
    write!(
        text,
        "---
apiVersion: v1
kind: ConfigMap
metadata: {{name: web-{number}, namespace: {namespace}}}
data:
  settings.toml: |{settings}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: web-{number}
    app.kubernetes.io/part-of: shop
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: web-{number}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: web-{number}
    spec:
      securityContext:
        runAsNonRoot: true
      initContainers:
      - name: migrate
        image: docker.io/acme/migrate:2.{number}
        args: [--to, head]
      containers:
      - name: web
        image: {main}
        imagePullPolicy: IfNotPresent
        ports:
        - containerPort: 8080
          name: http
        env:{environment}
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet: {{path: /ready, port: http}}
          periodSeconds: 10
        volumeMounts:
        - name: config
          mountPath: /etc/web
      - name: proxy
        image: docker.io/acme/proxy:1.9.{number}
      volumes:
      - name: config
        configMap:
          name: web-{number}
---
apiVersion: v1
kind: Service
metadata:
  name: web-{number}
  namespace: {namespace}
spec:
  selector:
    app.kubernetes.io/name: web-{number}
  ports:
  - name: http
    port: 80
    targetPort: http
"
    )
    .unwrap();
}

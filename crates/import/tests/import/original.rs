//! Keys and variables of the program that ImageGate replaces.

use super::{imported, notes, verdicts};

#[test]
fn the_three_places_say_the_same() {
    let config_map = "
apiVersion: v1
kind: ConfigMap
metadata: {name: imagegate}
data: {ALLOWED_REGISTRIES: 'docker.io/,gcr.io/acme/', BLOCKED_TAGS: '', DISABLE_EMPTY_TAG: 'false'}
";
    let workload = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: imagegate}
spec:
  template:
    spec:
      containers:
      - name: web
        env:
        - {name: ALLOWED_REGISTRIES, value: 'docker.io/,gcr.io/acme/'}
        - {name: BLOCKED_TAGS, value: ''}
        - {name: DISABLE_EMPTY_TAG, value: 'false'}
";
    let lines = "# variables\nexport ALLOWED_REGISTRIES='docker.io/,gcr.io/acme/'\nBLOCKED_TAGS=\n\
                 DISABLE_EMPTY_TAG=false\n";
    for text in [config_map, workload, lines] {
        let imported = imported(text, false);
        verdicts(
            &imported,
            "+ + docker.io/library/nginx:latest
             + + docker.io/library/nginx
             + + gcr.io/acme/web:1
             - - gcr.io/acmex/web:1
             - - nginx:1",
        );
        notes(&imported, &[]);
    }
}

#[test]
fn regexes_end_where_they_were_meant_to() {
    let lines = "ALLOWED_REGISTRIES=^gcr\\.io/acme;registry.example.com/(a|b)\nBLOCKED_TAGS=latest,^v[0-9]$\n";
    let stricter = imported(lines, false);
    verdicts(
        &stricter,
        "+ + gcr.io/acme/web:1
         + - gcr.io/acmex/web:1
         + - registry.example.com/a/web:1
         - - gcr.io/acme/web:latest
         - + gcr.io/acme/web:latest-1 wider
         - - gcr.io/acme/web:v1
         + + gcr.io/acme/web:v12
         - - gcr.io/acme/web",
    );
    assert_eq!(stricter.notes.len(), 4, "{:#?}", stricter.notes);
    let exact = imported(lines, true);
    verdicts(
        &exact,
        "+ + gcr.io/acmex/web:1
         - - gcr.io/acme/web:latest-1
         - - gcr.io/acme/web:not-latest",
    );
}

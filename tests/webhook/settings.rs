//! Process settings: which source wins, and what is said of a wrong one.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use imagegate::settings::{DEFAULTS, Flags, Protocol, Settings};
use imagegate::telemetry::LogFormat;

fn variables<const N: usize>(variables: [(&str, &str); N]) -> BTreeMap<String, String> {
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn self_signed() -> Flags {
    Flags::from([("self_signed", true.into())])
}

fn problem(variables: &BTreeMap<String, String>, flags: Flags) -> String {
    Settings::load(None, variables, flags).unwrap_err().to_string()
}

#[test]
fn the_embedded_defaults_are_the_contract() {
    let (settings, ignored) = Settings::load(None, &BTreeMap::new(), self_signed()).unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:3000");
    assert_eq!(settings.admin_listen.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.policy, None);
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(settings.protocols, [Protocol::Http2, Protocol::Http1]);
    assert!(settings.idle > Duration::from_mins(2), "the API server keeps connections 90 s");
    assert_eq!(ignored, Vec::<String>::new());
}

#[test]
fn a_file_beats_the_defaults_a_variable_the_file_and_a_flag_the_variable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "log_level = 'warn'\nmax_requests = 7\nlisten = '127.0.0.1:1'\n";
    fs::write(file.path(), text).unwrap();
    let variables = variables([
        ("IMAGEGATE_MAX_REQUESTS", "8"),
        ("IMAGEGATE_LISTEN", "127.0.0.1:2"),
        ("IMAGEGATE_PROTOCOLS", "http/1.1"),
        ("IMAGEGATE_POLICY", "/policy"),
    ]);
    let mut flags = self_signed();
    flags.insert("listen", "127.0.0.1:3".into());
    let (settings, _) = Settings::load(Some(file.path()), &variables, flags).unwrap();
    assert_eq!(settings.log_level, "warn");
    assert_eq!(settings.max_requests, 8);
    assert_eq!(settings.listen.port(), 3);
    assert_eq!(settings.protocols, [Protocol::Http1]);
    assert_eq!(settings.policy.unwrap().to_str(), Some("/policy"));
}

#[test]
fn variables_that_kubernetes_sets_for_services_are_no_settings() {
    let variables = variables([
        ("IMAGEGATE_WEBHOOK_SERVICE_HOST", "10.0.0.1"),
        ("IMAGEGATE_WEBHOOK_SERVICE_PORT_HTTPS", "443"),
        ("IMAGEGATE_WEBHOOK_PORT", "tcp://10.0.0.1:443"),
        ("IMAGEGATE_WEBHOOK_PORT_443_TCP_ADDR", "10.0.0.1"),
        ("IMAGEGATE_PORT", "tcp://10.0.0.1:443"),
        ("IMAGEGATE_LISTN", "127.0.0.1:1"),
    ]);
    let (_, ignored) = Settings::load(None, &variables, self_signed()).unwrap();
    assert_eq!(ignored, ["IMAGEGATE_LISTN"]);
}

#[test]
fn what_is_wrong_is_named() {
    let none = BTreeMap::new();
    assert!(problem(&none, Flags::new()).contains("hint: name it with --tls-cert"));
    let mut both = self_signed();
    both.insert("tls_cert", "x".into());
    assert!(problem(&none, both).contains("both set"));
    let wrong = variables([("IMAGEGATE_MAX_REQUESTS", "many")]);
    assert!(problem(&wrong, self_signed()).contains("max_requests"));
    let wrong = variables([("IMAGEGATE_POLL_SECONDS", "0")]);
    assert!(problem(&wrong, self_signed()).contains("`poll_seconds` is 0"));
    let wrong = variables([("IMAGEGATE_LISTEN", "somewhere")]);
    assert!(problem(&wrong, self_signed()).contains("listen"));

    let file = tempfile::NamedTempFile::new().unwrap();
    for (setting, hint) in [
        ("listn", "did you mean `listen`?"),
        ("tls_certs", "did you mean `tls_cert`?"),
        ("entirely_other", "config/imagegate.toml lists all settings"),
    ] {
        fs::write(file.path(), format!("max_requests = 7\n{setting} = '127.0.0.1:1'\n")).unwrap();
        let error = Settings::load(Some(file.path()), &none, self_signed()).unwrap_err();
        let path = file.path().display();
        let said = format!("{path}: the setting `{setting}` is not known\n  hint: {hint}");
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn every_setting_has_its_reason_in_the_embedded_file() {
    let mut commented = false;
    for line in DEFAULTS.lines() {
        let setting = line.trim_start_matches("# ").split_once(" = ").map(|(name, _)| name);
        let is_setting = setting.is_some_and(|name| name.bytes().all(|byte| byte != b' '));
        assert!(!is_setting || commented, "{line}");
        commented = line.starts_with('#') || (commented && is_setting);
    }
}

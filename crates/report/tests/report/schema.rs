//! The committed schemas name what is written, and nothing else. That a report is valid by them is
//! checked by another validator, in tests/formats.sh.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::formats::written;
use crate::sample::report;
use imagegate_report::{Answer, Format, Remarks, RuleId, TroubleKind, write_remarks};

fn schema(name: &str) -> Value {
    let path = format!("{}/../../config/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn keys<'v>(objects: impl IntoIterator<Item = &'v Value>) -> BTreeSet<&'v str> {
    objects
        .into_iter()
        .flat_map(|each| each.as_object().unwrap().keys())
        .map(String::as_str)
        .collect()
}

fn strings(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|each| each.as_str().unwrap()).collect()
}

#[test]
fn the_schema_of_findings_has_every_field_of_the_sample() {
    let schema = schema("findings");
    let value: Value = serde_json::from_str(&written(&report(), Format::Json)).unwrap();
    assert_eq!(keys([&value]), keys([&schema["properties"]]));
    let definitions = &schema["definitions"];
    let list = |name: &str| value[name].as_array().unwrap().iter();
    for (objects, definition) in [
        (vec![&value["summary"]], "summary"),
        (list("findings").collect(), "finding"),
        (list("notJudged").collect(), "notJudged"),
    ] {
        assert_eq!(keys(objects), keys([&definitions[definition]["properties"]]), "{definition}");
    }
    let written: BTreeSet<_> = keys(list("troubles"));
    let named = keys([&definitions["trouble"]["properties"]]);
    assert_eq!(written, named);
    let decisions = &definitions["finding"]["properties"]["decision"]["enum"];
    assert_eq!(strings(decisions), Answer::ALL.map(Answer::as_str).into());
    let kinds = [TroubleKind::Unreadable, TroubleKind::NotUnderstood].map(TroubleKind::as_str);
    assert_eq!(strings(&definitions["trouble"]["properties"]["kind"]["enum"]), kinds.into());
}

#[test]
fn the_schema_of_remarks_has_every_field_and_every_rule() {
    let schema = schema("remarks");
    let mut out = Vec::new();
    write_remarks(&Remarks::of("imagegate check", &report()), Format::Json, &mut out).unwrap();
    let value: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(keys([&value]), keys([&schema["properties"]]));
    let properties = &schema["definitions"]["remark"]["properties"];
    assert_eq!(keys(value["remarks"].as_array().unwrap()), keys([properties]));
    assert_eq!(strings(&properties["rule"]["enum"]), RuleId::ALL.map(RuleId::as_str).into());
}

"""Reads reports as others do: JSON by its schemas, CSV, Markdown as GitHub renders it, HTML as browsers do.

usage: formats.py SARIF_SCHEMA DIRECTORY, which tests/formats.sh fills
"""

import csv
import json
import pathlib
import re
import sys

import cmarkgfm
import html5lib
import jsonschema
from cmarkgfm.cmark import Options

CONFIG = pathlib.Path(__file__).parent.parent / "config"


def load(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def validate(schema, instance, name):
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema, format_checker=jsonschema.FormatChecker())
    errors = sorted(validator.iter_errors(instance), key=lambda error: list(error.path))
    if errors:
        sys.exit(f"{name}: {errors[0].message} at {list(errors[0].path)}")
    print(f"{name} validates")


def lines(directory, name):
    text = (directory / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def as_report(objects, lists, summary):
    """The one object of which ndjson has the parts."""
    report = {name: [] for name in lists.values()}
    for each in objects:
        kind = each.pop("type")
        if kind == "summary":
            summary(report, each)
        elif kind == "movedTag":
            report.setdefault("movedTags", {})[each["image"]] = each["digests"]
        else:
            report[lists[kind]].append(each)
    return report


def check_json(sarif_schema, directory):
    findings, remarks = load(CONFIG / "findings.schema.json"), load(CONFIG / "remarks.schema.json")
    validate(findings, load(directory / "sample.json"), "sample.json")
    lists = {"finding": "findings", "trouble": "troubles", "notJudged": "notJudged"}
    joined = as_report(
        lines(directory, "sample.ndjson"), lists, lambda report, each: report.update(summary=each)
    )
    validate(findings, joined, "sample.ndjson")
    whole = load(directory / "sample.json")
    # Fields of the first version, which stand for others.
    for name in ["policyHash", "allowed", "denied", "unreadable"]:
        del whole[name]
    for finding in whole["findings"]:
        del finding["answer"]
        finding.pop("object", None)
    if joined != whole:
        sys.exit("sample.ndjson says something else than sample.json")
    validate(load(CONFIG / "comparison.schema.json"), load(directory / "diff.json"), "diff.json")
    for name in ["validate", "test", "diff"]:
        if name != "diff":
            validate(remarks, load(directory / f"{name}.json"), f"{name}.json")
        joined = as_report(
            lines(directory, f"{name}.ndjson"),
            {"remark": "remarks"},
            lambda report, each: report.update(command=each["command"], summary=each["lines"]),
        )
        validate(remarks, joined, f"{name}.ndjson")
    for name in ["sample", "validate", "test", "tree"]:
        validate(load(sarif_schema), load(directory / f"{name}.sarif"), f"{name}.sarif")
        issues = load(directory / f"{name}.gitlab")
        fingerprints = {issue["fingerprint"] for issue in issues}
        assert len(fingerprints) == len(issues), "GitLab shows one issue per fingerprint"


def check_csv(directory):
    with open(directory / "sample.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    report = load(directory / "sample.json")
    expected = sum(len(report[name]) for name in ["findings", "troubles", "notJudged"])
    assert len(rows) == expected, f"{len(rows)} rows for {expected}"
    for row in rows:
        assert None not in row and None not in row.values(), row
        for cell in row.values():
            assert not re.match(r"[=+\-@\t\r\n]", cell), f"a formula: {cell!r}"
    print("sample.csv is read by Python")


def check_markdown(directory):
    text = (directory / "sample.markdown").read_text(encoding="utf-8")
    # Raw HTML is let through, so that none of it can hide.
    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    tags = set(re.findall(r"<(/?[a-zA-Z][^\s>]*)", html))
    allowed = {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "ul", "li", "p"}
    assert {tag.strip("/") for tag in tags} <= allowed, tags
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert all(len(re.findall("<t[dh]", row)) == 4 for row in rows), "four cells in each row"
    print(f"sample.markdown is rendered with {len(rows)} rows and no tag of a user")


def check_html(directory):
    text = (directory / "sample.html").read_text(encoding="utf-8")
    # Strict: what a browser would mend in silence is an error.
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    tags = {element.tag for element in tree.iter() if isinstance(element.tag, str)}
    assert not tags & {"script", "a", "img", "link", "iframe", "x"}, tags
    shown = "".join(tree.itertext())
    assert "<script>alert(1)</script>&amp;" in shown, "a text is not shown as it was written"
    print(f"sample.html is read by html5lib, with {len(tree.findall('.//tbody/tr'))} rows")


if __name__ == "__main__":
    _, sarif, reports = sys.argv
    check_json(sarif, pathlib.Path(reports))
    check_csv(pathlib.Path(reports))
    check_markdown(pathlib.Path(reports))
    check_html(pathlib.Path(reports))

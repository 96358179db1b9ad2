"""Reads the reports on a tree of thousands of files as others do, and holds them against each other: each
format must tell of the same images and the same broken files.

usage: formats_tree.py DIRECTORY, which tests/formats.sh fills: reports/tree.*, tree.json with what the tree
       has, commands.json with the workflow commands that were counted

Prints a table of formats, validators and results.
"""

import csv
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

import cmarkgfm
import html5lib
import jsonschema
from cmarkgfm.cmark import Options

CONFIG = pathlib.Path(__file__).parent.parent / "config"
# What GitLab asks of an issue: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
ISSUES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/.]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
MOST_ROWS = 100


def validate(schema, instance):
    kind = jsonschema.validators.validator_for(schema)
    kind(schema).validate(instance)


class Reports:
    def __init__(self, directory):
        self.directory = directory
        self.has = self.load("tree.json")
        self.whole = self.load("reports/tree.json")
        summary = self.whole["summary"]
        self.denied, self.troubles = summary["denied"], len(self.whole["troubles"])
        # Each format that shows what is wrong shows these.
        self.errors = self.denied + self.troubles

    def text(self, name):
        return (self.directory / "reports" / name).read_text(encoding="utf-8")

    def load(self, name):
        return json.loads((self.directory / name).read_text(encoding="utf-8"))

    def read_text(self):
        folded = re.findall(r"^ +\d+:\d+ deny   .*?(?: ×(\d+))?(?:  \(.*)?$", self.text("tree.text"), re.MULTILINE)
        assert sum(int(times or 1) for times in folded) == self.denied, "other denials than the JSON"
        return "none", f"{self.denied} denials"

    def read_json(self):
        validate(json.loads((CONFIG / "findings.schema.json").read_text()), self.whole)
        summary = self.whole["summary"]
        assert len(self.whole["findings"]) == summary["images"] == self.has["images"]
        broken = {trouble["file"] for trouble in self.whole["troubles"]}
        assert len(broken) == self.has["broken"], f"{len(broken)} broken files"
        places = {(each["file"], each["line"], each["column"]) for each in self.whole["findings"]}
        assert len(places) == len(self.whole["findings"]), "two images at one place"
        return "its schema", f"{summary['images']} images, {len(broken)} broken files"

    def read_ndjson(self):
        lines = [json.loads(line) for line in self.text("tree.ndjson").splitlines()]
        count = lambda kind: sum(1 for line in lines if line["type"] == kind)
        assert count("finding") == len(self.whole["findings"])
        assert count("trouble") == self.troubles
        assert lines[-1]["type"] == "summary" and lines[-1]["denied"] == self.denied
        return "each line is JSON, the same as the one object", f"{len(lines)} lines"

    def read_sarif(self):
        results = self.load("reports/tree.sarif")["runs"][0]["results"]
        errors = [result for result in results if result["level"] == "error"]
        assert len(errors) == self.errors, f"{len(errors)} errors"
        return "its schema, Microsoft's multitool", f"{len(results)} results"

    def read_junit(self):
        suites = xml.etree.ElementTree.fromstring(self.text("tree.junit"))
        cases = list(suites.iter("testcase"))
        failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
        assert len(failed) == self.errors, f"{len(failed)} failed"
        return "Jenkins' `junit-10.xsd`", f"{len(cases)} cases, {len(failed)} failed"

    def read_github(self):
        counts = self.load("commands.json")
        assert counts["error"] == self.errors, counts
        return "issued again by GitHub's `@actions/core`", f"{sum(counts.values())} commands"

    def read_gitlab(self):
        issues = self.load("reports/tree.gitlab")
        validate(ISSUES, issues)
        assert len({issue["fingerprint"] for issue in issues}) == len(issues)
        major = sum(1 for issue in issues if issue["severity"] == "major")
        assert major == self.errors, f"{major} of {self.errors}"
        return "what GitLab's pages ask for", f"{len(issues)} issues, each with its own fingerprint"

    def read_markdown(self):
        text = self.text("tree.markdown")
        html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
        rows = len(re.findall("<tr>", html)) - 1
        assert 0 < rows <= MOST_ROWS and f"❌ {self.errors} findings fail" in text
        assert len(text) < 65536, "GitHub takes no longer comment"
        return "GitHub's renderer", f"{rows} rows, {len(text)} characters"

    def read_html(self):
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(self.text("tree.html"))
        title = tree.find(".//title").text
        assert title == f"ImageGate: {self.errors} findings fail", title
        return "html5lib, strict", f"{len(tree.findall('.//tbody/tr'))} rows"

    def read_csv(self):
        with open(self.directory / "reports/tree.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        assert sum(1 for row in rows if row["decision"] == "deny") == self.denied
        return "Python's reader", f"{len(rows)} rows"


def main():
    directory = pathlib.Path(sys.argv[1])
    reports = Reports(directory)
    print("| format | validator | result | bytes |\n|---|---|---|---|")
    for name in ["text", "json", "ndjson", "sarif", "junit", "github", "gitlab", "markdown", "html", "csv"]:
        validator, result = getattr(reports, f"read_{name}")()
        size = (directory / "reports" / f"tree.{name}").stat().st_size
        print(f"| `{name}` | {validator} | {result} | {size:,} |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Holds every query of deploy/prometheus and deploy/grafana to the metrics of ImageGate.

queries.py                 all names, labels and label values in the queries are of the contract
queries.py --scrape FILE   and the contract is what the binary really exposes: FILE is a scrape
                           of /metrics (- for standard input)
queries.py --rules         writes the dashboard's queries as a rules file, for promtool check rules

Needs nothing but Python's standard library.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy/grafana/imagegate.json"
RULES = [ROOT / "deploy/prometheus" / name for name in ("recording.yaml", "alerts.yaml")]

OPEN = None  # a label whose values are not a closed set
RESULT = {"result": {"success", "failure"}}
MODE = {"enforce", "warn", "audit"}
DECISION = {"allow", "deny"}

# The contract (design, section 6): each metric, its labels, and their values.
METRICS = {
    "imagegate_admission_decisions_total": {
        "decision": DECISION,
        "mode": MODE,
        "operation": {"CREATE", "UPDATE", "DELETE", "CONNECT"},
    },
    "imagegate_violations_total": {
        "rule": {
            "invalid-reference",
            "missing-tag",
            "untrusted-registry",
            "blocked-tag",
            "missing-digest",
            "pull-policy",
        },
        "mode": MODE,
    },
    "imagegate_admission_duration_seconds": {},
    "imagegate_admission_errors_total": {
        "reason": {
            "body-read",
            "body-too-large",
            "malformed-review",
            "no-policy",
            "not-served",
            "overload",
            "panic",
            "unknown-override",
        }
    },
    "imagegate_exempted_total": {},
    "imagegate_observed_images_total": {
        "pinned_by": {"digest", "invalid", "nothing", "tag"},
        "decision": {"allow", "audit", "deny", "exempt", "warn"},
    },
    "imagegate_observed_registries_total": {
        "registry": {
            "amazonaws.com",
            "azurecr.io",
            "docker.io",
            "gcr.io",
            "ghcr.io",
            "invalid",
            "mcr.microsoft.com",
            "other",
            "quay.io",
            "registry.gitlab.com",
            "registry.k8s.io",
            "registry.redhat.io",
        }
    },
    "imagegate_observed_losses_total": {"reason": {"busy", "too-long", "too-many"}},
    "imagegate_observed_evictions_total": {},
    "imagegate_observed_entries": {},
    "imagegate_observed_bytes": {},
    "imagegate_edit_newly_denied_images": {},
    "imagegate_edit_newly_admitted_images": {},
    "imagegate_candidate_flips_total": {"to": DECISION},
    "imagegate_policy_reloads_total": RESULT,
    "imagegate_policy_last_reload_successful": {},
    "imagegate_policy_source_present": {},
    "imagegate_policy_deletions_total": {},
    "imagegate_candidate_last_reload_successful": {},
    "imagegate_policy_last_reload_success_timestamp_seconds": {},
    "imagegate_policy_info": {"hash": OPEN},
    "imagegate_policy_generation": {},
    "imagegate_tls_reloads_total": RESULT,
    "imagegate_overdue_looks_total": {"of": {"key-pair", "policy"}},
    "imagegate_tls_certificate_not_after_timestamp_seconds": {},
    "imagegate_tls_handshake_errors_total": {},
    "imagegate_connections": {},
    "imagegate_requests_in_flight": {},
    "imagegate_requests_shed_total": {},
    "imagegate_panics_total": {},
    "imagegate_build_info": {"version": OPEN, "commit": OPEN, "build_date": OPEN},
    "process_cpu_seconds_total": {},
    "process_resident_memory_bytes": {},
}
HISTOGRAMS = {
    "imagegate_admission_duration_seconds",
    "imagegate_edit_newly_admitted_images",
    "imagegate_edit_newly_denied_images",
}
# What Prometheus adds to every series; `cluster` where it is an external label.
TARGET_LABELS = {"cluster", "namespace", "job", "instance"}

METRIC = re.compile(r"(?<![\w:])((?:imagegate|process)_\w+)(\{[^}]*\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
RECORDED = re.compile(r"\bjob:\w+:\w+")


def dashboard_queries():
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"dashboard, {panel['title']}", target["expr"]
    for note in board["annotations"]["list"]:
        yield f"dashboard, {note['name']}", note["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.*), *\w+\)", variable["definition"])
            yield f"dashboard, ${variable['name']}", asked[1]


def unselected():
    """Queries of the dashboard that one of its variables does not narrow."""
    names = [each["name"] for each in json.loads(DASHBOARD.read_text())["templating"]["list"]]
    for wanted in ("cluster", "namespace", "job"):
        if wanted not in names:
            yield f"the dashboard has no variable {wanted}"
    for place, expression in dashboard_queries():
        if "$" in place:
            continue
        for _, selector in METRIC.findall(expression):
            for name in ("cluster", "namespace", "job"):
                if f'{name}=~"${name}"' not in selector:
                    yield f"{place}: {name} does not narrow {expression}"


def substituted(expression: str) -> str:
    """The expression with Grafana's variables filled in."""
    expression = expression.replace("$__rate_interval", "5m")
    return re.sub(r"\$(?:cluster|namespace|job)\b", ".*", expression)


def rule_queries():
    """The expressions of the rules. Reads the two forms in which they are written, one line or
    `>-` and an indented block, so that no YAML parser is needed."""
    for path in RULES:
        lines = path.read_text().splitlines()
        for n, line in enumerate(lines):
            found = re.match(r"( *)(?:- )?expr: (.*)", line)
            if not found:
                continue
            text = found[2]
            if text == ">-":
                block = []
                for below in lines[n + 1 :]:
                    if len(below) - len(below.lstrip()) <= len(found[1]):
                        break
                    block.append(below.strip())
                text = " ".join(block)
            yield f"{path.name}:{n + 1}", text


def recorded_names() -> set[str]:
    return set(re.findall(r"record: (\S+)", RULES[0].read_text()))


def base(name: str) -> str:
    stem = re.sub(r"_(bucket|count|sum)$", "", name)
    return stem if stem in HISTOGRAMS else name


def faults_of(expression: str, recorded: set[str]):
    labels = set(TARGET_LABELS)
    found = METRIC.findall(expression)
    for name, selector in found:
        metric = base(name)
        if metric not in METRICS:
            yield f"no such metric: {name}"
            continue
        known = dict(METRICS[metric])
        if name.endswith("_bucket"):
            known["le"] = OPEN
        labels |= known.keys()
        for label, operator, value in MATCHER.findall(selector):
            if label in TARGET_LABELS:
                continue
            if label not in known:
                yield f"{name} has no label {label}"
            elif known[label] is not OPEN:
                values = value.split("|") if "~" in operator else [value]
                for each in set(values) - known[label]:
                    yield f'{name}: {label} is never "{each}"'
    used = RECORDED.findall(expression)
    for name in used:
        if name not in recorded:
            yield f"no rule records {name}"
    if not found and not used:
        yield "asks for nothing of ImageGate"
    for group in GROUPING.findall(expression):
        for label in filter(None, (part.strip() for part in group.split(","))):
            if label not in labels:
                yield f"nothing in the query has the label {label}"


def faults_of_scrape(text: str):
    """Where a scrape and the contract differ. A label set without a sample is not seen here; all
    series of closed sets are there from the first scrape on."""
    seen: dict[str, dict[str, set[str]]] = {}
    for line in text.splitlines():
        sample = re.match(r"(\w+)(\{.*\})? \S+$", line)
        if sample:
            labels = seen.setdefault(base(sample[1]), {})
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', sample[2] or ""):
                labels.setdefault(label, set()).add(value)
    for metric, labels in METRICS.items():
        if metric not in seen:
            yield f"{metric} is not in the scrape"
            continue
        there = {k: v for k, v in seen[metric].items() if k != "le"}
        if there.keys() != labels.keys():
            yield f"{metric} has the labels {sorted(there)}, not {sorted(labels)}"
            continue
        for label, values in labels.items():
            if values is not OPEN and there[label] != values:
                yield f"{metric}: {label} takes {sorted(there[label])}, not {sorted(values)}"


def main() -> int:
    arguments = sys.argv[1:]
    if arguments == ["--rules"]:
        rules = [
            {"record": f"dashboard:query:{n}", "expr": substituted(expression)}
            for n, (_, expression) in enumerate(dashboard_queries())
        ]
        # JSON is YAML.
        print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}, indent=2))
        return 0
    if arguments and (len(arguments) != 2 or arguments[0] != "--scrape"):
        print(__doc__, file=sys.stderr)
        return 2

    failed = 0
    for fault in unselected():
        print(fault)
        failed += 1
    recorded = recorded_names()
    queries = [*rule_queries(), *dashboard_queries()]
    for place, expression in queries:
        for fault in faults_of(substituted(expression), recorded):
            print(f"{place}: {fault}")
            failed += 1
    if arguments:
        text = sys.stdin.read() if arguments[1] == "-" else Path(arguments[1]).read_text()
        for fault in faults_of_scrape(text):
            print(f"scrape: {fault}")
            failed += 1
    if not failed:
        print(f"{len(queries)} queries, {len(METRICS)} metrics")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Keeps in step what the chart repeats of other files.

chart.py           says what is out of step, and exits 1 if anything is
chart.py --write   puts it right

The chart must carry these, since Helm reads nothing outside a chart's folder:
  values.schema.json   the policy part is config/policy.schema.json
  files/               the rules, the dashboard and the match conditions of deploy/
  README.md            the table of values is made from the comments in values.yaml
and Chart.yaml's appVersion is the version in Cargo.toml.

Needs nothing but Python's standard library.
"""

import itertools
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/imagegate"
COPIES = {
    "files/alerts.yaml": "deploy/prometheus/alerts.yaml",
    "files/recording.yaml": "deploy/prometheus/recording.yaml",
    "files/dashboard.json": "deploy/grafana/imagegate.json",
}
BEGIN = "<!-- values: made from values.yaml by tests/deploy/chart.py -->"
END = "<!-- end of values -->"


def wanted_schema(written: str) -> str:
    """The values' schema with the policy's definitions as they are in config/."""
    schema = json.loads(written)
    policy = json.loads((ROOT / "config/policy.schema.json").read_text())
    del policy["$schema"]
    own = {k: v for k, v in schema["definitions"].items() if k.startswith("chart-")}
    theirs = policy.pop("definitions")
    # `#/definitions/…` means the same place in both, so no reference needs rewriting.
    schema["definitions"] = own | {"policy": policy} | theirs
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def wanted_conditions():
    """The expressions in the kustomize component, by name, without the YAML around them."""
    lines = (ROOT / "deploy/overlays/match-conditions/webhook.yaml").read_text().splitlines()
    for n, line in enumerate(lines):
        if line.strip() != "expression: |-":
            continue
        name = lines[n - 1].split("name: ")[1]
        indent = len(line) - len(line.lstrip()) + 2
        block = itertools.takewhile(lambda part: part[:indent].isspace(), lines[n + 1 :])
        yield name, "\n".join(part[indent:] for part in block) + "\n"


def values(text: str):
    """Yields (path, default, description) for each value, and complains of one without a comment.

    Reads the subset of YAML in which values.yaml is written: two spaces of indentation, and a
    nested block only below a key without a value.
    """
    lines = text.splitlines()
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    n = 0
    while n < len(lines):
        line = lines[n]
        n += 1
        stripped = line.strip()
        if stripped.startswith("#"):
            # Examples are indented, and rulers head a section: neither belongs into the table.
            if re.match(r"#( {3,}| ---)", stripped):
                comment = [] if "---" in stripped else comment
            else:
                comment.append(stripped.lstrip("# "))
            continue
        if not stripped:
            comment = []
            continue
        key = re.match(r"( *)([A-Za-z]\w*):(.*)$", line)
        if not key:
            raise SystemExit(f"values.yaml:{n}: not understood: {line}")
        indent, name, default = len(key[1]), key[2], key[3].strip()
        while stack and stack[-1][0] >= indent:
            stack.pop()
        path = ".".join([*(part for _, part in stack), name])
        # What ends in a colon leads to an example that is not shown here.
        description, comment = re.sub(":$", ".", " ".join(comment)), []
        if not default:
            below = []
            while n < len(lines) and (len(lines[n]) - len(lines[n].lstrip()) > indent):
                below.append(lines[n])
                n += 1
            documented = any(part.strip().startswith("#") for part in below)
            if documented or not description:
                # A group: its members have comments of their own.
                n -= len(below)
                stack.append((indent, name))
                continue
            default = one_line(below)
        if not description:
            raise SystemExit(f"values.yaml:{n}: {path} has no comment")
        yield path, default, description


def one_line(block: list[str]) -> str:
    """A nested default, as short as it gets."""
    items = [line.strip() for line in block]
    if all(item.startswith("- ") for item in items):
        return "[" + ", ".join(item[2:] for item in items) + "]"
    flat, open_at = "", []
    for line, item in zip(block, items):
        depth = len(line) - len(line.lstrip())
        while open_at and depth <= open_at[-1]:
            flat, _ = flat + "}", open_at.pop()
        flat += ("" if not flat or flat.endswith("{") else ", ") + item
        if item.endswith(":"):
            flat, _ = flat + " {", open_at.append(depth)
    return "{" + flat + "}" * len(open_at) + "}"


def wanted_readme(written: str) -> str:
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for path, default, description in values((CHART / "values.yaml").read_text()):
        cells = (f"`{path}`", f"`{default}`", description)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    head, rest = written.split(BEGIN)
    return head + BEGIN + "\n" + "\n".join(rows) + "\n" + END + rest.split(END)[1]


def main() -> int:
    if sys.argv[1:] not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    wanted = {target: (ROOT / source).read_text() for target, source in COPIES.items()}
    for name, expression in wanted_conditions():
        wanted[f"files/{name}.cel"] = expression
    for name, make in (("values.schema.json", wanted_schema), ("README.md", wanted_readme)):
        wanted[name] = make((CHART / name).read_text())

    failed = False
    for name, text in wanted.items():
        path = CHART / name
        if path.exists() and path.read_text() == text:
            continue
        if "--write" in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"{path.relative_to(ROOT)}: written")
        else:
            print(f"{path.relative_to(ROOT)}: out of step; run tests/deploy/chart.py --write")
            failed = True

    version = re.search(r'^version *= *"(.+?)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    app = re.search(r'^appVersion: "(.+?)"', (CHART / "Chart.yaml").read_text(), re.M)[1]
    if app != version:
        print(f"Chart.yaml: appVersion is {app}, and Cargo.toml says {version}")
        failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

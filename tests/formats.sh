#!/usr/bin/env bash
# Has reports judged by validators that others wrote: SARIF by its schema and by Microsoft's multitool, JUnit
# by Jenkins' schema, workflow commands by GitHub's library, Markdown by GitHub's renderer, HTML by html5lib,
# CSV by Python's reader, and our own JSON by its published schemas. The reports are one with hostile texts,
# and one on a tree of FORMATS_FILES files (500), of which two in a hundred are broken.
#
# Needs python3 with venv, npm and xmllint. What it installs stays in target/formats.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in python3 npm xmllint jq; do
  command -v "$tool" >/dev/null || { printf 'formats.sh: needs %s\n' "$tool" >&2; exit 2; }
done
work=$PWD/target/formats
mkdir -p "$work/reports"

cargo build --locked --quiet --workspace --bin imagegate --example sample
binaries=${CARGO_TARGET_DIR:-target}/debug
for format in text json ndjson sarif junit github gitlab markdown html csv; do
  "$binaries/examples/sample" "$format" >"$work/reports/sample.$format"
done
printf 'mode: sometimes\nallowedRegistries: []\n' >"$work/invalid.yaml"
for format in json ndjson sarif junit gitlab csv; do
  status=0
  "$binaries/imagegate" validate -o "$format" "$work/invalid.yaml" \
    >"$work/reports/validate.$format" || status=$?
  [[ $status -eq 3 ]] || { printf 'formats.sh: validate exited with %s\n' "$status" >&2; exit 1; }
  "$binaries/imagegate" test -o "$format" config/examples >"$work/reports/test.$format"
done
printf 'allowedRegistries: [gcr.io]\nshortNames: dockerHub\n' >"$work/new.yaml"
for format in json ndjson; do
  status=0
  "$binaries/imagegate" diff config/policy "$work/new.yaml" -o "$format" docker.io/acme/web:1 nginx:1 gcr.io/a/b:1 \
    >"$work/reports/diff.$format" 2>/dev/null || status=$?
  [[ $status -eq 1 ]] || { printf 'formats.sh: diff exited with %s\n' "$status" >&2; exit 1; }
done

# The tree of benches/check, with four images for each file; paths in it are relative.
files=${FORMATS_FILES:-500}
rm -rf "$work/tree"
python3 benches/check/tree.py "$work/tree" --files "$files" --images $((4 * files)) >"$work/tree.json"
imagegate=$(realpath "$binaries/imagegate")
for format in text json ndjson sarif junit github gitlab markdown html csv; do
  status=0
  (cd "$work" && "$imagegate" check -f tree -o "$format" 2>tree.txt) >"$work/reports/tree.$format" || status=$?
  [[ $status -eq 1 ]] || { cat "$work/tree.txt"; printf 'formats.sh: check exited with %s\n' "$status"; exit 1; } >&2
done

# The versions are fixed: a new one is tried when somebody is there to look.
[[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  jsonschema==4.26.0 rfc3987==1.3.8 cmarkgfm==2025.10.22 html5lib==1.1
# Its installer only makes the tool executable.
npm install --prefix "$work" --silent --no-audit --no-fund --ignore-scripts \
  @microsoft/sarif-multitool-linux@5.7.0 @actions/core@1.11.1 >/dev/null
multitool=$work/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
chmod u+x "$multitool"

for report in sample validate test tree; do
  xmllint --noout --schema tests/data/junit-10.xsd "$work/reports/$report.junit" 2>&1 |
    sed "s|$work/||"
  # It is silent about what is right, and exits with 1 on errors.
  DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$multitool" validate "$work/reports/$report.sarif" \
    >"$work/multitool.txt" 2>&1 || { cat "$work/multitool.txt"; exit 1; }
  if grep -E ': error ' "$work/multitool.txt"; then exit 1; fi
  printf 'reports/%s.sarif validates by the multitool\n' "$report"
done

# The schema of SARIF, as the package has it of which the tests take the types.
schema=$(cargo metadata --locked --format-version 1 |
  jq -r '.packages[] | select(.name == "serde-sarif") | .manifest_path | sub("Cargo.toml$"; "src/schema.json")')
"$work/venv/bin/python" tests/formats.py "$schema" "$work/reports"
for report in sample tree; do
  NODE_PATH=$work/node_modules node tests/formats_commands.js "$work/reports/$report.github" >"$work/commands.json"
  printf '%s.github is as @actions/core has it: %s\n' "$report" "$(<"$work/commands.json")"
done
"$work/venv/bin/python" tests/formats_tree.py "$work"

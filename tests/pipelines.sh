#!/usr/bin/env bash
# Runs the action, the hook and the snippets of docs/pipelines.md; tests/pipelines.py has the cases.
#
# Needs python3 with venv, git, make and curl. What it installs stays in target/formats.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo build --locked --quiet --workspace --bin imagegate --example manual
venv=$PWD/target/formats/venv
[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check pre-commit==4.7.0
"$venv/bin/python" tests/pipelines.py "${CARGO_TARGET_DIR:-target}/debug/imagegate"

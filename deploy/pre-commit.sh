#!/usr/bin/env bash
# What .pre-commit-hooks.yaml runs: `imagegate check` with a -f before each file.
#
# usage: deploy/pre-commit.sh [ARGUMENT…] -- [FILE…]
set -euo pipefail

arguments=()
while [[ $# -gt 0 && $1 != -- ]]; do
  arguments+=("$1")
  shift
done
if [[ $# -eq 0 ]]; then
  printf 'pre-commit.sh: no -- between arguments and files\n  hint: end args with it\n' >&2
  exit 2
fi
shift
command -v imagegate >/dev/null || {
  printf 'pre-commit.sh: imagegate is not in PATH\n  hint: unpack a release, or run make install\n' >&2
  exit 2
}
files=()
for file in "$@"; do files+=("--filename=$file"); done
# Many changed files hold no image.
exec imagegate check --allow-empty "${arguments[@]}" "${files[@]}"

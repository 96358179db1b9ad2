#!/usr/bin/env bash
# The console in a real browser; see console/test/browser/run.mjs. Needs chromium, node and python3, and what
# console/check.sh has installed.
#
# Usage: test.sh GATE PLUGIN [PICTURES]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo 'missing: chromium' >&2; exit 2; }
[[ -d $root/console/node_modules ]] || { echo 'run console/check.sh first' >&2; exit 2; }
CHROMIUM=${CHROMIUM:-$browser} exec node "$root/console/test/browser/run.mjs" "$@"

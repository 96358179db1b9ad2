#!/usr/bin/env bash
# Checks the page of the console: its licences, its types, its tests, and that building it anew gives the very files that
# are committed for the plugin. Needs node and npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

built=../crates/kubectl-imagegate/src/console/dist
# Compressed, though on the way from one's own machine it is not.
most_bytes=300000

npm ci --no-fund --no-audit --prefer-offline
node licences.mjs
npm run --silent types
npm test --silent
if grep -rnE 'innerHTML|dangerouslySet|insertAdjacentHTML|\beval\(' src; then
  echo 'the page writes no markup from texts' >&2
  exit 1
fi
npm run --silent build -- --logLevel warn
if [[ -n $(git status --porcelain -- "$built") ]]; then
  git --no-pager diff --stat -- "$built"
  echo "the files in ${built#../} are not what the sources build: commit what is there now" >&2
  exit 1
fi
bytes=$(cat "$built"/* | gzip -9 | wc -c)
echo "the page has $bytes bytes, compressed"
((bytes < most_bytes))

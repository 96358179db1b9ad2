#!/usr/bin/env bash
# Checks the page of the console: its licences, its types, its tests, and that building it anew gives the very files that
# are committed for the plugin. Needs node and npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

built=../crates/kubectl-imagegate/src/console/dist
# Compressed, though on the way from one's own machine they are not.
most_bytes=300000
most_bytes_of_editor=250000

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
files=$(cd "$built" && echo *)
[[ $files == 'app.css app.js editor.js favicon.svg index.html licences.md' ]] ||
  { echo "the plugin serves other files than these: $files" >&2; exit 1; }
of_editor=$(gzip -9 <"$built/editor.js" | wc -c)
bytes=$(find "$built" -type f ! -name editor.js | sort | xargs cat | gzip -9 | wc -c)
echo "compressed, the page has $bytes bytes, and its editor $of_editor"
((bytes < most_bytes && of_editor < most_bytes_of_editor))

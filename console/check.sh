#!/usr/bin/env bash
# Checks the pages of the console: their licences, their types, their tests, and that building them anew gives the very
# files that are committed for the plugin. Needs node and npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

console=../crates/kubectl-imagegate/src/console/dist
playground=../docs/playground
# Compressed, though on the way from one's own machine they are not.
most_bytes=300000
most_bytes_of_editor=250000
most_bytes_of_engine=$((1 << 20))

npm ci --no-fund --no-audit --prefer-offline
node licences.mjs
npm run --silent generate
if ! git diff --exit-code -- src/findings.ts; then
  echo 'src/findings.ts is not what config/findings.schema.json says: commit what is there now' >&2
  exit 1
fi
npm run --silent types
npm test --silent
if grep -rnE 'innerHTML|dangerouslySet|insertAdjacentHTML|\beval\(' src; then
  echo 'the page writes no markup from texts' >&2
  exit 1
fi
npm run --silent build
if [[ -n $(git status --porcelain -- "$console" "$playground") ]]; then
  git --no-pager diff --stat -- "$console" "$playground"
  echo "the files in ${console#../} and ${playground#../} are not what the sources build: commit what is there now" >&2
  exit 1
fi

# has FOLDER FILE…: nothing else is there.
has() {
  local folder=$1 files
  shift
  files=$(cd "$folder" && echo *)
  [[ $files == "$*" ]] || { echo "there are other files than the plugin serves: $files" >&2; exit 1; }
}
# compressed FILE…: as one, in bytes.
compressed() { cat "$@" | gzip -9 | wc -c; }

has "$console" app.css app.js favicon.svg index.html licences.md
has "$playground" editor.js editor.licences.txt favicon.svg imagegate.wasm index.html licences.txt playground.css \
  playground.js worker.js
of_console=$(compressed "$console"/*)
of_playground=$(compressed "$playground"/{index.html,favicon.svg,licences.txt,playground.css,playground.js,worker.js})
of_editor=$(compressed "$playground"/editor.*)
of_engine=$(compressed "$playground/imagegate.wasm")
echo "compressed, the console has $of_console bytes, the playground $of_playground, the editor of both $of_editor," \
  "and the engine $of_engine"
((of_console < most_bytes && of_playground < most_bytes && of_editor < most_bytes_of_editor &&
  of_engine < most_bytes_of_engine))

#!/usr/bin/env bash
# Writes the seed corpora from real input: recorded reviews, the table of references, the examples.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mkdir -p corpus/{reference,json,review,policy,pattern,tag,images,import}
cp ../tests/data/propose/images.json corpus/images/
cp ../tests/data/admission-reviews/*.json corpus/review/
cp ../tests/data/admission-reviews/*.json corpus/json/
grep -v '^#' ../tests/data/references.tsv | cut -f 1 | awk 'NF {
  printf "%s", $0 > ("corpus/reference/" NR)
  printf "gcr.io,*.pkg.dev,/docker[.]io.*/\n%s", $0 > ("corpus/pattern/" NR)
}'
ranges=('semver:>=1.20 <2' 'semver:^0.2.3' 'semver:~1.27, <=1.27.9' 'semver:1.27.x' 'semver:*' '*-rc*' '/v?[0-9]+/')
for index in "${!ranges[@]}"; do
  printf '%s\nv1.27.3-alpine' "${ranges[index]}" >"corpus/tag/$index"
done
# Of each pair of blocks on that page, the first is a policy of another engine.
awk '/^```yaml$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside && n % 2 { print > ("corpus/import/" n) }' ../docs/migrate.md
for example in ../config/policy ../config/examples/*/; do
  for file in "$example"/*.yaml; do
    [[ -f $file ]] && cp "$file" "corpus/policy/$(basename "$example")-$(basename "$file")"
  done
done
awk '/^```yaml$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside { print > ("corpus/policy/reference-" n) }' ../docs/policy.md

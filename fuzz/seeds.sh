#!/usr/bin/env bash
# Writes the seed corpora from real input: recorded reviews, the table of references, the examples.
#
# Usage: seeds.sh [DIRECTORY]   corpus by default
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
corpus=${1:-$here/corpus}
mkdir -p "$corpus"
cd "$corpus"

mkdir -p {reference,json,review,policy,format,pattern,tag,images,import}
cp "$here"/../tests/data/propose/images.json images/
cp "$here"/../tests/data/admission-reviews/*.json review/
cp "$here"/../tests/data/admission-reviews/*.json json/
grep -v '^#' "$here"/../tests/data/references.tsv | cut -f 1 | awk 'NF {
  printf "%s", $0 > ("reference/" NR)
  printf "gcr.io,*.pkg.dev,/docker[.]io.*/\n%s", $0 > ("pattern/" NR)
}'
ranges=('semver:>=1.20 <2' 'semver:^0.2.3' 'semver:~1.27, <=1.27.9' 'semver:1.27.x' 'semver:*' '*-rc*' '/v?[0-9]+/')
for index in "${!ranges[@]}"; do
  printf '%s\nv1.27.3-alpine' "${ranges[index]}" >"tag/$index"
done
# Of each pair of blocks on that page, the first is a policy of another engine.
awk '/^```yaml$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside && n % 2 { print > ("import/" n) }' "$here"/../docs/migrate.md
for example in "$here"/../config/policy "$here"/../config/examples/*/; do
  for file in "$example"/*.yaml; do
    [[ -f $file ]] && cp "$file" "policy/$(basename "$example")-$(basename "$file")"
  done
done
awk '/^```yaml$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside { print > ("policy/reference-" n) }' "$here"/../docs/policy.md
cp policy/* format/
# Comments at each place, blank lines, notations and aliases.
seeds=(
  $'# a\n\n# b\nblockedTags: [ # c\n  a, # d\n  # e\n  "1.10"\n] # f\nmode: warn # g\n# h\n'
  $'blockedTags: # a\n# b\n- a # c\n\n# d\n- \'b\'\n# e\nallowedTags: [\n# f\n]\n'
  $'overrides:\n  - mode: warn # a\n    # b\n    name: x\n    # c\n  # d\n  - {name: y, # e\n    mode: audit} # f\n'
  $'exemptions:\n- name: a\n  images: &i [a]\n  reason: >- # a\n    b\n    c\n\n- {name: b, images: *i, reason: "c\\x07"}\n'
  $'overrides: [&o {name: a, namespaces: [x]}, {<<: *o, name: b}]\nrequireTag: !!str true\n'
)
for index in "${!seeds[@]}"; do printf '%s' "${seeds[index]}" >"format/$index"; done

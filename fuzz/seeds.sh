#!/usr/bin/env bash
# Writes the seed corpora from real input: recorded reviews, the table of references, the examples.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mkdir -p corpus/{reference,json,review,policy,format,pattern,tag,images,import}
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
cp corpus/policy/* corpus/format/
# Comments at each place, blank lines, notations and aliases.
seeds=(
  $'# a\n\n# b\nblockedTags: [ # c\n  a, # d\n  # e\n  "1.10"\n] # f\nmode: warn # g\n# h\n'
  $'blockedTags: # a\n# b\n- a # c\n\n# d\n- \'b\'\n# e\nallowedTags: [\n# f\n]\n'
  $'overrides:\n  - mode: warn # a\n    # b\n    name: x\n    # c\n  # d\n  - {name: y, # e\n    mode: audit} # f\n'
  $'exemptions:\n- name: a\n  images: &i [a]\n  reason: >- # a\n    b\n    c\n\n- {name: b, images: *i, reason: "c\\x07"}\n'
  $'overrides: [&o {name: a, namespaces: [x]}, {<<: *o, name: b}]\nrequireTag: !!str true\n'
)
for index in "${!seeds[@]}"; do printf '%s' "${seeds[index]}" >"corpus/format/$index"; done

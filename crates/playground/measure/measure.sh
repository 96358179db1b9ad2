#!/usr/bin/env bash
# Measures the module of the playground beside the native engine, in turn, for one Pod and for 1,000 documents as
# helm prints them: the median of each, and the ratio. Needs node.
#
# Usage: measure.sh [MODULE]
set -euo pipefail
module=$(realpath -- "${1:-$(dirname "${BASH_SOURCE[0]}")/../../../docs/playground/imagegate.wasm}")
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

printf '%s: %d bytes, compressed %d\n' "${module##*/}" "$(stat --format=%s "$module")" "$(gzip -9 <"$module" | wc -c)"
cargo build --locked --release --package imagegate-playground --example measure 2>/dev/null
native=${CARGO_TARGET_DIR:-target}/release/examples/measure

# request DOCUMENTS: what the page would ask.
request() {
  local image document
  for document in $(seq "$1"); do
    image=docker.io/acme/web:1.$document
    ((document % 4)) || image=nginx:latest
    printf -- '---\n# Source: shop/templates/web.yaml\napiVersion: apps/v1\nkind: Deployment\n'
    printf 'metadata:\n  name: web-%d\n  labels:\n    app.kubernetes.io/name: web\n' "$document"
    printf 'spec:\n  replicas: 2\n  template:\n    metadata:\n      labels: {app: web}\n    spec:\n'
    printf '      containers:\n        - name: web\n          image: "%s"\n' "$image"
    printf '          ports: [{containerPort: 8080}]\n          resources:\n            limits: {memory: 64Mi}\n'
  done | jq --raw-input --slurp --compact-output --rawfile policy config/policy/policy.yaml \
    '{policy: $policy, manifest: ., now: 1795820000}'
}

for documents in 1 1000; do
  asked=$(request "$documents")
  runs=$((documents == 1 ? 2000 : 30))
  for round in 1 2 3; do
    here=$("$native" "$runs" <<<"$asked")
    there=$(node crates/playground/measure/module.mjs "$module" "$runs" <<<"$asked")
    awk -v d="$documents" -v r="$round" -v n="$here" -v m="$there" \
      'BEGIN { printf "%d documents, round %d: native %d µs, module %d µs, ratio %.2f\n", d, r, n, m, m / n }'
  done
done

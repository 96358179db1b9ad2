#!/usr/bin/env bash
# Builds the module of the playground anew. Where the compiler is that of the committed one, the bytes have to be
# the same, and `make test` has held those to the native engine; where it is another, this one is held to it, which
# needs node.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

committed=docs/playground/imagegate.wasm
most_bytes=$((1 << 20))

# The section that build.sh writes at the end.
compiler_of() {
  tail -c 128 "$1" | grep -aoE 'rustc [0-9]+\.[0-9]+\.[0-9].*$'
}

mkdir -p target
fresh=$PWD/target/playground.wasm
crates/playground/build.sh "$fresh"
bytes=$(gzip -9 <"$fresh" | wc -c)
echo "the module has $(stat --format=%s "$fresh") bytes, and compressed $bytes"
((bytes < most_bytes))
if [[ $(compiler_of "$fresh") != "$(compiler_of "$committed")" ]]; then
  printf 'the committed module is of %s, and this is %s: what they say is compared\n' \
    "$(compiler_of "$committed")" "$(compiler_of "$fresh")"
  IMAGEGATE_PLAYGROUND=$fresh cargo test --locked --workspace --test parity
elif ! cmp -- "$committed" "$fresh"; then
  echo "$committed is not what the sources build: run \`make playground-wasm\` and commit it" >&2
  exit 1
fi

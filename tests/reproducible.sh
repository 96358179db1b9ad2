#!/usr/bin/env bash
# Builds the release binary twice, in two directories, and compares them byte for byte.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo_home=${CARGO_HOME:-$HOME/.cargo}

build() {
  local tree=$work/$1
  mkdir "$tree"
  git archive HEAD | tar -x -C "$tree"
  # Paths of this machine are the one thing that a build takes from where it runs.
  (cd "$tree" && SOURCE_DATE_EPOCH=$(git -C "$OLDPWD" log -1 --format=%ct) \
    IMAGEGATE_COMMIT=$(git -C "$OLDPWD" rev-parse HEAD) \
    RUSTFLAGS="--remap-path-prefix=$tree=/imagegate --remap-path-prefix=$cargo_home=/cargo" \
    CFLAGS="-ffile-prefix-map=$tree=/imagegate -ffile-prefix-map=$cargo_home=/cargo" \
    cargo build --release --locked --quiet)
  sha256sum <"$tree/target/release/imagegate" | cut -d ' ' -f 1
}

first=$(build first)
second=$(build second-in-another-place)
printf '%s\n%s\n' "$first" "$second"
[[ $first == "$second" ]] || { echo 'the builds differ' >&2; exit 1; }
echo 'the builds are the same'

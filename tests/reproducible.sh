#!/usr/bin/env bash
# Makes the release twice, in two directories, and compares everything that it consists of by its checksums.
#
# Needs what deploy/release.sh needs. Both binaries are built twice: a quarter of an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
IMAGEGATE_COMMIT=$(git rev-parse HEAD)
export SOURCE_DATE_EPOCH IMAGEGATE_COMMIT
# Each in its own.
unset CARGO_TARGET_DIR

# release DIRECTORY UMASK: the checksums.
release() {
  local tree=$work/$1
  mkdir "$tree"
  (
    umask "$2"
    git archive HEAD | tar -x --touch -C "$tree"
    cd "$tree"
    deploy/release.sh >/dev/null
    cat target/dist/SHA256SUMS-*
  )
  rm -rf "$tree"
}

first=$(release first 022)
second=$(release second-in-another-place 077)
printf '%s\n' "$first"
diff <(echo "$first") <(echo "$second") || { echo 'the releases differ' >&2; exit 1; }
echo 'the releases are the same'

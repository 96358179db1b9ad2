#!/usr/bin/env bash
# Builds the release binary of the kubectl plugin for this machine's architecture, and prints its path. The
# same commit gives the same bytes, wherever it is built.
#
# It looks up the host name of the API server, for which a static binary would need exactly the C library that
# it was built with. So it takes that of where it runs: any glibc that is as new as the one here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=$(rustc -vV | sed -n 's/^host: //p')
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# Cargo keeps one build of a package for flags that remap paths, whatever else is among them. In one directory
# with the static binary, each of the two would have all that the other needs built again.
directory=${CARGO_TARGET_DIR:-target}/plugin
# By itself: built in one go with the webhook, each would have the features that the other asks for. Its time
# goes by in waiting for the cluster, so that the thorough link is not worth its minutes.
CARGO_PROFILE_RELEASE_LTO=${CARGO_PROFILE_RELEASE_LTO:-thin} \
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/imagegate --remap-path-prefix=$cargo_home=/cargo" \
CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=/imagegate -ffile-prefix-map=$cargo_home=/cargo" \
  cargo build --locked --release --package kubectl-imagegate --target "$target" --target-dir "$directory" >&2
realpath -- "$directory/$target/release/kubectl-imagegate"

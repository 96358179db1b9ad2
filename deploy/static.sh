#!/usr/bin/env bash
# Builds the static release binary for this machine's architecture, and prints its path. The same commit
# gives the same bytes, wherever it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The toolchain's own C library, linked in: it needs no second compiler for C, as the musl target
# does. glibc warns off static linking because of what it would load as it runs, for host names, user
# names and character sets. ImageGate looks none of these up: its addresses are numbers. A target is
# named so that the flags are for the binary alone, and not for the macros that run at compile time.
target=$(rustc -vV | sed -n 's/^host: //p')
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# Paths of this machine are the one thing that a build takes from where it runs.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static \
--remap-path-prefix=$PWD=/imagegate --remap-path-prefix=$cargo_home=/cargo" \
CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=/imagegate -ffile-prefix-map=$cargo_home=/cargo" \
  cargo build --locked --release --bin imagegate --target "$target" >&2
binary=${CARGO_TARGET_DIR:-target}/$target/release/imagegate
# In an empty image there is no loader and no library to load.
if readelf --program-headers --wide "$binary" | grep -q INTERP; then
  printf 'static.sh: %s is not a static binary\n' "$binary" >&2
  exit 1
fi
realpath -- "$binary"

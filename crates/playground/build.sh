#!/usr/bin/env bash
# Builds the WebAssembly module of the playground. The same sources and the same compiler give the same bytes,
# wherever it is built; a section at the end of the module, `rustc`, says which compiler that was.
#
# Usage: build.sh FILE
set -euo pipefail
file=$(realpath -- "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target=wasm32-unknown-unknown
directory=${CARGO_TARGET_DIR:-target}/playground
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# What is set for other builds would be other bytes.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS "${!CARGO_PROFILE_@}"

# A browser's tab is not to be eaten up by what somebody pastes; what needs more ends the module.
flags=(-C link-arg=--max-memory=$((256 << 20)))
flags+=("--remap-path-prefix=$PWD=/imagegate" "--remap-path-prefix=$cargo_home=/cargo")
# A mirror of the registry has a name of its own here, which is there once its packages are.
cargo fetch --locked --quiet
for sources in "$cargo_home"/registry/src/*; do
  flags+=("--remap-path-prefix=$sources=/cargo/registry")
done

cargo=(cargo)
library=$(rustc --print target-libdir --target "$target" 2>/dev/null || true)
if [[ ! -d $library ]] && ! rustup target add "$target" >&2; then
  # Debian's own Rust has no library for the target, and its source: rustc-web, cargo-web, rust-web-src, lld.
  printf 'build.sh: no library for %s: it is built, by the Rust in /usr/bin\n' "$target" >&2
  export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
  cargo=(/usr/bin/cargo -Z "build-std=std,panic_abort")
  flags+=(-C linker=wasm-ld -C linker-flavor=wasm-ld "--remap-path-prefix=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust=/rustc")
fi
RUSTFLAGS=${flags[*]} CARGO_INCREMENTAL=0 "${cargo[@]}" rustc --locked --profile wasm --target "$target" \
  --target-dir "$directory" --package imagegate-playground --lib --crate-type cdylib >&2

# A custom section of WebAssembly: its number, its length, the length of its name, the name, and a text. Both
# lengths are below 128, and so one byte each.
compiler=$("${RUSTC:-rustc}" --version)
name=rustc
{
  cat "$directory/$target/wasm/imagegate_playground.wasm"
  # shellcheck disable=SC2059 # The format is the two lengths, as octal escapes.
  printf "\\0\\$(printf %o $((1 + ${#name} + ${#compiler})))\\$(printf %o ${#name})"
  printf '%s%s' "$name" "$compiler"
} >"$file.new"
mv "$file.new" "$file"

#!/usr/bin/env bash
# Writes what a release consists of into target/dist, for this machine's architecture: a tarball and a
# Debian package with the static binary, the kubectl plugin, completions and man pages; a bill of materials;
# checksums. The same commit gives the same files.
#
# usage: deploy/release.sh [BINARY [PLUGIN]]   binaries to package, rather than to build them
#
# Needs cargo-deb (cargo install cargo-deb), python3 and binutils.
set -euo pipefail

binary='' plugin=''
[[ $# -lt 1 ]] || binary=$(realpath -- "$1")
[[ $# -lt 2 ]] || plugin=$(realpath -- "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-deb >/dev/null ||
  { printf 'release.sh: needs cargo-deb (cargo install cargo-deb)\n' >&2; exit 2; }
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
IMAGEGATE_COMMIT=${IMAGEGATE_COMMIT:-$(git rev-parse HEAD)}
export SOURCE_DATE_EPOCH IMAGEGATE_COMMIT
umask 022

dist=target/dist
rm -rf "$dist"
mkdir -p "$dist"
[[ -n $binary ]] || binary=$(deploy/static.sh)
[[ -n $plugin ]] || plugin=$(deploy/plugin.sh)
target=$(rustc -vV | sed -n 's/^host: //p')
name=imagegate-$version-${target%%-*}-linux

# No man page has them, and without them what is built already is good enough.
env --unset=SOURCE_DATE_EPOCH --unset=IMAGEGATE_COMMIT make --silent manual
deploy/sbom.py "$target" >"$dist/$name.cdx.json"

deploy/tarball.sh "$binary" "$plugin" target/manual "$name" >"$dist/$name.tar.gz"

# It takes the binaries from where cargo puts them.
built=${CARGO_TARGET_DIR:-target}/$target/release
[[ $binary -ef $built/imagegate ]] || install -D --mode=755 "$binary" "$built/imagegate"
[[ $plugin -ef $built/kubectl-imagegate ]] || install -D --mode=755 "$plugin" "$built/kubectl-imagegate"
cargo deb --quiet --no-build --no-strip --target "$target" --output "$dist/"

(cd "$dist" && sha256sum -- *.tar.gz *.deb *.cdx.json >"SHA256SUMS-${target%%-*}")
ls -l "$dist"

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
completer=crates/kubectl-imagegate/kubectl_complete-imagegate
target=$(rustc -vV | sed -n 's/^host: //p')
name=imagegate-$version-${target%%-*}-linux

make --silent manual
deploy/sbom.py "$target" >"$dist/$name.cdx.json"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
install -D --mode=755 "$binary" "$tree/$name/bin/imagegate"
install --mode=755 "$plugin" "$tree/$name/bin/kubectl-imagegate"
install --mode=755 "$completer" "$tree/$name/bin/"
install --mode=644 LICENSE CHANGELOG.md "$tree/$name/"
install -D --mode=644 --target-directory="$tree/$name/share/man/man1" target/manual/man/*.1
install -D --mode=644 target/manual/completions/imagegate.bash \
  "$tree/$name/share/bash-completion/completions/imagegate"
install -D --mode=644 --target-directory="$tree/$name/share/zsh/site-functions" \
  target/manual/completions/_imagegate
install -D --mode=644 --target-directory="$tree/$name/share/fish/vendor_completions.d" \
  target/manual/completions/imagegate.fish
tar --directory "$tree" --sort=name --owner=0 --group=0 --numeric-owner \
  --mtime="@$SOURCE_DATE_EPOCH" --create "$name" | gzip --no-name --best >"$dist/$name.tar.gz"

# It takes the binaries from where cargo puts them.
built=${CARGO_TARGET_DIR:-target}/$target/release
[[ $binary -ef $built/imagegate ]] || install -D --mode=755 "$binary" "$built/imagegate"
[[ $plugin -ef $built/kubectl-imagegate ]] || install -D --mode=755 "$plugin" "$built/kubectl-imagegate"
cargo deb --quiet --no-build --no-strip --target "$target" --output "$dist/"

(cd "$dist" && sha256sum -- *.tar.gz *.deb *.cdx.json >"SHA256SUMS-${target%%-*}")
ls -l "$dist"

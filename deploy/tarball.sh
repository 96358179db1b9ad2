#!/usr/bin/env bash
# Packs the tarball of a release. The same files give the same bytes, whoever packs them, where, and when.
#
# usage: deploy/tarball.sh BINARY PLUGIN MANUAL NAME   MANUAL: what `make manual` wrote; NAME: of the directory
#                                                      that the tarball, on standard output, unpacks to
#
# SOURCE_DATE_EPOCH is the time that every file gets.
set -euo pipefail

[[ $# -eq 4 && -n ${SOURCE_DATE_EPOCH:-} ]] || { sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2; exit 2; }
binary=$1 plugin=$2 manual=$3 name=$4
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

umask 022
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
install -D --mode=755 "$binary" "$tree/$name/bin/imagegate"
install --mode=755 "$plugin" "$tree/$name/bin/kubectl-imagegate"
install --mode=755 "$root/crates/kubectl-imagegate/kubectl_complete-imagegate" "$tree/$name/bin/"
install --mode=644 "$root/LICENSE" "$root/CHANGELOG.md" "$tree/$name/"
install -D --mode=644 --target-directory="$tree/$name/share/man/man1" "$manual"/man/*.1
install -D --mode=644 "$manual/completions/imagegate.bash" \
  "$tree/$name/share/bash-completion/completions/imagegate"
install -D --mode=644 --target-directory="$tree/$name/share/zsh/site-functions" "$manual/completions/_imagegate"
install -D --mode=644 --target-directory="$tree/$name/share/fish/vendor_completions.d" \
  "$manual/completions/imagegate.fish"
tar --directory "$tree" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
  --mtime="@$SOURCE_DATE_EPOCH" --create "$name" | gzip --no-name --best

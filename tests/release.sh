#!/usr/bin/env bash
# Unpacks and installs what `make release` wrote into target/dist, in directories of its own, and looks
# whether each part works: checksums, the tarball, the Debian package, man pages, completions.
#
# Needs dpkg, man, bash; zsh and fish read their completions where they are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dist=$PWD/target/dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf 'release.sh: %s\n' "$1" >&2
  exit 1
}

(cd "$dist" && sha256sum --check --strict --quiet SHA256SUMS-*)
echo 'the checksums are right'

tar --extract --gzip --file "$dist"/imagegate-*-linux.tar.gz --directory "$work"
unpacked=$(echo "$work"/imagegate-*-linux)
# A new user's first minutes: unpack, check a manifest, get a SARIF file.
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: nginx}]}\n' \
  >"$work/pod.yaml"
status=0
(cd "$work" && env -i "$unpacked/bin/imagegate" check -f pod.yaml -o sarif >found.sarif) || status=$?
[[ $status -eq 1 ]] || fail "check exited with $status"
jq -e '.runs[0].results[0].ruleId == "missing-tag"' "$work/found.sarif" >/dev/null ||
  fail 'no SARIF of the unpacked binary'
echo 'the tarball works'

root=$work/root
mkdir -p "$root/var/lib/dpkg/"{info,updates}
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
dpkg --force-not-root --force-script-chrootless --root="$root" --log=/dev/null \
  --install "$dist"/*.deb >/dev/null
env -i "$root/usr/bin/imagegate" --version
mapfile -t pages < <(find "$root/usr/share/man/man1" -name '*.1.gz' | sort)
[[ ${#pages[@]} -ge 8 ]] || fail "only ${#pages[@]} man pages"
for page in "${pages[@]}"; do
  MANWIDTH=80 man --warnings --local-file "$page" >"$work/page" 2>"$work/warnings"
  grep -q '^SYNOPSIS' "$work/page" || fail "$page has no synopsis"
  [[ ! -s $work/warnings ]] || { cat "$work/warnings"; fail "$page is not clean"; }
done
MANPATH=$root/usr/share/man man imagegate-check 2>/dev/null | grep -q 'policy' ||
  fail 'man does not find imagegate-check'
echo "the package installs; ${#pages[@]} man pages are rendered"

completion=$root/usr/share/bash-completion/completions/imagegate
# As bash asks: the words so far, and which of them is being written.
answers=$(bash -c "source '$completion'; COMP_WORDS=(imagegate che); COMP_CWORD=1
  _imagegate imagegate che imagegate; printf '%s\n' \"\${COMPREPLY[@]}\"")
[[ $answers == check ]] || fail "bash completes che to: $answers"
for shell in zsh fish; do
  if command -v "$shell" >/dev/null; then
    find "$root/usr/share/$shell" -type f -exec "$shell" -n {} \;
  fi
done
echo 'completions are read'

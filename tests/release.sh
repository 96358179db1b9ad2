#!/usr/bin/env bash
# Unpacks and installs what `make release` wrote into target/dist, in directories of its own, and looks
# whether each part works: checksums, the tarball, the Debian package, man pages, completions.
#
# Needs binutils, dpkg, man, bash; zsh and fish read their completions where they are there.
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

# What is in the binaries, and in the page that the plugin embeds.
bill=("$dist"/*.cdx.json)
jq -r '.components[] | select(.purl | startswith("pkg:npm/")) | select(.hashes[0].content | length == 128) |
  "\(.name) - \(.version) (\(.licenses[0].expression))"' "${bill[0]}" | sort >"$work/listed"
sed -n 's/^## //p' crates/kubectl-imagegate/src/console/dist/licences.md docs/playground/*licences.txt | sort -u >"$work/shipped"
[[ $(wc -l <"$work/shipped") -ge 3 ]] || fail 'the page says of no package that it is in it'
diff "$work/shipped" "$work/listed" || fail 'the bill of materials has other packages than the page'
jq -e '[.components[].purl] as $all | ($all | length) == ($all | unique | length) and
  all(["warp", "kube", "kubectl-imagegate"][]; . as $name | any($all[]; startswith("pkg:cargo/\($name)@"))) and
  ([.dependencies[].dependsOn[]] - [.dependencies[].ref] | length) == 0' "${bill[0]}" >/dev/null ||
  fail 'the bill of materials lacks a part'
echo "the bill of materials has $(jq '.components | length' "${bill[0]}") packages, $(wc -l <"$work/listed") of them in the page"

# Packed once more, by somebody with another umask, elsewhere, from files that are older.
packed=$(basename "$dist"/imagegate-*-linux.tar.gz)
name=${packed%.tar.gz}
mkdir "$work/again"
tar --extract --gzip --file "$dist/$packed" --directory "$work/again" "$name/bin"
cp -r target/manual "$work/again/manual"
chmod -R go-rwx "$work/again"
find "$work/again" -exec touch --date=2001-01-01 {} +
(
  umask 077
  export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  deploy/tarball.sh "$work/again/$name/bin/"{imagegate,kubectl-imagegate} "$work/again/manual" "$name" \
    >"$work/again/$packed"
)
cmp "$dist/$packed" "$work/again/$packed" || fail 'packed once more, the tarball is another'
echo 'the tarball is the same when it is packed once more'

# newest_glibc BINARY: the newest version of the C library that it asks for, such as 2.34; nothing for a static one.
newest_glibc() {
  readelf --version-info --wide "$1" | sed -n 's/.*Name: GLIBC_\([0-9.]*\) .*/\1/p' | sort --version-sort | tail -n 1
}
# docs/pipelines.md promises the C library of Debian 12.
promised=2.36
for each in imagegate kubectl-imagegate; do
  wanted=$(newest_glibc "$work/again/$name/bin/$each")
  [[ $(printf '%s\n' "$wanted" "$promised" | sort --version-sort | tail -n 1) == "$promised" ]] ||
    fail "$each wants glibc $wanted, newer than $promised: build it on Debian 12"
  printf '%s wants %s\n' "$each" "$([[ -n $wanted ]] && echo "glibc $wanted" || echo "no C library")"
done

# A new user's first five minutes, as the page has them, with the names of what was made here.
cp "$dist"/imagegate-*-linux.tar.gz "$dist"/SHA256SUMS-* "$work"
unpacked=$(basename "$work"/imagegate-*-linux.tar.gz .tar.gz)
sums=$(basename "$work"/SHA256SUMS-*)
# shellcheck disable=SC2016 # fences of Markdown
sed -n '/^## The first five minutes$/,/^## Exit codes$/p' docs/pipelines.md | sed -n '/^```sh$/,/^```$/{/^```/!p}' |
  sed "s/imagegate-[0-9.]*-x86_64-linux/$unpacked/; s/SHA256SUMS-x86_64/$sums/" >"$work/minutes.sh"
[[ $(wc -l <"$work/minutes.sh") -ge 15 ]] || fail 'docs/pipelines.md has no first five minutes'
status=0
(cd "$work" && env -i PATH=/usr/bin:/bin bash minutes.sh >minutes.txt 2>&1) || status=$?
[[ $status -eq 1 ]] || { cat "$work/minutes.txt"; fail "the first five minutes end with $status"; }
for expected in 'quay.io/acme/web:latest' 'did you mean\|<tag>' 'policy.yaml' ': OK'; do
  grep -q -- "$expected" "$work/minutes.txt" || { cat "$work/minutes.txt"; fail "nobody says $expected"; }
done
jq -e '.runs[0].results | length == 1 and .[0].ruleId == "blocked-tag"' "$work/imagegate.sarif" >/dev/null ||
  fail 'no SARIF of the unpacked binary'
unpacked=$work/$unpacked
env -i "$unpacked/bin/kubectl-imagegate" --version >/dev/null || fail 'the plugin does not start'
# As kubectl asks: what may come next.
PATH=$unpacked/bin:$PATH kubectl_complete-imagegate stat >"$work/completed"
grep -q '^status' "$work/completed" || fail "the plugin completes stat to: $(<"$work/completed")"
echo 'the tarball works, with the plugin'

root=$work/root
mkdir -p "$root/var/lib/dpkg/"{info,updates}
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
# Into an empty system, which lacks the C library that the plugin depends on.
dpkg --force-not-root --force-script-chrootless --force-depends --root="$root" --log=/dev/null \
  --install "$dist"/*.deb >/dev/null
env -i "$root/usr/bin/imagegate" --version
env -i "$root/usr/bin/kubectl-imagegate" --version
[[ -x $root/usr/bin/kubectl_complete-imagegate ]] || fail 'the package has no completions of the plugin'
[[ $(dpkg-deb --field "$dist"/*.deb Depends) == libc6* ]] || fail 'the package does not depend on libc6'
mapfile -t pages < <(find "$root/usr/share/man/man1" -name '*.1.gz' | sort)
[[ ${#pages[@]} -ge 8 ]] || fail "only ${#pages[@]} man pages"
for page in "${pages[@]}"; do
  MANWIDTH=80 man --warnings --local-file "$page" >"$work/page" 2>"$work/warnings"
  grep -q '^SYNOPSIS' "$work/page" || fail "$page has no synopsis"
  [[ ! -s $work/warnings ]] || { cat "$work/warnings"; fail "$page is not clean"; }
done
for page in kubectl-imagegate kubectl-imagegate-status; do
  MANPATH=$root/usr/share/man man "$page" 2>/dev/null | grep -q '^SYNOPSIS' || fail "man does not find $page"
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

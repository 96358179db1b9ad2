#!/usr/bin/env bash
# Prints the krew manifest of the plugin, from deploy/krew/imagegate.yaml and the tarballs of a release. One
# manifest is for all architectures, so it is made last, where the tarballs of all of them are.
#
# usage: deploy/krew.sh [--complete] REPOSITORY [DIRECTORY]
#   --complete   fails unless there is a tarball for each architecture that a release has
#   REPOSITORY   its https:// address
#   DIRECTORY    where the tarballs are, target/dist by default
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
required=()
if [[ ${1:-} == --complete ]]; then
  required=(x86_64 aarch64)
  shift
fi
repository=${1:-} directory=${2:-$root/target/dist}
if [[ $# -gt 2 || ! $repository =~ ^https://[A-Za-z0-9./_-]+$ ]]; then
  sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2
  exit 2
fi
repository=${repository%/}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
template=$root/deploy/krew/imagegate.yaml

# filled LINES TARBALL ARCHITECTURE: these lines of the template.
filled() {
  local sha256=
  [[ -z $2 ]] || sha256=$(sha256sum <"$directory/$2" | cut -d' ' -f1)
  sed -n "$1p" "$template" | sed -e "s|@REPOSITORY@|$repository|g; s|@VERSION@|$version|g" \
    -e "s|@TARBALL@|$2|g; s|@SHA256@|$sha256|g; s|@ARCHITECTURE@|$3|g"
}

for architecture in "${required[@]}"; do
  tarball=imagegate-$version-$architecture-linux.tar.gz
  [[ -e $directory/$tarball ]] ||
    { printf 'krew.sh: there is no %s in %s\n' "$tarball" "$directory" >&2; exit 1; }
done
platforms=$(grep -n '^  platforms:$' "$template" | cut -d: -f1)
manifest=$(filled "3,$platforms" '' '')
found=0
for path in "$directory/imagegate-$version"-*-linux.tar.gz; do
  [[ -e $path ]] || continue
  tarball=$(basename "$path")
  files=$(tar --list --gzip --file "$path")
  grep -q '^[^/]*/bin/kubectl-imagegate$' <<<"$files" ||
    { printf 'krew.sh: there is no plugin in %s\n' "$tarball" >&2; exit 1; }
  architecture=${tarball#"imagegate-$version-"}
  case ${architecture%-linux.tar.gz} in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) printf 'krew.sh: krew has no name for the architecture of %s\n' "$tarball" >&2; exit 1 ;;
  esac
  manifest+=$'\n'$(filled "$((platforms + 1)),\$" "$tarball" "$architecture")
  found=$((found + 1))
done
((found > 0)) || { printf 'krew.sh: no tarball of %s in %s\n' "$version" "$directory" >&2; exit 1; }
printf '%s\n' "$manifest"

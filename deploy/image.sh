#!/usr/bin/env bash
# Builds the container image, by deploy/Dockerfile.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: deploy/image.sh [BINARY]

Builds the container image imagegate:VERSION. With a docker engine all of it happens in docker.
Without one, the binary is built here and buildah makes the image of it; that needs no registry.

  BINARY   a static binary to put into the image, rather than to build one

  IMAGE    another name for the image, as a variable
  BUILDER  another image to compile in, as a variable: a mirror's, say. docker only
USAGE
}

fail() {
  printf 'image.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

binary=
case $#:${1:-} in
  0:) ;;
  1:-h | 1:--help) usage; exit 0 ;;
  1:-*) usage >&2; fail "unknown option: $1" 2 ;;
  1:*) binary=$(realpath -- "$1") ;;
  *) usage >&2; fail 'one binary at most' 2 ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
image=${IMAGE:-imagegate:$version}
arguments=(--file deploy/Dockerfile --tag "$image" --build-arg "VERSION=$version"
  --build-arg "REVISION=$revision")

if [[ -z $binary ]] && docker info >/dev/null 2>&1; then
  [[ -z ${BUILDER:-} ]] || arguments+=(--build-arg "BUILDER=$BUILDER")
  # The commit's time, so that the same commit makes the same image.
  seconds=$(git log -1 --format=%ct 2>/dev/null || true)
  [[ -z $seconds ]] || arguments+=(--build-arg "SOURCE_DATE_EPOCH=$seconds")
  DOCKER_BUILDKIT=1 docker build "${arguments[@]}" .
  printf '%s is in docker\n' "$image"
  exit
fi
command -v buildah >/dev/null ||
  fail 'needs a docker engine that answers, or buildah (apt-get install buildah)'

if [[ -z $binary ]]; then
  binary=$(deploy/static.sh)
# In an empty image there is no loader and no library to load.
elif readelf --program-headers --wide "$binary" | grep -q INTERP; then
  fail "$binary is not a static binary"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$binary" "$work/imagegate"
# In place of the stage that compiles. The commit's time, so that the same binary makes the same image.
seconds=$(git log -1 --format=%ct 2>/dev/null || echo 0)
buildah build --build-context "build=$work" --timestamp "$seconds" "${arguments[@]}" .
printf '%s is in buildah; send it on with: buildah push %s docker://…\n' "$image" "$image"

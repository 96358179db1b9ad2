#!/usr/bin/env bash
# Packages the Helm chart, and pushes the package to an OCI registry.
#
# usage: deploy/chart.sh package [REPOSITORY]   writes target/dist/imagegate-chart-VERSION.tgz; REPOSITORY, an
#                                               https:// address, gives the chart its home and its icon
#        deploy/chart.sh push REGISTRY [FLAG…]  pushes it, to oci://HOST/PATH; flags are those of helm push
#
# Needs helm, in PATH or in the folder that KUBEBUILDER_ASSETS names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ -z ${KUBEBUILDER_ASSETS:-} ]] || PATH=$KUBEBUILDER_ASSETS:$PATH

usage() {
  sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2
  exit 2
}

readonly chart=deploy/helm/imagegate
version=$(sed -n 's/^version: //p' "$chart/Chart.yaml")

package() {
  local repository=${1:-} copy packaged
  copy=$(mktemp -d)
  cp -r "$chart" "$copy/imagegate"
  if [[ -n $repository ]]; then
    [[ $repository =~ ^https://[A-Za-z0-9./_-]+$ ]] || usage
    {
      printf 'home: %s\n' "$repository"
      printf 'sources: [%s]\n' "$repository"
      printf 'icon: %s/raw/v%s/resources/logo_square.png\n' "$repository" "$version"
    } >>"$copy/imagegate/Chart.yaml"
  fi
  mkdir -p target/dist
  helm package --destination "$copy" "$copy/imagegate" >/dev/null
  # The binary's tarball begins alike, so this one says what it is.
  packaged=target/dist/imagegate-chart-$version.tgz
  mv "$copy/imagegate-$version.tgz" "$packaged"
  rm -r "$copy"
  printf '%s\n' "$packaged"
}

case ${1:-} in
  package) package "${2:-}" ;;
  push)
    [[ ${2:-} == oci://* ]] || usage
    helm push "target/dist/imagegate-chart-$version.tgz" "${@:2}"
    ;;
  *) usage ;;
esac

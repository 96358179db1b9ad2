#!/usr/bin/env bash
# Packages the chart, pushes it to a registry of Debian's docker-registry on loopback, pulls it again, and
# looks whether it is the same and renders.
#
# Needs helm, in PATH or in the folder that KUBEBUILDER_ASSETS names. Without docker-registry, says so and
# checks the package alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ -z ${KUBEBUILDER_ASSETS:-} ]] || PATH=$KUBEBUILDER_ASSETS:$PATH

work=$(mktemp -d)
registry=
finish() {
  [[ -z $registry ]] || kill "$registry" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

fail() {
  printf 'FAIL  %s\n' "$1"
  exit 1
}

package=$(deploy/chart.sh package https://example.com/acme/imagegate)
tar --extract --gzip --to-stdout --file "$package" imagegate/Chart.yaml >"$work/Chart.yaml"
for line in 'home: https://example.com/acme/imagegate' 'icon: https://example.com/acme/imagegate/raw/v' \
  'name: The ImageGate authors' 'artifacthub.io/license: MIT'; do
  grep -qF -- "$line" "$work/Chart.yaml" || fail "the packaged chart has no line: $line"
done
helm lint --strict "$package" >"$work/log" || { cat "$work/log"; fail 'helm lint'; }
! grep -q 'icon is recommended' "$work/log" || fail 'the packaged chart has no icon'
printf 'ok    the chart is packaged with its home and icon\n'

if ! command -v docker-registry >/dev/null; then
  printf 'skip  no docker-registry: the chart is not pushed\n'
  exit
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/registry.yml" <<EOF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $work/storage}}
http: {addr: 127.0.0.1:$port}
EOF
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
registry=$!
for _ in {1..100}; do
  ! curl --silent --fail --output /dev/null "http://127.0.0.1:$port/v2/" || break
  kill -0 "$registry" 2>/dev/null || { cat "$work/registry.log"; fail 'docker-registry ended'; }
  sleep 0.1
done

deploy/chart.sh push "oci://127.0.0.1:$port/charts" --plain-http >"$work/log" 2>&1 ||
  { cat "$work/log"; fail 'helm push'; }
version=$(sed -n 's/^version: //p' deploy/helm/imagegate/Chart.yaml)
helm pull --plain-http "oci://127.0.0.1:$port/charts/imagegate" --version "$version" \
  --destination "$work" >"$work/log" 2>&1 || { cat "$work/log"; fail 'helm pull'; }
cmp "$package" "$work/imagegate-$version.tgz" || fail 'what was pulled is not what was pushed'
helm template --set image.repository=example.com/imagegate imagegate "$work/imagegate-$version.tgz" >"$work/rendered" || fail 'helm template'
grep -q 'kind: ValidatingWebhookConfiguration' "$work/rendered" || fail 'the pulled chart renders no webhook'
printf 'ok    the chart is pushed to a registry, pulled, and renders\n'

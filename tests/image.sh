#!/usr/bin/env bash
# The container image, built by buildah and run without an engine: its root file system is mounted as
# the kubelet would have it, read-only, and its entry point run as the user that it names. Root only.
#
# Usage: image.sh [BINARY]
#   BINARY  a static binary for the image; without it, one is built
set -euo pipefail

binary=${1:+$(realpath -- "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
image=imagegate-test:$$
container=
process=
cleanup() {
  # unshare itself heeds no signal, and ends with its child.
  if [[ -n $process ]] && pkill -KILL --parent "$process"; then
    wait "$process" || true
  fi
  [[ -z $container ]] || buildah rm "$container" >/dev/null || true
  buildah rmi --force "$image" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  printf 'image: %s\n' "$*" >&2
  [[ ! -e $work/log ]] || cat "$work/log" >&2
  exit 1
}
[[ $EUID == 0 ]] || fail 'mounting needs root'

# is NAME WANTED GOT
is() {
  [[ $2 == "$3" ]] || fail "$1 is '$3', not '$2'"
  printf 'ok    %s: %s\n' "$1" "$3"
}

# Waits until a command succeeds, for at most ten seconds.
until_true() {
  local deadline=$((SECONDS + 10))
  until "$@"; do
    kill -0 "$process" 2>/dev/null || fail 'it has ended'
    ((SECONDS < deadline)) || fail "waited in vain for: $*"
    read -rt 0.05 <> <(:) || true
  done
}

# --- Build ---
# No docker, even where there is one: what is tested here is the way without it.
if [[ -z $binary ]]; then
  PATH_WITHOUT_DOCKER=$work/bin
  mkdir "$PATH_WITHOUT_DOCKER"
  printf '#!/bin/sh\nexit 1\n' >"$PATH_WITHOUT_DOCKER/docker"
  chmod +x "$PATH_WITHOUT_DOCKER/docker"
fi
PATH=${PATH_WITHOUT_DOCKER:+$PATH_WITHOUT_DOCKER:}$PATH IMAGE=$image deploy/image.sh ${binary:+"$binary"} \
  >"$work/log" 2>&1 || fail 'it cannot be built'
rm "$work/log"

# --- What it says of itself ---
buildah inspect --type image "$image" >"$work/image.json"
says() { jq --raw-output "$1" "$work/image.json"; }
manifest() { sed -n "s/^ *$1: //p" deploy/deployment.yaml | head -n 1; }
user=$(manifest runAsUser):$(manifest runAsGroup)
is user "$user" "$(says .OCIv1.config.User)"
is 'entry point' '/imagegate serve' "$(says '.OCIv1.config | (.Entrypoint + .Cmd) | join(" ")')"
is ports '3000/tcp 8080/tcp' "$(says '.OCIv1.config.ExposedPorts | keys | join(" ")')"
is licence MIT "$(says '.OCIv1.config.Labels["org.opencontainers.image.licenses"]')"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
is version "$version" "$(says '.OCIv1.config.Labels["org.opencontainers.image.version"]')"

# --- What is in it ---
container=$(buildah from --pull-never "$image")
mounted=$(buildah mount "$container")
is files '0:0 555 /imagegate' "$(find "$mounted" -type f -printf '%U:%G %m /%P\n')"
readonly root=$work/root
cp -a "$mounted" "$root"

# --- Run it as a cluster would ---
# What a runtime adds to a root file system, and the kubelet's two volumes: the manifests' own
# policy, and a pair of certificates.sh that only the group may read.
mkdir -p "$root/proc" "$root/etc/imagegate/policy" "$root/etc/imagegate/tls"
cp -r deploy "$work/deploy"
rm -rf "$work/deploy/"{certificates,secret.yaml,webhook.yaml}
"$work/deploy/certificates.sh" >/dev/null
install --group "${user#*:}" --mode 0440 "$work/deploy/certificates/"tls.{crt,key} "$root/etc/imagegate/tls"
sed -n 's/^  \([A-Z_]*\): *"\{0,1\}\([^"]*\)"\{0,1\}$/\1 \2/p' deploy/configmap.yaml |
  while read -r key value; do printf '%s' "$value" >"$root/etc/imagegate/policy/$key"; done
chmod 0755 "$root"

readarray -t entry < <(says '.OCIv1.config | (.Entrypoint + .Cmd)[]')
# A variable of this shell's may hold settings of ImageGate's. There is no load to wait for at the end.
# shellcheck disable=SC2016 # expanded by the inner shell
env --ignore-environment PATH="$PATH" IMAGEGATE_DRAIN_DELAY_SECONDS=0 \
  unshare --mount --pid --fork --kill-child sh -euc '
  root=$1 user=$2
  shift 2
  mount --bind "$root" "$root"
  mount -o remount,bind,ro,nosuid,nodev "$root"
  mount -t proc proc "$root/proc"
  exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
' sh "$root" "$user" "${entry[@]}" --tls-cert /etc/imagegate/tls/tls.crt \
  --tls-key /etc/imagegate/tls/tls.key --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --operator-listen 127.0.0.1:0 \
  --log-format json 2>"$work/log" &
process=$!

field() { sed -n "s/.*ImageGate is ready!.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/log"; }
logged() { [[ -n $(field admin) ]]; }
until_true logged
admin=$(field admin)
webhook=$(field listen)
readyz() { curl --silent --output /dev/null --write-out '%{http_code}' "http://$admin/readyz"; }
ready() { [[ $(readyz) == 200 ]]; }
until_true ready
is /readyz 200 "$(readyz)"

# The running process, as the kernel sees it.
inside=$(pgrep --parent "$process")
status() { awk -v name="$1:" '$1 == name { print $2, $3 }' "/proc/$inside/status"; }
is 'user and group' "${user/:/ }" "$(status Uid | cut -d' ' -f1) $(status Gid | cut -d' ' -f1)"
is capabilities 0000000000000000 "$(status CapEff | tr -d ' ')"
is 'root file system' ro "$(awk '$5 == "/" { print substr($6, 1, 2) }' "/proc/$inside/mountinfo")"

# Over TLS, by the name and the CA that an API server would use.
answer=$(curl --silent --show-error --fail --cacert "$work/deploy/certificates/ca.crt" \
  --resolve "imagegate-webhook.imagegate.svc:${webhook#*:}:127.0.0.1" \
  --header 'Content-Type: application/json' --data-binary @tests/data/admission-reviews/create-pods.json \
  "https://imagegate-webhook.imagegate.svc:${webhook#*:}/validate?timeout=5s")
wanted=$(jq --raw-output .request.uid tests/data/admission-reviews/create-pods.json)
is 'answers the request' "$wanted" "$(jq --raw-output .response.uid <<<"$answer")"
printf '      %s\n' "$(jq --compact-output '.response | {allowed, message: .status.message}' <<<"$answer")"

# --- Leave ---
kill -TERM "$inside"
wait "$process" || fail "it left with $?"
process=
grep -q '"stopped' "$work/log" || fail 'it did not say that it stopped'
printf 'ok    left when told to\n'

buildah push --quiet "$image" "oci-archive:$work/image.tar" >/dev/null
printf 'ok    size: %d bytes, %d as sent to a registry\n' "$(stat --format %s "$mounted/imagegate")" \
  "$(stat --format %s "$work/image.tar")"

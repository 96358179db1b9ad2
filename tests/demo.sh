#!/usr/bin/env bash
# The whole of ImageGate in a few seconds: the four known cases over TLS, a live edit of the policy
# that flips a verdict, an invalid edit that changes nothing, the counters, and the floor that an API server can
# hold of it. Fails where any differs.
#
# Usage: demo.sh BINARY
set -euo pipefail

binary=$1
work=$(mktemp -d)
server=
cleanup() {
  if [[ -n $server ]] && kill -INT "$server" 2>/dev/null; then
    wait "$server" || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

fail() {
  printf 'demo failed: %s\n' "$*" >&2
  cat "$work/log" >&2
  exit 1
}

# Waits until a command succeeds, for at most ten seconds.
until_true() {
  for _ in $(seq 200); do
    "$@" && return
    read -rt 0.05 <> <(:) || true
  done
  fail "timed out waiting for: $*"
}

field() { sed -n "s/.*ImageGate is ready!.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/log"; }
is_ready() { [[ -n $(field listen) ]]; }
metric() { curl -s "http://$admin/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
metric_is() { [[ $(metric "$1") == "$2" ]]; }

# Sends a Pod with one image to the webhook; prints what becomes of it.
run() {
  local image=$1 answer
  answer=$(curl -sk --fail-with-body "https://$webhook/validate?timeout=5s" \
    -H 'Content-Type: application/json' --data-binary @- <<JSON
{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
  "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "default",
  "kind": {"group": "", "version": "v1", "kind": "Pod"},
  "object": {"spec": {"containers": [{"name": "nginx", "image": "$image"}]}}}}
JSON
  )
  printf '%s\n' "$image"
  if [[ $answer == *'"allowed":true'* ]]; then
    echo '  admitted'
  else
    sed -E 's/.*"status":"Failure","message":"(([^"\\]|\\.)*)".*/  denied: \1/; s/\\"/"/g' <<<"$answer"
  fi
}

expect() {
  local output
  output=$(run "$1")
  echo "$output"
  [[ $output == *"$2"* ]] || fail "$1 is not answered with: $2"
}

mkdir "$work/policy"
cat >"$work/policy/policy.yaml" <<'YAML'
allowedRegistries: [docker.io, gcr.io]
blockedTags: [staging, latest]
YAML

say 'start: a self-signed certificate, a policy in a directory'
"$binary" serve --self-signed --policy "$work/policy" --listen 127.0.0.1:0 \
  --admin-listen 127.0.0.1:0 --operator-listen 127.0.0.1:0 --log-format json 2>"$work/log" &
server=$!
until_true is_ready
webhook=$(field listen)
admin=$(field admin)
tail -n 1 "$work/log"

say 'four cases'
expect nginx 'nginx image has no tag! (nginx). Only images with tags are allowed.'
expect nginx:latest 'nginx image comes from an untrusted registry! (nginx:latest). Only images from docker.io,gcr.io are allowed.'
expect docker.io/nginx:latest 'nginx image has a non-allowed tag! (docker.io/nginx:latest). These tags "staging,latest" are prohibited.'
expect docker.io/nginx:1.20 admitted

say 'fmt: one style, comments kept, the same policy'
printf '%s\n' 'blockedTags: ["latest"] # no moving tags' 'allowedRegistries:' '- "docker.io"' >"$work/written.yaml"
"$binary" fmt --write "$work/written.yaml"
printf '%s\n' 'allowedRegistries: [docker.io]' 'blockedTags: [latest]  # no moving tags' | diff - "$work/written.yaml" ||
  fail 'it is written in another style'
cat "$work/written.yaml"

say 'a floor: how much of the policy an API server can hold by itself, in CEL'
"$binary" export vap --policy "$work/policy" 2>&1 >"$work/floor.yaml" | tee "$work/held"
grep -q ' 3 rules are held wholly, 1 in part, 0 not$' "$work/held" || fail 'the floor holds something else'

say 'edit the policy while it runs: + quay.io, - docker.io'
sed -i 's/docker.io/quay.io/' "$work/policy/policy.yaml"
until_true metric_is imagegate_policy_generation 2
expect quay.io/acme/web:1 admitted
expect docker.io/nginx:1.20 'Only images from quay.io,gcr.io are allowed.'
if "$binary" export vap --policy "$work/policy" --check "$work/floor.yaml"; then
  fail 'the floor is of another policy'
fi

say 'an invalid edit: nothing changes, and the log and /policy say why'
echo 'mode: strict' >>"$work/policy/policy.yaml"
until_true metric_is imagegate_policy_last_reload_successful 0
expect quay.io/acme/web:1 admitted
curl -s "http://$admin/policy" | sed -n '/"problems"/,/]/p'

say 'the counters'
curl -s "http://$admin/metrics" |
  grep -E '^imagegate_(admission_decisions|violations|policy_reloads)_total' | grep -v ' 0$'
metric_is 'imagegate_admission_decisions_total{decision="allow",mode="enforce",operation="CREATE"}' 3 ||
  fail 'three Pods were admitted'
metric_is 'imagegate_admission_decisions_total{decision="deny",mode="enforce",operation="CREATE"}' 4 ||
  fail 'four Pods were refused'

say 'done'

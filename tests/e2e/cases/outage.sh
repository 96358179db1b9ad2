# Nobody answers, or somebody who cannot be trusted.

local_gate

# notices TEXT ARGUMENT…: the API server takes a moment; then what try_pod says has TEXT.
notices() {
  local text=$1
  shift
  eventually 20 says "$text" "$@" || { try_pod "$@"; say "it does not say: $text"; }
}
says() {
  local answer
  answer=$(try_pod "${@:2}" 2>&1) || true
  [[ $answer == *"$1"* ]]
}
readonly good=docker.io/nginx:1.20

stop_gate
check 'down, under Fail: a good Pod is refused, and kubectl says by whom' \
  refused 'failed calling webhook "com.imagegate.webhook"' try_pod "$good"
kube_system() {
  succeeds try_pod nginx -n kube-system
}
check 'down, under Fail: kube-system is not touched' kube_system
let_alone() {
  succeeds kubectl create namespace alone
  register_url "e2e-$file-guard" "$port" "$scratch/ca.crt"
  refused 'failed calling webhook "namespace.imagegate.webhook"' \
    kubectl label namespace alone imagegate/disable-filtering=true
  succeeds kubectl label namespace alone team=shop
  kubectl delete validatingwebhookconfiguration "e2e-$file-guard"
}
check 'down, under Fail: nobody can take a namespace out of the gate, other labels go' let_alone
config_edit() {
  kubectl apply -f "$scratch/deploy/namespace.yaml" -f "$scratch/deploy/configmap.yaml"
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate \
    --patch '{"data":{"BLOCKED_TAGS":"latest"}}'
}
check 'down, under Fail: the policy can still be edited' config_edit

register_url "e2e-$file" "$port" "$scratch/ca.crt" Ignore
check 'down, under Ignore: a bad Pod is admitted' notices 'created (server dry run)' nginx

register_url "e2e-$file" "$port" "$scratch/ca.crt" Fail
back() {
  notices 'failed calling webhook' "$good"
  start_gate gate-again "$port" --policy "$scratch/policy" --tls-cert "$scratch/gate.crt" \
    --tls-key "$scratch/gate.key"
  wait_until_judged
  succeeds try_pod "$good"
}
check 'back again: it judges at once, nothing else is to be done' back

authority "$scratch/other"
register_url "e2e-$file" "$port" "$scratch/other.crt" Fail
check 'a CA that did not sign the certificate, under Fail: refused' notices \
  'signed by unknown authority' "$good"
register_url "e2e-$file" "$port" "$scratch/other.crt" Ignore
check 'a CA that did not sign the certificate, under Ignore: admitted' notices 'created (server dry run)' nginx

port=$(free_port)
pair "$scratch/ca" "$scratch/elsewhere" /CN=gate DNS:gate.example.com,IP:192.0.2.1
start_gate gate-elsewhere "$port" --policy "$scratch/policy" --tls-cert "$scratch/elsewhere.crt" \
  --tls-key "$scratch/elsewhere.key"
register_url "e2e-$file" "$port" "$scratch/ca.crt" Fail
check 'a certificate for another address, under Fail: refused' notices 'certificate is valid for' "$good"
register_url "e2e-$file" "$port" "$scratch/ca.crt" Ignore
check 'a certificate for another address, under Ignore: admitted' notices 'created (server dry run)' nginx

broken_from_the_start() {
  printf 'allowedRegistries: []\n' >"$scratch/broken.yaml"
  port=$(free_port)
  start_gate gate-broken "$port" --policy "$scratch/broken.yaml" --tls-cert "$scratch/gate.crt" \
    --tls-key "$scratch/gate.key"
  same 503 "$(curl -s -o "$scratch/page" -w '%{http_code}' "http://$gate_admin/readyz")"
  register_url "e2e-$file" "$port" "$scratch/ca.crt" Fail
  notices 'there is no valid policy yet' "$good"
}
check 'without a valid policy from the start: alive, not ready, and nothing is admitted' broken_from_the_start

# The only slot is held by a body that would take three seconds: it makes room for the API server.
overloaded() {
  local body=$scratch/slow.json before slow
  head -c 6144 /dev/zero | tr '\0' ' ' >"$body"
  port=$(free_port)
  IMAGEGATE_MAX_REQUESTS=1 start_gate gate-small "$port" --policy "$scratch/policy" \
    --tls-cert "$scratch/gate.crt" --tls-key "$scratch/gate.key"
  register_url "e2e-$file" "$port" "$scratch/ca.crt" Fail
  wait_until_judged
  before=$(metric imagegate_requests_shed_total)
  curl -s --http1.1 --cacert "$scratch/ca.crt" --limit-rate 2k -H 'Content-Type: application/json' -H 'Expect:' \
    --data-binary "@$body" -o "$scratch/page" -D "$scratch/head" "https://127.0.0.1:$port/validate" &
  slow=$!
  eventually 5 metric_is imagegate_requests_in_flight 1
  succeeds try_pod "$good"
  wait "$slow"
  grep -qi '^retry-after: 1' "$scratch/head" || say 'the slow body was not told to come back'
  (($(metric imagegate_requests_shed_total) > before)) || say 'nothing was turned away'
}
metric_is() {
  same "$2" "$(metric "$1")"
}
check 'overloaded: a body that arrives slowly makes room for the API server' overloaded

break_glass() {
  succeeds kubectl delete validatingwebhookconfiguration "e2e-$file"
  notices 'created (server dry run)' nginx
}
check 'locked out: deleting the webhook configuration always works, and frees all' break_glass

# Certificates rotated as certificates.sh tells, under load: the Service is asked, a stand-in for
# kubelet brings the Secret, and no request may fail.

port=$(free_port)
deploy=$scratch/deploy
make_manifests
for manifest in namespace secret configmap webhook; do
  kubectl apply --filename "$deploy/$manifest.yaml" >/dev/null
done
route_service "$port"
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
# Connections that are a second old are asked to go, so that handshakes go on all the time; the poll
# is no help.
IMAGEGATE_CONNECTION_AGE_SECONDS=1 IMAGEGATE_POLL_SECONDS=3600 start_gate gate "$port" \
  --policy "$scratch/policy" --tls-cert "$scratch/tls/tls.crt" --tls-key "$scratch/tls/tls.key"
wait_until_judged

# fingerprint FILE, or what the gate shows now.
fingerprint() {
  openssl x509 -noout -fingerprint -sha256 ${1:+-in "$1"}
}
shown() {
  openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | fingerprint
}
shows_new() {
  [[ $(shown) == "$(fingerprint "$deploy/certificates/tls.crt")" ]]
}
apply_secret() {
  succeeds kubectl apply --filename "$deploy/secret.yaml"
  eventually 20 shows_new || say 'the gate does not show the new certificate'
}
apply_webhook() {
  # The address is this machine's; the rest is what certificates.sh wrote.
  kubectl create --dry-run=client --filename "$deploy/webhook.yaml" -o json |
    jq --argjson port "$port" '.webhooks[].clientConfig.service.port = $port' |
    kubectl apply --filename -
}

pair_rotated() {
  local round before
  start_load 3
  for round in 1 2 3; do
    before=$(metric 'imagegate_tls_reloads_total{result="success"}')
    "$deploy/certificates.sh" --days $((90 + round))
    apply_secret
    (($(metric 'imagegate_tls_reloads_total{result="success"}') > before)) || say 'no reload is counted'
    more_load 60
  done
  stop_load
}
check 'a new pair by the same CA, three times: not one request fails' pair_rotated

authority_rotated() {
  start_load 3
  "$deploy/certificates.sh" --new-ca
  apply_webhook
  more_load 60
  apply_secret
  more_load 60
  rm "$deploy/certificates/ca-previous.crt"
  "$deploy/certificates.sh"
  # The new pair first: it is trusted already, the old CA no longer needed.
  apply_secret
  more_load 20
  apply_webhook
  more_load 60
  stop_load
}
check 'a new CA, and the old one no longer trusted: not one request fails' authority_rotated

bad_pair() {
  local before
  before=$(shown)
  start_load 2
  succeeds kubectl patch secret imagegate-webhook-certificates -n imagegate \
    --patch '{"stringData":{"tls.key":"nonsense"}}'
  eventually 10 failure_counted || say 'no failure is counted'
  more_load 40
  same "$before" "$(shown)"
  stop_load
}
failure_counted() {
  (($(metric 'imagegate_tls_reloads_total{result="failure"}') > 0))
}
check 'a Secret with a broken key: counted, and the old pair goes on' bad_pair
healed() {
  "$deploy/certificates.sh"
  apply_secret
  succeeds try_pod docker.io/nginx:1.20
}
check 'and a good one heals it' healed

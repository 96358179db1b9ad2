# The seed's transcript at a URL on loopback, over each protocol that the API server speaks there.

make_manifests
authority "$scratch/ca"
pair "$scratch/ca" "$scratch/gate" /CN=gate IP:127.0.0.1

# serve PROTOCOLS: a gate that offers nothing else, and the API server asks it.
serve() {
  port=$(free_port)
  IMAGEGATE_PROTOCOLS=$1 start_gate "gate-$port" "$port" --policy "$root/config/examples/simple" \
    --tls-cert "$scratch/gate.crt" --tls-key "$scratch/gate.key"
  register_url "e2e-transcript" "$port" "$scratch/ca.crt"
}

# ends_up_with VERSION CURL-OPTION…: what a handshake with the gate ends up with.
ends_up_with() {
  same "$1" "$(curl -s -o "$scratch/page" -w '%{http_version}' --cacert "$scratch/ca.crt" \
    "${@:2}" "https://127.0.0.1:$port/")"
}

# Six Pods are asked for, one of them in a namespace that is let alone.
counted() {
  same 'denied 4, allowed 1' "denied $(($(decisions deny) - denied)), allowed $(($(decisions allow) - allowed))"
}

# replayed CURL-OPTION…: every recorded request of an API server, answered with its uid.
replayed() {
  local body answer
  for body in "$root"/tests/data/admission-reviews/*.json; do
    answer=$(curl -sS --fail --cacert "$scratch/ca.crt" "$@" --data-binary "@$body" \
      -H 'Content-Type: application/json' "https://127.0.0.1:$port/validate?timeout=5s")
    same "$(jq -r .request.uid "$body")" "$(jq -r .response.uid <<<"$answer")"
    same boolean "$(jq -r '.response.allowed | type' <<<"$answer")"
  done
}

# Some API servers (1.20.2 for one) offer webhooks HTTP/1.1 only: a gate that has nothing but HTTP/2
# tells them apart.
not_spoken() {
  local answer
  answer=$(try_pod nginx 2>&1) || true
  [[ $answer == *'no application protocol'* ]]
}
judges_or_cannot() {
  judges || not_spoken
}

serve h2
check 'the gate that offers HTTP/2 only speaks it' ends_up_with 2 --http2
check 'and answers what API servers have sent, over HTTP/2' replayed --http2
eventually 20 judges_or_cannot || true
if not_spoken; then
  skip "the seed's transcript, over HTTP/2" 'this API server asks webhooks over HTTP/1.1 only'
else
  check "the seed's transcript, over HTTP/2" transcript tests/data/seed-transcript.txt
fi
reset_cluster
stop_gate

serve http/1.1
check 'the gate that offers HTTP/1.1 only speaks it, whatever is asked for' ends_up_with 1.1 --http2
check 'and answers what API servers have sent, over HTTP/1.1' replayed
check 'and the API server asks it' wait_until_judged
denied=$(decisions deny) allowed=$(decisions allow)
check "the seed's transcript, over HTTP/1.1 at a URL" transcript tests/data/seed-transcript.txt
check 'the counters have just what was asked' counted

# The kubectl plugin where the way to the cluster is not as it should be.

two_replicas

through_a_proxy() {
  local proxy
  proxy=$(free_port)
  spawn proxy python3 "$e2e/lib/proxy.py" "$proxy"
  eventually 10 curl -s -o /dev/null "http://127.0.0.1:$proxy/"
  jq --arg proxy "http://127.0.0.1:$proxy" '.clusters[0].cluster["proxy-url"] = $proxy' "$KUBECONFIG" \
    >"$scratch/proxied"
  asks 0 status --kubeconfig "$scratch/proxied"
  has "$(cat "$scratch/proxy.log")" "${server#https://}"
  : >"$scratch/proxy.log"
  # The variables that kubectl follows, where the kubeconfig says nothing.
  local status=0
  env --unset=NO_PROXY --unset=no_proxy HTTPS_PROXY="http://127.0.0.1:$proxy" "$plugin" status >"$scratch/out.txt" 2>&1 || status=$?
  same 0 "$status"
  has "$(cat "$scratch/proxy.log")" "${server#https://}"
  jq '.clusters[0].cluster["proxy-url"] = "http://127.0.0.1:1"' "$KUBECONFIG" >"$scratch/proxied"
  asks 2 status --kubeconfig "$scratch/proxied"
  has "$err" 'does not answer'
}
that_says_nothing() {
  local silent begin=$SECONDS
  silent=$(free_port)
  spawn silent python3 -c "import socket, time; s = socket.create_server(('127.0.0.1', $silent)); time.sleep(600)"
  eventually 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$silent"
  jq --arg server "https://127.0.0.1:$silent" '.clusters[0].cluster.server = $server' "$KUBECONFIG" >"$scratch/silent.json"
  asks 2 status --kubeconfig "$scratch/silent.json" --request-timeout 1s
  has "$err" 'did not answer within 1s'
  has "$err" 'hint: --request-timeout sets how long to wait'
  ((SECONDS - begin < 60)) || say "$((SECONDS - begin)) s"
  asks 2 status --request-timeout soon
  has "$err" 'write it as 30, 5s, 2m or 1h'
}
that_goes_away() {
  local proxy proxy_id
  proxy=$(free_port)
  spawn leaving python3 "$e2e/lib/proxy.py" "$proxy"
  proxy_id=$spawned
  eventually 10 curl -s -o /dev/null "http://127.0.0.1:$proxy/"
  jq --arg proxy "http://127.0.0.1:$proxy" '.clusters[0].cluster["proxy-url"] = $proxy' "$KUBECONFIG" \
    >"$scratch/leaving.json"
  spawn tail "$plugin" tail --kubeconfig "$scratch/leaving.json"
  refused 'untrusted registry' kubectl run first --image evil.example/first:1 --namespace default
  eventually 20 grep -q evil.example/first:1 "$scratch/tail.log" || say "$(cat "$scratch/tail.log")"
  end_group "$proxy_id"
  eventually 20 grep -q 'are not known at the moment' "$scratch/tail.log" || say "$(cat "$scratch/tail.log")"
  refused 'untrusted registry' kubectl run second --image evil.example/second:1 --namespace default
  spawn leaving python3 "$e2e/lib/proxy.py" "$proxy"
  eventually 20 grep -q evil.example/second:1 "$scratch/tail.log" || say "$(cat "$scratch/tail.log")"
  same 1 "$(grep -c evil.example/first:1 "$scratch/tail.log")"
  ! grep -q warning "$scratch/tail.log" || say "$(cat "$scratch/tail.log")"
}
# older: a replica of the version before, which knows neither an operator port nor half of its page.
older() {
  local place
  place=$(free_port)
  mkdir "$scratch/older"
  gate_page policy | jq '{hash, generation, appliedAt, policy}' >"$scratch/older/policy"
  spawn older python3 -m http.server --protocol HTTP/1.1 --bind 127.0.0.1 --directory "$scratch/older" "$place"
  eventually 10 curl -sf "http://127.0.0.1:$place/policy"
  make_replica imagegate imagegate-webhook-older "127.0.0.1:$place" "$port"
  asks 0 status
  same "3 of 3 replicas enforce $(policy_hash)" "$(first)"
  asks 1 explain quay.io/acme/agent:1 --namespace default
  asks 2 tail --no-follow
  has "$err" 'warning: a replica is left out: error forwarding port 8081'
  asks 2 images
  has "$err" 'warning: what imagegate-webhook-older remembers is not known'
  has "$out" evil.example/first:1
  # Something answers there, and is no operator port.
  printf '127.0.0.1:%s\n' "$place" >"$forwards/imagegate_imagegate-webhook-older_8081"
  asks 2 tail --no-follow
  has "$err" 'there is no /decisions: this is no operator port'
  has "$err" 'hint: the gate is older than this plugin'
  kubectl delete pod imagegate-webhook-older --namespace imagegate --grace-period 0 --force
}
not_allowed_to_forward() {
  kubectl create role looks --namespace imagegate --verb list --resource pods,configmaps
  kubectl create rolebinding carol-looks --namespace imagegate --role looks --user carol
  asks 2 tail --no-follow --as carol
  has "$err" 'User "carol" cannot'
  asks 1 explain quay.io/acme/agent:1 --as carol
  # As herself: whether the gate is asked about the namespace is more than she may know.
  jq '.users[0].user.as = "carol"' "$KUBECONFIG" >"$scratch/carol"
  asks 2 explain docker.io/library/nginx:1.27 --namespace default --kubeconfig "$scratch/carol"
  has "$out" 'verdict    allow'
  has "$err" 'warning: not allowed to list validatingwebhookconfigurations'
  has "$err" 'warning: not allowed to get the namespace default'
  asks 1 explain quay.io/acme/agent:1 --namespace default --kubeconfig "$scratch/carol"
  asks 2 images --as carol --gate-namespace imagegate
  has "$err" 'User "carol" cannot'
  asks 1 status --as carol --gate-namespace imagegate
  has "$out" 'cannot be asked: pods "imagegate-webhook-one" is forbidden'
}
by_its_operator_port() {
  asks 0 tail --no-follow --endpoint "http://$gate_operator" --image first -o json
  same '"evil.example/first:1"' "$(jq -c .image "$scratch/out.txt")"
  asks 0 images --endpoint "http://$gate_operator"
  has "$out" evil.example/first:1
  asks 2 tail --no-follow --endpoint "http://$gate_admin"
  has "$err" 'or --endpoint names its admin port'
}

check 'a proxy, by the kubeconfig and by a variable' through_a_proxy
check 'an API server that says nothing' that_says_nothing
check 'a cluster that goes away, and comes back' that_goes_away
check 'a replica of an older version' older
check 'whoever may not forward ports is told so' not_allowed_to_forward
check 'the operator port by its address' by_its_operator_port

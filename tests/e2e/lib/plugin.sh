# The kubectl plugin, and two replicas of the gate behind the API server's port-forward.

# two_replicas: until the end of the file. Sets `port`, the one that the API server asks: that of replica one.
two_replicas() {
  deploy=$scratch/deploy
  port=$(free_port)
  make_manifests
  for manifest in namespace secret webhook; do
    kubectl apply --filename "$deploy/$manifest.yaml" >/dev/null
  done
  # As install.sh does: from then on it belongs to people.
  kubectl create --filename "$deploy/configmap.yaml" >/dev/null
  # API servers before 1.21 do not do it themselves.
  kubectl label --overwrite namespace imagegate kubernetes.io/metadata.name=imagegate >/dev/null
  route_service "$port"
  mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
  mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
  start_kubelet
  replica two "$(free_port)" "$scratch/policy"
  replica one "$port" "$scratch/policy"
  wait_until_judged
}

# replica NAME PORT POLICY-FOLDER: a process, and the Pod that leads to it.
replica() {
  start_gate "$1" "$2" --policy "$3" --tls-cert "$scratch/tls/tls.crt" --tls-key "$scratch/tls/tls.key"
  make_replica imagegate "imagegate-webhook-$1" "$gate_admin" "$2" "$gate_operator"
}

# with_admission_policies: the kinds of a floor, by a stand-in before the API server, since older ones have
# none. Sets `admission`, its port; $scratch/with-floor.json is a kubeconfig that leads to it, and
# $scratch/denied may name what it forbids.
with_admission_policies() {
  admission=$(free_port)
  spawn admission python3 "$e2e/lib/admission_policies.py" "$admission" "$server" "$work/cluster/ca.crt" \
    "$work/cluster/admin.crt" "$work/cluster/admin.key" "$scratch/denied"
  eventually 10 curl -s -o /dev/null "http://127.0.0.1:$admission/version"
  jq --arg server "http://127.0.0.1:$admission" '.clusters[0].cluster = {server: $server} | .users[0].user = {}' \
    "$KUBECONFIG" >"$scratch/with-floor.json"
}

# asks EXIT ARGUMENT…: runs the plugin; sets `out` and `err`.
asks() {
  local expected=$1 status=0
  shift
  "$plugin" "$@" >"$scratch/out.txt" 2>"$scratch/err.txt" || status=$?
  out=$(cat "$scratch/out.txt") err=$(cat "$scratch/err.txt")
  ((status == expected)) || say "exit $status instead of $expected"$'\n'"$out"$'\n'"$err"
}

# first: the first line of what was printed.
first() {
  head -n 1 "$scratch/out.txt"
}

config_map() {
  kubectl get configmap imagegate-webhook-config --namespace imagegate "$@"
}

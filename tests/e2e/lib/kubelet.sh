# A node of the cluster with a stand-in for its kubelet, and replicas of the gate on it: Pods as plain
# objects, whose ports lead to processes on this machine.

# start_kubelet: a node named `node` until the end of the file. Sets `forwards`, the folder of the
# places that ports lead to.
start_kubelet() {
  kubelet_port=$(free_port)
  forwards=$scratch/forwards
  mkdir -p "$forwards"
  authority "$scratch/kubelet-ca"
  pair "$scratch/kubelet-ca" "$scratch/kubelet" /CN=node IP:127.0.0.1
  run_kubelet
  jq -n '{apiVersion: "v1", kind: "Node", metadata: {name: "node"}}' | kubectl apply --filename - >/dev/null
  kubectl get node node -o json | jq --argjson port "$kubelet_port" '.status = {
      addresses: [{type: "InternalIP", address: "127.0.0.1"}],
      daemonEndpoints: {kubeletEndpoint: {Port: $port}}}' |
    kubectl replace --raw /api/v1/nodes/node/status --filename - >/dev/null
}

# run_kubelet: its process. Sets `kubelet_id`.
run_kubelet() {
  spawn kubelet python3 "$e2e/lib/kubelet.py" "$kubelet_port" "$scratch/kubelet.crt" "$scratch/kubelet.key" \
    "$forwards"
  kubelet_id=$spawned
}

# make_replica NAMESPACE NAME ADMIN WEBHOOK [OPERATOR]: a running Pod of the gate, whose ports lead to these
# on this machine. Without an operator port it is as one of an older version.
make_replica() {
  jq -n --arg name "$2" --arg namespace "$1" '{apiVersion: "v1", kind: "Pod",
    metadata: {name: $name, namespace: $namespace,
      labels: {"app.kubernetes.io/name": "imagegate", "app.kubernetes.io/component": "webhook"}},
    spec: {nodeName: "node", containers: [{name: "imagegate", image: "docker.io/acme/imagegate:1",
      ports: [{name: "admin", containerPort: 8080}, {name: "webhook", containerPort: 3000}]}]}}' |
    kubectl apply --filename - >/dev/null
  report_pod "$1" "$2" Running '[{"name": "imagegate", "ready": true, "restartCount": 0, "image": "", "imageID": "",
    "state": {"running": {}}}]'
  printf '%s\n' "$3" >"$forwards/$1_$2_8080"
  printf '127.0.0.1:%s\n' "$4" >"$forwards/$1_$2_3000"
  [[ -z ${5:-} ]] || printf '%s\n' "$5" >"$forwards/$1_$2_8081"
}

# report_pod NAMESPACE NAME PHASE STATUSES: what a kubelet would report.
report_pod() {
  jq -n --arg phase "$3" --argjson statuses "$4" '{status: {phase: $phase, containerStatuses: $statuses}}' |
    api "/api/v1/namespaces/$1/pods/$2/status" -X PATCH \
      -H 'Content-Type: application/strategic-merge-patch+json' --data-binary @- >/dev/null
}

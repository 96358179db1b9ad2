# The cluster: etcd, kube-apiserver, and a stand-in for the controller that empties namespaces.

# start_cluster: sets `server`, `server_version`, `server_minor` (its number after `1.`) and
# `audit_log`, and exports KUBECONFIG with an admin.
start_cluster() {
  local attempt
  authority "$scratch/ca"
  pair "$scratch/ca" "$scratch/apiserver" /CN=apiserver \
    'IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc'
  pair "$scratch/ca" "$scratch/admin" /O=system:masters/CN=admin
  openssl ecparam -name prime256v1 -genkey -noout -out "$scratch/sa.key"
  openssl ec -in "$scratch/sa.key" -pubout -out "$scratch/sa.pub" 2>/dev/null
  # Metadata is enough: it holds the annotations, and no body.
  cat >"$scratch/audit-policy.yaml" <<'AUDIT'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create, update, patch]
    resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}]
  - level: None
AUDIT
  audit_log=$scratch/audit.log
  # Between the choice of a port and its use, another process may take it.
  for attempt in 1 2 3; do
    start_servers && break
    end_everything "$scratch"
    if ((attempt == 3)); then
      tail -n 20 "$scratch/etcd.log" "$scratch/kube-apiserver.log" >&2
      printf 'the API server does not start\n' >&2
      exit 1
    fi
  done
  server_version=$(kubectl get --raw /version | jq -r .gitVersion)
  # Some providers write `29+`.
  server_minor=$(kubectl get --raw /version | jq -r '.minor | sub("[^0-9].*"; "")')
  # From 1.21 on the API server sets this label itself; before, the runbook says to do it by hand.
  if ((server_minor < 21)); then
    kubectl label --overwrite namespace kube-system kubernetes.io/metadata.name=kube-system >/dev/null
  fi
  namespaced=$(kubectl api-resources --namespaced --verbs=delete,list -o name | grep -v -e '^events' |
    paste -sd,)
  spawn namespaces empty_namespaces
}

start_servers() {
  local client peer secure gates=()
  client=$(free_port) peer=$(free_port) secure=$(free_port)
  rm -rf "$scratch/etcd"
  spawn etcd "$assets/etcd" --data-dir "$scratch/etcd" \
    --listen-client-urls "http://127.0.0.1:$client" \
    --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer"
  eventually 20 curl -sf "http://127.0.0.1:$client/health" || return 1
  # Debug containers are on from 1.23 on, and have to be asked for before. Nobody serves /version yet.
  if [[ $("$assets/kube-apiserver" --version) =~ v1\.([0-9]+) ]] && ((BASH_REMATCH[1] < 23)); then
    gates=(--feature-gates=EphemeralContainers=true)
  fi
  spawn kube-apiserver "$assets/kube-apiserver" "${gates[@]}" \
    --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 --secure-port="$secure" \
    --advertise-address=127.0.0.1 --endpoint-reconciler-type=none --cert-dir="$scratch" \
    --tls-cert-file="$scratch/apiserver.crt" --tls-private-key-file="$scratch/apiserver.key" \
    --client-ca-file="$scratch/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$scratch/sa.pub" \
    --service-account-signing-key-file="$scratch/sa.key" \
    --service-cluster-ip-range=10.96.0.0/24 --authorization-mode=RBAC --allow-privileged=true \
    --disable-admission-plugins=ServiceAccount \
    --audit-policy-file="$scratch/audit-policy.yaml" --audit-log-path="$audit_log"
  local apiserver=$spawned
  server=https://127.0.0.1:$secure
  export KUBECONFIG=$scratch/kubeconfig
  kubeconfig >"$KUBECONFIG"
  eventually 60 ready_or_dead "$apiserver" && alive "$apiserver" &&
    eventually 20 kubectl get namespace default kube-system
}

ready_or_dead() {
  ! alive "$1" || kubectl get --raw /readyz
}

kubeconfig() {
  jq -n --arg server "$server" --arg folder "$scratch" '{
    apiVersion: "v1", kind: "Config", "current-context": "e2e",
    clusters: [{name: "e2e", cluster: {server: $server, "certificate-authority": "\($folder)/ca.crt"}}],
    users: [{name: "e2e", user: {
      "client-certificate": "\($folder)/admin.crt", "client-key": "\($folder)/admin.key"}}],
    contexts: [{name: "e2e", context: {cluster: "e2e", user: "e2e"}}]
  }'
}

# api PATH CURL-OPTION…: a request as the admin, of JSON unless it names another Content-Type; prints
# the answer, whatever its status.
api() {
  local path=$1 type=(-H 'Content-Type: application/json')
  shift
  # With two of them, newer API servers answer 415.
  [[ $* != *Content-Type:* ]] || type=()
  curl -sS --cacert "$work/cluster/ca.crt" --cert "$work/cluster/admin.crt" \
    --key "$work/cluster/admin.key" "${type[@]}" "$@" "$server$path"
}

# empty_namespaces: what kube-controller-manager does for `kubectl delete namespace`.
empty_namespaces() {
  local name
  while :; do
    api /api/v1/namespaces --max-time 5 |
      jq -r '.items[] | select(.status.phase == "Terminating") | .metadata.name' |
      while read -r name; do
        kubectl delete "$namespaced" --all --namespace "$name" --wait=false || true
        kubectl get namespace "$name" -o json | jq '.spec.finalizers = []' |
          kubectl replace --raw "/api/v1/namespaces/$name/finalize" --filename - || true
      done || true
    sleep 0.2
  done
}

# reset_cluster: as it was before a file of cases.
reset_cluster() {
  local others
  kubectl delete validatingwebhookconfigurations --all --wait=false >/dev/null || true
  # By one request for each namespace: kubectl deletes Pod by Pod, five a second.
  kubectl get pods --all-namespaces -o jsonpath='{range .items[*]}{.metadata.namespace}{"\n"}{end}' | sort -u |
    while read -r namespace; do
      kubectl delete --raw "/api/v1/namespaces/$namespace/pods?gracePeriodSeconds=0" >/dev/null
    done || true
  others=$(kubectl get namespaces -o name |
    grep -vx -e namespace/default -e 'namespace/kube-.*' || true)
  if [[ -n $others ]]; then
    # shellcheck disable=SC2086 # words on purpose
    kubectl delete $others --wait=true --timeout=60s >/dev/null || true
  fi
}

# apply_known ARGUMENT… FILE: `kubectl apply`, document by document, since a kind that this API
# server does not know is no fault; says which it left out.
apply_known() {
  local file=${*: -1} documents document answer known=0
  documents=$(mktemp -d "$scratch/documents.XXXXXX")
  awk -v to="$documents/" '/^---$/ { n++; next } { print > (to sprintf("%03d", n) ".yaml") }' "$file"
  for document in "$documents"/*; do
    grep -q '^kind:' "$document" || continue
    if answer=$(kubectl apply "${@:1:$#-1}" --filename "$document" 2>&1); then
      printf '%s\n' "$answer"
      known=$((known + 1))
    elif [[ $answer == *'no matches for kind'* ]]; then
      printf 'unknown here: %s\n' "$(grep '^kind:' "$document")"
    else
      say "$answer"
      return 1
    fi
  done
  ((known > 0)) || say "nothing of $file is known here"
}

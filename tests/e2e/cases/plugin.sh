# The kubectl plugin: two replicas of the gate behind the API server's port-forward, and everything that
# can be wrong with them.

deploy=$scratch/deploy
port=$(free_port)
make_manifests
for manifest in namespace secret configmap webhook; do
  kubectl apply --filename "$deploy/$manifest.yaml" >/dev/null
done
# API servers before 1.21 do not do it themselves.
kubectl label --overwrite namespace imagegate kubernetes.io/metadata.name=imagegate >/dev/null
route_service "$port"
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
start_kubelet

# replica NAME PORT POLICY-FOLDER: a process, and the Pod that leads to it.
replica() {
  start_gate "$1" "$2" --policy "$3" --tls-cert "$scratch/tls/tls.crt" --tls-key "$scratch/tls/tls.key"
  make_replica imagegate "imagegate-webhook-$1" "$gate_admin" "$2"
}
replica two "$(free_port)" "$scratch/policy"
replica one "$port" "$scratch/policy"
wait_until_judged

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
# patch_webhook INDEX FIELDS: of the webhook configuration.
patch_webhook() {
  kubectl patch validatingwebhookconfiguration com.imagegate.webhook --type json \
    --patch "$(jq -n --arg path "/webhooks/$1/$2" --argjson value "$3" '[{op: "replace", $path, $value}]')"
}

# --- status ---------------------------------------------------------------------------------------

all_is_well() {
  asks 0 status
  same "2 of 2 replicas enforce $(policy_hash)" "$(first)"
  has "$out" 'imagegate-webhook-one'
  has "$out" 'excluded   imagegate, kube-system'
  asks 0 status -o json
  same '["imagegate-webhook-one","imagegate-webhook-two"] [true,true,true] []' \
    "$(jq -r '"\([.replicas[].name] | tojson) \([.webhooks[].certificateTrusted] | tojson) \(.problems | tojson)"' "$scratch/out.txt")"
}
kubectl_finds_it() {
  succeeds env PATH="$(dirname "$plugin"):$PATH" kubectl imagegate status
}
not_trusted() {
  local before
  before=$(kubectl get validatingwebhookconfiguration com.imagegate.webhook -o json | jq '.webhooks[1].clientConfig.caBundle')
  authority "$scratch/other"
  patch_webhook 1 clientConfig/caBundle "$(base64 -w 0 "$scratch/other.crt" | jq -R .)"
  asks 1 status
  has "$out" 'config.imagegate.webhook: the API server does not trust the certificate of imagegate-webhook-'
  has "$out" 'it was not signed by a certificate of the caBundle'
  has "$out" 'hint: apply secret.yaml and webhook.yaml from the same run'
  patch_webhook 1 clientConfig/caBundle "$before"
  asks 0 status
}
fails_open() {
  patch_webhook 0 failurePolicy '"Ignore"'
  asks 1 status
  has "$out" 'com.imagegate.webhook fails open'
  patch_webhook 0 failurePolicy '"Fail"'
}
one_is_silent() {
  mv "$forwards/imagegate_imagegate-webhook-two_8080" "$scratch/kept"
  asks 1 status
  same "1 of 2 replicas enforce $(policy_hash)" "$(first | sed 's/enforces/enforce/')"
  has "$out" 'problem: imagegate-webhook-two cannot be asked: error forwarding port 8080'
  mv "$scratch/kept" "$forwards/imagegate_imagegate-webhook-two_8080"
}
they_differ() {
  local here other
  here=$(policy_hash)
  mkdir "$scratch/other-policy"
  printf 'mode: warn\n' >"$scratch/other-policy/policy.yaml"
  replica other "$(free_port)" "$scratch/other-policy"
  other=$(policy_hash)
  asks 1 status
  same "2 of 3 replicas enforce $here, 1 warns by $other" "$(first)"
  has "$out" 'problem: the replicas differ:'
  stop_gate
  kubectl delete pod imagegate-webhook-other --namespace imagegate --grace-period 0 --force
}
a_bad_edit() {
  # Past the guard, as when it was down.
  kubectl create configmap imagegate-webhook-config --namespace imagegate --dry-run=client -o json \
    --from-literal policy.yaml='allowedRegistrys: [quay.io]' | jq '.metadata.labels = {}' >"$scratch/bad.json"
  kubectl get validatingwebhookconfiguration com.imagegate.webhook -o json |
    jq 'del(.metadata.resourceVersion, .metadata.uid)' >"$scratch/webhooks.json"
  kubectl get configmap imagegate-webhook-config --namespace imagegate -o json |
    jq 'del(.metadata.resourceVersion, .metadata.uid)' >"$scratch/good.json"
  kubectl delete --filename "$scratch/webhooks.json"
  kubectl replace --filename "$scratch/bad.json"
  eventually 10 says_problem 'keeps the last good policy since' || say "$(cat "$scratch/out.txt")"
  has "$(cat "$scratch/out.txt")" 'allowedRegistrys'
  has "$(cat "$scratch/out.txt")" 'no webhook leads to the gate: nothing is judged'
  kubectl replace --filename "$scratch/good.json"
  kubectl create --filename "$scratch/webhooks.json"
  eventually 10 asks 0 status || say "$(cat "$scratch/out.txt")"
}
says_problem() {
  "$plugin" status >"$scratch/out.txt"
  grep -q "$1" "$scratch/out.txt"
}
by_its_address() {
  asks 0 status --endpoint "http://$gate_admin"
  same "1 of 1 replica enforces $(policy_hash)" "$(first)"
  asks 2 status --endpoint https://127.0.0.1:1
  has "$err" 'write it as http://127.0.0.1:8080'
  asks 1 status --endpoint http://127.0.0.1:1
  has "$out" 'no policy is known to be in force: none of 1 replica says one'
}

check 'status: all is well' all_is_well
check 'kubectl finds the plugin' kubectl_finds_it
check 'status: a certificate that the API server does not trust' not_trusted
check 'status: a webhook that fails open' fails_open
check 'status: a replica that does not answer' one_is_silent
check 'status: replicas that differ' they_differ
gate_admin=$(jq -r 'select(.message == "ImageGate is ready!") | .admin' "$scratch/one.log")
check 'status: a bad edit, and no webhook' a_bad_edit
check 'status: a replica by its address' by_its_address

# --- explain --------------------------------------------------------------------------------------

explains() {
  asks 1 explain quay.io/acme/agent:1 --namespace default
  has "$out" 'FAIL  untrusted-registry  none of 2 allowed patterns covers it'
  has "$out" "policy     $(policy_hash), the policy in force"
  asks 0 explain docker.io/library/nginx:1.27
  has "$out" 'verdict    allow'
  asks 0 explain nginx --namespace kube-system
  has "$out" 'deny, but the webhook leaves the namespace out, by its label kubernetes.io/metadata.name'
}
explains_for_somebody() {
  printf '{allowedRegistries: [quay.io], exemptions: [{name: ci, images: [docker.io], users: [bob], reason: r, expires: 2099-01-01}]}' \
    >"$scratch/exempting.yaml"
  asks 0 explain docker.io/acme/a:1 --policy "$scratch/exempting.yaml" --as bob
  has "$out" 'verdict    exempt'
  asks 1 explain docker.io/acme/a:1 --policy "$scratch/exempting.yaml" --as alice
  printf 'mode: loud\n' >"$scratch/invalid.yaml"
  asks 3 explain docker.io/acme/a:1 --policy "$scratch/invalid.yaml"
  asks 2 explain docker.io/acme/a:1 --candidate
  has "$err" 'there is no candidate'
}
check 'explain by the policy in force' explains
check 'explain for a user, by a file, by the candidate' explains_for_somebody

# --- audit ----------------------------------------------------------------------------------------

# make_workloads: a Deployment with two Pods in each of three namespaces, and one that is left out.
make_workloads() {
  local namespace pod
  for namespace in web legacy; do
    kubectl create namespace "$namespace"
  done
  kubectl patch validatingwebhookconfiguration com.imagegate.webhook --type json \
    --patch '[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]'
  # Before there was a gate.
  mv "$forwards" "$scratch/forwards-kept"
  kubectl delete --filename "$scratch/webhooks.json"
  kubectl label namespace legacy imagegate/disable-filtering=true
  for namespace in web legacy; do
    kubectl create deployment shop --namespace "$namespace" --image quay.io/acme/shop:1
    kubectl create --filename - <<JSON
{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "shop-1", "namespace": "$namespace",
  "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", "uid": "u", "controller": true}]},
  "spec": {"selector": {"matchLabels": {"app": "shop"}}, "template": {"metadata": {"labels": {"app": "shop"}},
    "spec": {"containers": [{"name": "shop", "image": "quay.io/acme/shop:1"}]}}}}
JSON
    for pod in a b; do
      kubectl create --filename - <<JSON
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop-1-$pod", "namespace": "$namespace",
  "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-1", "uid": "u", "controller": true}]},
  "spec": {"containers": [{"name": "shop", "image": "quay.io/acme/shop:1"}],
    "initContainers": [{"name": "init", "image": "docker.io/acme/init:latest"}]}}
JSON
      report_pod "$namespace" "shop-1-$pod" Running "$(jq -n --arg id "quay.io/acme/shop@sha256:$pod" \
        '[{name: "shop", ready: true, restartCount: 0, image: "", imageID: $id, state: {running: {}}}]')"
    done
  done
  kubectl create --filename "$scratch/webhooks.json"
  mv "$scratch/forwards-kept" "$forwards"
  eventually 20 judges
}
audits() {
  asks 1 audit
  has "$out" 'deny    quay.io/acme/shop:1         untrusted-registry  2     web/Deployment shop'
  has "$out" 'deny    docker.io/acme/init:latest  blocked-tag         2     web/Deployment shop'
  has "$out" 'not judged by the gate, since their namespaces are excluded or have opted out:'
  has "$out" 'legacy/Deployment shop'
  has "$out" 'quay.io/acme/shop:1: sha256:a, sha256:b'
  has "$err" 'denied'
  asks 1 audit -o wide --namespace web
  has "$out" 'web        Deployment shop  shop       quay.io/acme/shop:1         untrusted-registry  2     sha256:a,sha256:b  judges'
  asks 1 audit -o json
  same '["legacy","web"] [null,"opted-out"] 1' "$(jq -c '(.findings | [.[].namespace] - ["default", "imagegate"] | unique),
    (.findings | [.[].outOfReach] | unique), (.movedTags | length)' "$scratch/out.txt" | paste -sd ' ')"
  asks 0 audit --fail-on never
}
audits_by_a_file() {
  printf '{allowedRegistries: [quay.io, docker.io], blockedTags: []}\n' >"$scratch/loose.yaml"
  asks 0 audit --namespace web --policy "$scratch/loose.yaml"
  printf '{mode: warn}\n' >"$scratch/warn.yaml"
  asks 0 audit --namespace web --policy "$scratch/warn.yaml"
  asks 1 audit --namespace web --policy "$scratch/warn.yaml" --fail-on warn
  has "$out" 'warn    quay.io/acme/shop:1'
  asks 3 audit --policy "$scratch/invalid.yaml"
  asks 2 audit --namespace nowhere --policy "$scratch/loose.yaml"
  asks 0 audit --namespace nowhere --policy "$scratch/loose.yaml" --allow-empty
}
audits_what_is_allowed() {
  kubectl create clusterrole lists-namespaces --verb list --resource namespaces
  kubectl create clusterrolebinding alice-lists --clusterrole lists-namespaces --user alice
  kubectl create role reads --namespace web --verb list --resource pods,deployments.apps,replicasets.apps
  kubectl create rolebinding alice-reads --namespace web --role reads --user alice
  asks 2 audit --as alice --policy "$scratch/loose.yaml"
  has "$err" 'not allowed to list pods in '
  has "$err" 'skipped'
  has "$err" 'not allowed to list jobs in'
  has "$err" 'not allowed to list validatingwebhookconfigurations'
  has "$err" 'in 2 Pods and 2 workloads of 1 namespace'
  asks 2 status --as alice
  has "$err" 'pods is forbidden: User "alice" cannot list resource "pods"'
  has "$err" 'hint: --gate-namespace names the gate'
  kubectl delete clusterrolebinding alice-lists
}
check 'make workloads' make_workloads
check 'audit: by image and owner, opted out apart, digests' audits
check 'audit: by a file; exit codes' audits_by_a_file
check 'audit: what is not allowed is skipped, and said' audits_what_is_allowed

# --- bad input ------------------------------------------------------------------------------------

no_gate() {
  asks 2 status --gate-namespace default
  has "$err" 'there is no Pod of the gate in the namespace default'
  has "$err" 'hint:'
  make_replica web second 127.0.0.1:1 1
  asks 2 status
  has "$err" 'there are gates in 2 namespaces: imagegate, web'
  asks 0 status --gate-namespace imagegate
  kubectl delete pod second --namespace web --grace-period 0 --force
}
no_cluster() {
  asks 2 status --context nothing
  has "$err" 'no cluster to ask'
  asks 2 status --kubeconfig "$scratch/absent"
  has "$err" 'name the file with --kubeconfig'
  jq '.clusters[0].cluster.server = "https://127.0.0.1:1"' "$KUBECONFIG" >"$scratch/dead"
  asks 2 status --kubeconfig "$scratch/dead"
  has "$err" 'https://127.0.0.1:1/ does not answer'
  jq '.users[0].user = {exec: {apiVersion: "client.authentication.k8s.io/v1", command: "/bin/false", interactiveMode: "Never"}}' \
    "$KUBECONFIG" >"$scratch/exec"
  asks 2 status --kubeconfig "$scratch/exec"
  has "$err" 'no credentials for'
}
an_exec_plugin() {
  jq -n --rawfile certificate "$work/cluster/admin.crt" --rawfile key "$work/cluster/admin.key" '{
    apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential",
    status: {clientCertificateData: $certificate, clientKeyData: $key}}' >"$scratch/credential.json"
  jq --arg file "$scratch/credential.json" '.users[0].user = {exec: {
    apiVersion: "client.authentication.k8s.io/v1", command: "cat", args: [$file], interactiveMode: "Never"}}' \
    "$KUBECONFIG" >"$scratch/exec"
  asks 0 status --kubeconfig "$scratch/exec"
}
a_busy_server() {
  local throttle
  throttle=$(free_port)
  spawn throttle python3 "$e2e/lib/throttle.py" "$throttle" "$server" "$work/cluster/ca.crt" \
    "$work/cluster/admin.crt" "$work/cluster/admin.key" 3
  eventually 10 curl -s -o /dev/null "http://127.0.0.1:$throttle/"
  jq --arg server "http://127.0.0.1:$throttle" '.clusters[0].cluster = {server: $server} | .users[0].user = {}' \
    "$KUBECONFIG" >"$scratch/throttled"
  # Answers 429 to two more, and is asked again a second later each time.
  asks 0 audit --kubeconfig "$scratch/throttled" --namespace web --policy "$scratch/loose.yaml"
  has "$err" 'in 2 Pods and 2 workloads of 1 namespace'
}
check 'no gate, and two' no_gate
check 'no cluster, no credentials' no_cluster
check 'credentials from an exec plugin' an_exec_plugin
check 'a busy API server is asked again when it says' a_busy_server

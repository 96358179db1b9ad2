# The kubectl plugin: two replicas of the gate behind the API server's port-forward, and everything that
# can be wrong with them.

two_replicas

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
  local path
  path=$(dirname "$plugin"):$root/crates/kubectl-imagegate:$PATH
  succeeds env PATH="$path" kubectl imagegate status
  succeeds env PATH="$path" kubectl __complete imagegate stat
  has "$said" 'status'
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
  # Before there was a gate.
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
# The API server holds them against their definition, and keeps all of them.
audits_as_openreports() {
  kubectl apply --filename "$e2e/data/openreports.yaml"
  kubectl wait --for condition=Established --timeout 20s customresourcedefinition/reports.openreports.io
  asks 1 audit -o openreports
  cp "$scratch/out.txt" "$scratch/reports.json"
  eventually 20 kubectl apply --server-side --filename "$scratch/reports.json"
  kubectl get reports.openreports.io --all-namespaces -o json >"$scratch/stored.json"
  same "$(jq -S '[.items[] | {source, scope, configuration, summary, results}]' "$scratch/reports.json")" \
    "$(jq -S '[.items[] | {source, scope, configuration, summary, results}]' "$scratch/stored.json")"
  same '{"error":0,"fail":2,"pass":0,"skip":0,"warn":0} ["Deployment shop"]' "$(jq -cS '.items[] |
    select(.metadata.namespace == "web") | .summary, ([.results[].resources[] | "\(.kind) \(.name)"] | unique)' \
    "$scratch/reports.json" | paste -sd ' ')"
  same '[0,2]' "$(jq -c '.items[] | select(.metadata.namespace == "legacy") | .summary | [.fail, .skip]' "$scratch/stored.json")"
  asks 1 audit -o html --namespace web
  has "$out" '<td><code>quay.io/acme/shop:1</code></td>'
  kubectl delete --filename "$e2e/data/openreports.yaml" --wait=false
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
check 'audit: OpenReports that the API server takes' audits_as_openreports
check 'audit: by a file; exit codes' audits_by_a_file
check 'audit: what is not allowed is skipped, and said' audits_what_is_allowed

# --- doctor ---------------------------------------------------------------------------------------

doctor_finds_nothing() {
  asks 0 doctor --namespace default
  has "$out" 'ok    replicas      2 of 2 replicas answer'
  has "$out" 'ok    a Pod         docker.io/library/imagegate-doctor:1 is admitted in default'
  has "$out" 'ok    a Pod         registry.invalid/imagegate-doctor:latest is refused in default'
  has "$out" 'nothing is wrong'
  asks 0 doctor --namespace kube-system
  has "$out" 'registry.invalid/imagegate-doctor:latest is admitted in kube-system'
}
doctor_finds_the_cause() {
  local before
  before=$(kubectl get validatingwebhookconfiguration com.imagegate.webhook -o json | jq '.webhooks[0].clientConfig.caBundle')
  patch_webhook 0 clientConfig/caBundle "$(base64 -w 0 "$scratch/other.crt" | jq -R .)"
  eventually 20 doctor_says 'a Pod .*caBundle is not the CA of the certificate in use' || say "$(cat "$scratch/out.txt")"
  asks 1 doctor
  has "$out" 'FAIL  certificates  com.imagegate.webhook: the API server does not trust the certificate of'
  has "$out" 'hint: apply secret.yaml and webhook.yaml from the same run of certificates.sh'
  patch_webhook 0 clientConfig/caBundle "$before"
  eventually 20 judges
  asks 1 doctor --gate-namespace default
  has "$out" 'FAIL  webhooks      3 webhooks registered, and nobody behind: no Pod in their scope can be created'
}
doctor_says() {
  "$plugin" doctor >"$scratch/out.txt" || true
  grep -q "$1" "$scratch/out.txt"
}
check 'doctor: nothing is wrong' doctor_finds_nothing
check 'doctor: the cause of a failure, by the message of the API server' doctor_finds_the_cause

# --- edit and apply -------------------------------------------------------------------------------

applies() {
  asks 2 exempt quay.io/acme/shop --namespace web --reason INC-1 --expires 2099-01-31 --yes
  has "$err" 'hint: exemptions need the full form: write policy.yaml'
  printf '{allowedRegistries: [docker.io, quay.io]}\n' >"$scratch/new.yaml"
  asks 2 apply --filename "$scratch/new.yaml" </dev/null
  has "$err" 'standard input is not a terminal, so nobody can confirm'
  asks 0 apply --filename "$scratch/new.yaml" --dry-run
  has "$out" 'allowedRegistries: +quay.io -gcr.io  (loosens)'
  has "$out" '1 image would newly be admitted:'
  has "$out" 'quay.io/acme/shop:1  2 Pods  web/Deployment shop'
  has "$out" 'nothing was stored'
  same '["ALLOWED_REGISTRIES","BLOCKED_TAGS","DISABLE_EMPTY_TAG"]' "$(config_map -o json | jq -c '.data | keys')"
  asks 0 apply --filename "$scratch/new.yaml" --yes
  same "2 of 2 replicas enforce $(policy_hash)" "$(tail -n 1 "$scratch/out.txt")"
  same '["policy.yaml"]' "$(config_map -o json | jq -c '.data | keys')"
  asks 0 apply --filename "$scratch/new.yaml" --yes
  same 'nothing changes' "$out"
  asks 3 apply --filename "$scratch/invalid.yaml" --yes
  has "$err" 'policy.yaml:1:7: mode:'
}
# editor COMMAND: what the editor does to the file "$1".
editor() {
  printf '#!/usr/bin/env bash\nset -eu\n%s\n' "$1" >"$scratch/editor"
  chmod +x "$scratch/editor"
  export KUBE_EDITOR=$scratch/editor
}
edits() {
  # Wrong at first; the problem is on top of the second try.
  editor "if grep -q '^#! ' \"\$1\"; then cp \"\$1\" '$scratch/second'; printf 'mode: warn\n' >\"\$1\"
    else printf 'mod: warn\n' >\"\$1\"; fi"
  asks 0 edit --yes
  has "$out" 'mode: enforce → warn  (loosens)'
  has "$out" '2 of 2 replicas enforce'
  has "$(cat "$scratch/second")" '# yaml-language-server: $schema=policy.schema.json'
  same 'mode: warn' "$(config_map -o jsonpath='{.data.policy\.yaml}')"
  same 'kubectl-imagegate Apply' "$(config_map -o json --show-managed-fields |
    jq -r '.metadata.managedFields[] | select(.manager == "kubectl-imagegate" and .operation == "Apply") | "\(.manager) \(.operation)"')"
  editor true
  asks 0 edit --yes
  same 'nothing was changed' "$err"
  editor 'exit 3'
  asks 2 edit --yes
  has "$err" 'the editor'
}
somebody_else_edits() {
  editor "kubectl patch configmap imagegate-webhook-config --namespace imagegate --type merge \\
    --patch '{\"data\": {\"policy.yaml\": \"mode: audit\"}}' >&2; printf 'mode: enforce\n' >\"\$1\""
  asks 2 edit --yes
  has "$err" 'somebody changed imagegate-webhook-config meanwhile, and nothing was overwritten'
  local kept
  kept=$(sed -n 's/^your edit is kept in //p' <<<"$err")
  same 'mode: enforce' "$(cat "$kept")"
  same 600 "$(stat -c %a "$kept")"
  rm "$kept"
  same 'mode: audit' "$(config_map -o jsonpath='{.data.policy\.yaml}')"
}
a_tool_owns_it() {
  kubectl annotate configmap imagegate-webhook-config --namespace imagegate argocd.argoproj.io/tracking-id=a
  asks 2 apply --filename "$scratch/new.yaml" --yes
  has "$err" 'belongs to Argo CD, which would undo an edit'
  has "$err" 'hint: change it at its source'
  asks 0 apply --filename "$scratch/new.yaml" --to-file "$scratch/for-git.json"
  same 'imagegate-webhook-config' "$(jq -r .metadata.name "$scratch/for-git.json")"
  kubectl annotate configmap imagegate-webhook-config --namespace imagegate argocd.argoproj.io/tracking-id-
}
one_replica_lags() {
  printf 'mode: enforce\n' >"$scratch/enforce.yaml"
  make_replica imagegate imagegate-webhook-lagging 127.0.0.1:1 1
  asks 1 apply --filename "$scratch/enforce.yaml" --yes --wait 5
  kubectl delete pod imagegate-webhook-lagging --namespace imagegate --grace-period 0 --force
  has "$err" 'of 3 replicas enforce'
  has "$err" 'imagegate-webhook-lagging: cannot be asked'
}
check 'apply: what changes, whom it hits, until all enforce it' applies
check 'edit: opened again with the problem on top' edits
check 'edit: what somebody else wrote meanwhile stays' somebody_else_edits
check 'a policy that a tool keeps is not changed, but written to a file' a_tool_owns_it
check 'a replica that does not follow is named' one_replica_lags

a_candidate() {
  local hash
  asks 2 candidate show
  has "$err" 'there is no candidate'
  printf '{allowedRegistries: [docker.io]}\n' >"$scratch/strict.yaml"
  asks 0 candidate set --filename "$scratch/strict.yaml" --yes
  has "$out" 'a candidate goes on trial'
  has "$out" 'if the candidate were promoted:'
  hash=$(sed -n 's/^imagegate-webhook-config changed, the candidate \(.*\) is on its way$/\1/p' "$scratch/out.txt")
  same "2 of 2 replicas evaluate the candidate $hash" "$(tail -n 1 "$scratch/out.txt")"
  asks 0 candidate show
  same 2 "$(grep -c "^imagegate-webhook-.* $hash " "$scratch/out.txt")"
  asks 0 candidate drop --yes
  same '2 of 2 replicas evaluate no candidate' "$(tail -n 1 "$scratch/out.txt")"
  asks 0 candidate set --filename "$scratch/strict.yaml" --yes --no-audit
  eventually 10 candidate_is_tried || say "$(cat "$scratch/out.txt")"
  asks 0 explain quay.io/acme/shop:1 --policy "$scratch/loose.yaml"
  asks 1 explain quay.io/acme/shop:1 --candidate
  has "$out" 'the candidate in the ConfigMap imagegate-webhook-config'
  asks 1 audit --candidate --namespace web
  mv "$forwards/imagegate_imagegate-webhook-two_8080" "$scratch/kept"
  asks 2 candidate show
  grep -Eq '^imagegate-webhook-two +no answer +-' "$scratch/out.txt" || say "$out"
  has "$err" 'warning: imagegate-webhook-two: error forwarding port 8080'
  asks 2 history
  has "$err" 'warning: imagegate-webhook-two: error forwarding port 8080'
  mv "$scratch/kept" "$forwards/imagegate_imagegate-webhook-two_8080"
  asks 0 candidate promote --yes
  has "$out" 'the candidate goes'
  same "2 of 2 replicas enforce $(policy_hash) and evaluate no candidate" "$(tail -n 1 "$scratch/out.txt")"
  same '["policy.yaml"]' "$(config_map -o json | jq -c '.data | keys')"
  same '{allowedRegistries: [docker.io]}' "$(config_map -o jsonpath='{.data.policy\.yaml}')"
  asks 2 candidate drop --yes
}
candidate_is_tried() {
  try_pod quay.io/acme/shop:1
  "$plugin" candidate show >"$scratch/out.txt"
  grep -Eq '^imagegate-webhook-one +[0-9a-f]{12} +[1-9]' "$scratch/out.txt"
}
an_exemption() {
  asks 2 exempt quay.io/acme/shop --namespace web --reason INC-1 --expires 2099-01-31 --yes
  has "$err" 'add it with `kubectl imagegate edit`'
  printf '# Ours.\nallowedRegistries: [docker.io]\n' >"$scratch/block.yaml"
  asks 0 apply --filename "$scratch/block.yaml" --yes --no-audit
  asks 0 exempt quay.io/acme/shop --namespace web --reason INC-1 --expires 2099-01-31 --yes
  has "$out" 'exemptions'
  has "$out" '1 image would newly be admitted:'
  has "$(config_map -o jsonpath='{.data.policy\.yaml}')" '# Ours.'
  asks 0 explain quay.io/acme/shop:2 --namespace web
  has "$out" 'verdict    exempt'
  asks 1 explain quay.io/acme/shop:2 --namespace default
  asks 2 exempt quay.io/acme/shop --reason INC-1 --expires 2099-01-31 --yes
  has "$err" '`exempt` needs a namespace'
  asks 2 exempt quay.io/acme/other --namespace web --reason INC-1 --expires tomorrow --yes
  has "$err" "invalid value 'tomorrow' for '--expires <DATE>': not a day; write it as 2027-01-31"
}
check 'candidate: set, show, promote' a_candidate
check 'exempt: one image, in one namespace' an_exemption

# A reader that leaves early, such as head, changes neither what is done nor the exit code.
leaves_early() {
  { "$plugin" audit 2>/dev/null || printf '%s' "$?" >"$scratch/status"; } | true
  same 1 "$(cat "$scratch/status")"
  printf '# Ours.\nallowedRegistries: [docker.io, gcr.io]\n' >"$scratch/early.yaml"
  { "$plugin" apply --filename "$scratch/early.yaml" --yes --no-audit 2>/dev/null; } | true
  same "$(cat "$scratch/early.yaml")" "$(config_map -o jsonpath='{.data.policy\.yaml}')"
}
check 'a reader that leaves early' leaves_early

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
  asks 2 status --user jane
  has "$err" 'no cluster to ask: there is no user `jane` in the kubeconfig'
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

# Where the gate runs outside of the cluster, there is no Pod of it.
no_pod() {
  local admin operator
  admin=http://$(jq -r 'select(.message == "ImageGate is ready!") | .admin' "$scratch/one.log")
  operator=http://$(jq -r 'select(.message == "ImageGate is ready!") | .operator' "$scratch/one.log")
  kubectl delete pods --namespace imagegate --all --grace-period 0 --force
  asks 2 explain quay.io/acme/other:1
  has "$err" 'there is no Pod of the gate'
  asks 1 explain quay.io/acme/other:1 --namespace web --endpoint "$admin"
  has "$out" 'the policy in force'
  asks 1 audit --endpoint "$admin"
  asks 0 images --endpoint "$operator"
  asks 0 propose --endpoint "$operator" --from observed
  asks 0 diff "$scratch/early.yaml" --endpoint "$operator" --from observed
  asks 2 explain quay.io/acme/other:1 --candidate --endpoint "$admin"
  has "$err" 'there is no Pod of the gate'
  asks 2 edit --endpoint "$admin"
  has "$err" '`--endpoint` is of no use to `edit`: it asks the gate'
  asks 2 explain ./pod.yaml
  has "$err" 'hint: `imagegate check -f ./pod.yaml` judges manifests'
}
check 'replicas by their addresses, and no Pod of the gate' no_pod

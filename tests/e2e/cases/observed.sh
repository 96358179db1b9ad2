# What a replica remembers: an edit of the policy is told whom it would hit, and is refused where the policy
# says so. Each number is counted a second time, from what the API server stores.

port=$(free_port)
make_manifests
authority "$scratch/ca"
pair "$scratch/ca" "$scratch/gate" /CN=gate IP:127.0.0.1
kubectl apply -f "$scratch/deploy/namespace.yaml" >/dev/null
kubectl create --dry-run=client -o json -f "$scratch/deploy/configmap.yaml" | jq '.data = {
  "policy.yaml": "allowedRegistries: [docker.io, gcr.io, quay.io]\nblockedTags: [staging, latest]\n"}' |
  kubectl apply -f - >/dev/null
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
IMAGEGATE_POLL_SECONDS=3600 start_gate gate "$port" --policy "$scratch/policy" \
  --tls-cert "$scratch/gate.crt" --tls-key "$scratch/gate.key"
gate_operator=$(jq -r 'select(.message == "ImageGate is ready!") | .operator' "$gate_log")
register_url e2e-observed "$port" "$scratch/ca.crt"
wait_until_judged

# operator_page PATH: of the operator port.
operator_page() {
  curl -sS --fail-with-body "http://$gate_operator/$1"
}

# make_pods: 300 Pods of 40 images, of four registries, in ten namespaces.
make_pods() {
  local team
  for team in {0..9}; do
    kubectl create namespace "team-$team" >/dev/null
  done
  # Of image number i there are 3 to 12, 300 in all.
  jq -n -c '("accounts agent api assets audit billing cart catalog chat checkout coupons crawler export feed fraud
      gateway geo identity import inventory invoices ledger login mailer media metrics orders payments pricing
      profiles proxy queue ratings reports search sessions shipping stock tax uploads" | split("\\s+"; "")) as $names |
    [range(40) as $image | range(3 + $image * 7 % 10) | $image] as $images | range(300) as $pod |
    $images[$pod] as $image | {
      apiVersion: "v1", kind: "Pod",
      metadata: {name: "pod-\($pod)", namespace: "team-\($pod * 7 % 10)"},
      spec: {containers: [{name: "app",
        image: "\(["docker.io", "gcr.io", "quay.io", "quay.io"][$image % 4])/acme/\($names[$image]):1.\($image)"}]}}' \
    >"$scratch/pods.json"
  kubectl apply --filename "$scratch/pods.json" >"$scratch/pods.txt"
}

# stored FILTER: of the images of all Pods that are stored, a line for each container.
stored() {
  kubectl get pods --all-namespaces -o json |
    jq -r "[.items[] | {namespace: .metadata.namespace, image: .spec.containers[].image}] | $1"
}

counted() {
  make_pods
  same 300 "$(wc -l <"$scratch/pods.txt")"
  local page
  page=$(operator_page 'images?format=json')
  same "$(stored 'map(.image) | unique | length')" \
    "$(jq '[.images[] | select(.count > 0) | .image] | unique | length' <<<"$page")"
  same "$(stored 'group_by([.namespace, .image]) | map({namespace: .[0].namespace, image: .[0].image, count: length})
    | sort_by([.namespace, .image])[] | [.namespace, .image, .count] | @tsv')" \
    "$(jq -r '[.images[] | select(.count > 0)] | sort_by([.namespace, .image])[]
      | [.namespace, .image, .count] | @tsv' <<<"$page")"
}
check '300 Pods are remembered as the API server stores them' counted

fields() {
  local page
  page=$(operator_page 'images?namespace=team-3&registry=quay.io')
  jq -e '(.images | length) > 0 and all(.images[]; .namespace == "team-3" and .user == "admin"
    and .workload.kind == "Pod" and .decision == "allow" and (.groups | index("system:masters")) != null)' \
    <<<"$page" || say "$page"
  jq -e --arg host "$(uname -n)" '.replica == $host and (.since | endswith("Z")) and .lost == 0 and .evicted == 0' \
    <<<"$page" || say "$page"
  has "$(operator_page 'images?format=csv' | head -n 1)" 'namespace,image,user'
  same "$(jq .entries <<<"$page")" "$(operator_page 'images?format=ndjson' | tail -n +2 | wc -l)"
}
check '/images says where, who and what, and since when' fields

nothing_on_the_admin_port() {
  local path
  for path in images decisions; do
    same 404 "$(curl -s -o "$scratch/page" -w '%{http_code}' "http://$gate_admin/$path")"
  done
}
check 'nothing of it is on the admin port' nothing_on_the_admin_port

follows() {
  # A stream has no end: it is cut off after the decision that is waited for.
  spawn follower curl -sSN "http://$gate_operator/decisions?follow"
  local follower=$spawned
  eventually 10 grep -q '^event:replica' "$scratch/follower.log"
  refused 'untrusted registry' kubectl run followed --image evil.example/app:1 --namespace team-1
  eventually 10 grep -q 'evil.example/app:1' "$scratch/follower.log"
  end_group "$follower"
  has "$(operator_page decisions | jq -r '.decisions[-1] | "\(.decision) \(.rule) \(.image) \(.namespace)"')" \
    'deny untrusted-registry evil.example/app:1 team-1'
}
check '/decisions?follow tells of a denial as it happens' follows

# edit_policy SED-SCRIPT: what somebody does in an editor. Sets `said`.
edit_policy() {
  KUBE_EDITOR="sed -i.bak $1" succeeds kubectl edit configmap imagegate-webhook-config -n imagegate
}
policy_text() {
  kubectl get configmap imagegate-webhook-config -n imagegate -o jsonpath='{.data.policy\.yaml}'
}
in_quay() {
  stored "map(select(.image | startswith(\"quay.io/\"))) | $1"
}

told() {
  local images line count before
  before=$(policy_text)
  edit_policy 's/,.quay.io//'
  # For whoever draws it: the command, what changed in the editor, and what kubectl said.
  {
    printf '%s\n' '$ kubectl edit configmap imagegate-webhook-config -n imagegate'
    # That they differ is no failure.
    { diff <(printf '%s\n' "$before") <(policy_text) || true; } | sed -n 's/^< /- /p; s/^> /+ /p'
    printf '%s\n' "$said"
  } >"$scratch/edit.txt"
  # The warnings without their prefix, as one line.
  sed -n 's/^Warning: //p' <<<"$said" | tr '\n' ' ' >"$scratch/told.txt"
  line=$(cat "$scratch/told.txt")
  images=$(stored 'map(.image) | unique | length')
  # Beside the Pods: the images that were asked for and are not stored, such as that of the denied one.
  images=$((images + 1))
  count=$(in_quay 'map(.image) | unique | length')
  has "$line" "of $images images seen here since "
  has "$line" ", $count would now be refused: "
  # Each that is named, with its number of Pods and the number of its namespaces.
  local named image namespace others times expected
  named=$(grep -o 'quay\.io/[^ ]* ([^)]*)' "$scratch/told.txt")
  (($(wc -l <<<"$named") >= 5)) || say "only these are named: $named"
  while read -r image namespace rest; do
    namespace=${namespace#(} namespace=${namespace%,}
    others=0
    [[ $rest != and* ]] || others=$(cut -d' ' -f2 <<<"$rest")
    times=$(grep -oE '[0-9]+ times|once' <<<"$rest" | sed 's/ times//; s/once/1/')
    expected=$(in_quay "map(select(.image == \"$image\"))
      | \"\\(map(.namespace) | unique | length - 1) \\(length) \\(map(.namespace) | min)\"")
    same "$expected" "$others $times $namespace"
  done <<<"$named"
  # The most frequent come first.
  same "$(in_quay 'group_by(.image) | sort_by([-length, .[0].image])[0][0].image')" \
    "$(head -n 1 <<<"$named" | cut -d' ' -f1)"
  longest=$(grep '^Warning: ' <<<"$said" | sed 's/^Warning: //' | awk '{ print length }' | sort -n | tail -n 1)
  ((longest <= 120)) || say "a warning of $longest characters"
}
check 'kubectl edit is told which images it hits, and how often' told

restored() {
  becomes_policy '.policy.allowedRegistries == ["docker.io", "gcr.io"]'
  edit_policy 's/gcr.io]/gcr.io,quay.io]/'
  becomes_policy '.policy.allowedRegistries == ["docker.io", "gcr.io", "quay.io"]'
}
check 'and takes it back' restored

tried() {
  local line
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge \
    --patch '{"data":{"candidate.yaml":"allowedRegistries: [docker.io]\n"}}'
  line=$(sed -n 's/^Warning: //p' <<<"$said" | tr '\n' ' ')
  has "$line" 'by the candidate, of '
  has "$line" "$(stored 'map(.image) | map(select(startswith("docker.io/") | not)) | unique | length') would now be refused"
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge \
    --patch '{"data":{"candidate.yaml":null}}'
}
check 'a candidate is answered in the same way' tried

limited() {
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge --patch \
    '{"data":{"policy.yaml":"allowedRegistries: [docker.io, gcr.io, quay.io]\nblockedTags: [staging, latest]\nrefuseEditsThatDeny: 3\n"}}'
  becomes_policy '.policy.refuseEditsThatDeny == 3'
  local count hash
  count=$(in_quay 'map(.image) | unique | length')
  local strict='{"data":{"policy.yaml":"allowedRegistries: [docker.io, gcr.io]\nblockedTags: [staging, latest]\n"}}'
  refused "would refuse $count images seen within the last day" \
    kubectl patch configmap imagegate-webhook-config -n imagegate --type merge --patch "$strict"
  has "$said" 'lets an edit refuse 3 (refuseEditsThatDeny)'
  hash=$(grep -oE 'imagegate/confirm: "[0-9a-f]{12}"' <<<"$said" | cut -d'"' -f2)
  refused 'would refuse' kubectl patch configmap imagegate-webhook-config -n imagegate --type merge --patch \
    "$(jq '.metadata.annotations["imagegate/confirm"] = "0123456789ab"' <<<"$strict")"
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge --patch \
    "$(jq --arg hash "$hash" '.metadata.annotations["imagegate/confirm"] = $hash' <<<"$strict")"
  becomes_policy ".hash == \"$hash\""
  refused 'untrusted registry' try_pod quay.io/acme/api:1.2
}
check 'beyond refuseEditsThatDeny an edit is refused, and accepted once it is confirmed' limited

selected() {
  local policy
  policy='allowedRegistries: [docker.io]
overrides:
- {name: shared, namespaces: [default], podSelector: {matchLabels: {tenant: shared}}, imagePullPolicy: always}
'
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge \
    --patch "$(jq -n --arg policy "$policy" '{data: {"policy.yaml": $policy}}')"
  becomes_policy '.policy.overrides[0].name == "shared"'
  succeeds try_pod docker.io/acme/app:1 --labels tenant=own --image-pull-policy IfNotPresent
  refused 'image is not always pulled! (docker.io/acme/app:1)' \
    try_pod docker.io/acme/app:1 --labels tenant=shared --image-pull-policy IfNotPresent
  succeeds try_pod docker.io/acme/app:1 --labels tenant=shared --image-pull-policy Always
  # What was tried in earnest is remembered by that label, and by no other.
  kubectl run labelled --image docker.io/acme/app:1 --labels tenant=shared,more=x --image-pull-policy Always >/dev/null
  same '{"container":"regular","pullPolicy":"Always","kind":"Pod","labels":{"tenant":"shared"}}' \
    "$(operator_page 'images?namespace=default' | jq -c '.images[] | select(.image == "docker.io/acme/app:1" and
      .count > 0) | {container, pullPolicy, kind, labels}')"
}
check 'Pods are selected by their labels, and asked when they pull' selected

in_metrics() {
  local edits
  edits=$(metric imagegate_edit_newly_denied_images_count)
  ((edits >= 4)) || say "$edits edits were compared"
  same 0 "$(metric 'imagegate_observed_losses_total{reason="busy"}')"
  same "$(operator_page images | jq .entries)" "$(metric imagegate_observed_entries)"
}
check 'the metrics count the edits and what is remembered' in_metrics

# The floor in the API server, as the plugin makes it and keeps it in step. The kinds are those of a stand-in
# before the API server, since older ones have none.

two_replicas
with_admission_policies

# floors EXIT ARGUMENT…: runs the plugin where there are such kinds.
floors() {
  local expected=$1
  shift
  : >"$scratch/admission.log"
  asks "$expected" "$@" --kubeconfig "$scratch/with-floor.json"
}
# written: what was stored by the last command, in its order.
written() {
  paste -sd ' ' "$scratch/admission.log"
}
# floor_objects: both lists as one.
floor_objects() {
  local kind
  for kind in validatingadmissionpolicies validatingadmissionpolicybindings; do
    curl -s "http://127.0.0.1:$admission/apis/admissionregistration.k8s.io/v1/$kind"
  done | jq -s '{kind: "List", items: [.[] | (.kind | sub("List$"; "")) as $kind | .items[] | . + {$kind}]}'
}
# floor_hash: of the policy that it was made of.
floor_hash() {
  floor_objects | jq -r '[.items[].metadata.annotations["imagegate/policy-hash"]] | unique | join(" ")'
}
policy_file() {
  printf '%s\n' "$2" >"$scratch/$1.yaml"
}
policy_file plain 'allowedRegistries: [docker.io, gcr.io]'
policy_file tight '{allowedRegistries: [docker.io, gcr.io], requireDigest: true}'
policy_file wide 'allowedRegistries: [docker.io, gcr.io, quay.io]'
policy_file warning 'mode: warn'
asks 0 apply --filename "$scratch/plain.yaml" --yes --no-audit

has_none() {
  asks 2 floor show
  has "$err" 'the API server has no ValidatingAdmissionPolicy'
  asks 0 status
  [[ $out != *floor* ]] || say "$out"
  floors 0 status
  has "$out" 'floor      none'
  floors 1 floor show
  has "$out" 'missing-tag: wholly'
  has "$out" 'there is no floor'
}
is_made() {
  floors 0 floor set --yes
  same "the floor is of $(policy_hash) now" "$(tail -n 1 "$scratch/out.txt")"
  same "$(policy_hash)" "$(floor_hash)"
  floors 0 status
  has "$out" "floor      of $(policy_hash), in step"
  floors 0 floor show
  has "$out" "the floor is in step with the policy, $(policy_hash)"
  # As a pipeline makes it.
  floor_objects >"$scratch/floor.json"
  kubectl get validatingwebhookconfiguration com.imagegate.webhook -o json >"$scratch/webhooks.json"
  succeeds "$binary" export vap --policy "$scratch/plain.yaml" --webhook "$scratch/webhooks.json" \
    --check "$scratch/floor.json"
}
tightened() {
  floors 0 apply --filename "$scratch/tight.yaml" --yes --no-audit
  has "$out" 'the floor is made anew once every replica enforces it'
  same "the floor is of $(policy_hash) now" "$(tail -n 1 "$scratch/out.txt")"
  same "PATCH imagegate-webhook-config PUT validatingadmissionpolicies/imagegate-floor \
PUT validatingadmissionpolicybindings/imagegate-floor Deny" "$(written)"
  same "$(policy_hash)" "$(floor_hash)"
}
loosened() {
  floors 0 apply --filename "$scratch/wide.yaml" --yes --no-audit
  has "$out" 'the floor is made anew once every replica enforces it and only audits until then'
  same "PUT validatingadmissionpolicybindings/imagegate-floor Audit PATCH imagegate-webhook-config \
PUT validatingadmissionpolicies/imagegate-floor PUT validatingadmissionpolicybindings/imagegate-floor Deny" "$(written)"
  same "$(policy_hash)" "$(floor_hash)"
  floors 0 undo --yes --no-audit
  same "$(policy_hash)" "$(floor_hash)"
  has "$(written)" 'PATCH imagegate-webhook-config PUT validatingadmissionpolicies/imagegate-floor'
}
only_tried() {
  local before
  before=$(floor_hash)
  floors 0 apply --filename "$scratch/wide.yaml" --dry-run --no-audit
  has "$out" 'and only audits until then'
  same '' "$(written)"
  same "$before" "$(floor_hash)"
}
comes_back() {
  printf 'PATCH\n' >"$scratch/denied"
  floors 2 apply --filename "$scratch/wide.yaml" --yes --no-audit
  rm "$scratch/denied"
  same "PUT validatingadmissionpolicybindings/imagegate-floor Audit \
PUT validatingadmissionpolicybindings/imagegate-floor Deny" "$(written)"
  floors 0 status
}
not_allowed() {
  local before
  before=$(policy_hash)
  printf 'PUT\n' >"$scratch/denied"
  floors 2 apply --filename "$scratch/wide.yaml" --yes --no-audit
  has "$err" 'the floor may refuse what the new policy admits, and cannot be changed'
  has "$err" '--no-floor` changes the policy alone'
  same "$before" "$(policy_hash)"
  # What loosens nothing is safe.
  policy_file narrow '{allowedRegistries: [docker.io], requireDigest: true}'
  floors 1 apply --filename "$scratch/narrow.yaml" --yes --no-audit
  has "$err" 'warning: the floor stays as it is'
  rm "$scratch/denied"
  same "$before" "$(floor_hash)"
  floors 1 status
  has "$out" "problem: the floor is of $before, and the replicas enforce $(policy_hash): it may refuse what the policy admits"
  has "$out" 'hint: `kubectl imagegate floor set` makes it anew'
  floors 1 doctor
  has "$out" 'FAIL  floor         the floor is of'
  floors 1 floor show
  has "$out" 'ValidatingAdmissionPolicy `imagegate-floor` is of another policy'
  floors 0 floor set --yes
  floors 0 status
  printf 'GET\n' >"$scratch/denied"
  floors 0 status
  has "$out" 'note: whether there is a floor is not known'
  floors 1 apply --filename "$scratch/tight.yaml" --yes --no-audit
  has "$err" 'warning: whether there is a floor is not known'
  rm "$scratch/denied"
  floors 0 apply --filename "$scratch/narrow.yaml" --yes --no-audit --no-floor
  floors 0 floor set --yes
}
not_waited_for() {
  floors 1 apply --filename "$scratch/plain.yaml" --yes --no-audit --wait 0
  has "$err" 'the floor only audits'
  has "$err" 'hint: `kubectl imagegate floor set` makes it anew, once every replica enforces'
  floors 0 floor set --yes
  same "$(policy_hash)" "$(floor_hash)"
  floors 0 apply --filename "$scratch/wide.yaml" --to-file "$scratch/for-git.json" --no-audit
  has "$err" 'note: the floor stays of'
}
warns() {
  floors 0 apply --filename "$scratch/warning.yaml" --yes --no-audit
  same '["true"]' "$(floor_objects | jq -c '[.items[].spec.validations[]?.expression]')"
  floors 0 status
  floors 0 apply --filename "$scratch/plain.yaml" --yes --no-audit
  has "$(floor_objects)" 'missing-tag'
}
fails_open() {
  kubectl patch validatingwebhookconfiguration com.imagegate.webhook --type json \
    --patch '[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]'
  floors 0 status
  has "$out" 'note: com.imagegate.webhook fails open: while no replica answers, the floor alone refuses images'
}
kept_by_helm() {
  floor_objects | jq '.items[0] + {apiVersion: "admissionregistration.k8s.io/v1"} | .metadata.labels["app.kubernetes.io/managed-by"] = "Helm"' |
    curl -s -X PUT --data @- -o /dev/null \
      "http://127.0.0.1:$admission/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/imagegate-floor"
  floors 2 floor set --yes
  has "$err" 'the floor belongs to a Helm release, which would put it back'
  floors 2 floor drop --yes
  floor_objects | jq '.items[0] + {apiVersion: "admissionregistration.k8s.io/v1"} | del(.metadata.labels["app.kubernetes.io/managed-by"])' |
    curl -s -X PUT --data @- -o /dev/null \
      "http://127.0.0.1:$admission/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/imagegate-floor"
}
dropped() {
  floors 2 floor drop </dev/null
  floors 0 floor drop --yes
  same 'DELETE validatingadmissionpolicybindings/imagegate-floor DELETE validatingadmissionpolicies/imagegate-floor' "$(written)"
  floors 1 status
  has "$out" 'floor      none'
}
check 'floor: none, and no such kind' has_none
check 'floor set: as a pipeline makes it' is_made
check 'a policy that is tightened: the floor follows' tightened
check 'a policy that is loosened: the floor audits first' loosened
check 'a dry run writes no floor' only_tried
check 'a policy that is not stored: the floor comes back' comes_back
check 'a floor that may not be written, or seen' not_allowed
check 'a floor is not made anew before the replicas follow' not_waited_for
check 'a policy that only warns: the floor refuses nothing' warns
check 'a webhook that fails open on a floor' fails_open
check 'a floor that a tool keeps' kept_by_helm
check 'floor drop' dropped

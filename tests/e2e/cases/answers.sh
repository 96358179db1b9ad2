# What an answer carries beyond yes and no: the fields, the audit log, dry runs, several images.

local_gate

# pod NAME SPEC: a Pod's JSON.
pod() {
  jq -n --arg name "$1" --argjson spec "$2" \
    '{apiVersion: "v1", kind: "Pod", metadata: {name: $name}, spec: $spec}'
}
readonly pods=/api/v1/namespaces/default/pods

several='{"initContainers":[{"name":"setup","image":"quay.io/acme/setup:1"}],
  "containers":[{"name":"app","image":"docker.io/acme/app:1"},{"name":"side","image":"docker.io/acme/side"}]}'

every_message() {
  pod several "$several" >"$scratch/pod.json"
  refused 'side image has no tag! (docker.io/acme/side). Only images with tags are allowed.; setup' \
    kubectl create --filename "$scratch/pod.json"
  has "$said" '; setup image comes from an untrusted registry! (quay.io/acme/setup:1). Only images from'
}
check 'every bad container is named, those that initialise too' every_message

fields() {
  local answer
  answer=$(pod several "$several" | api "$pods" -X POST --data-binary @-)
  same 'Failure 403' "$(jq -r '"\(.status) \(.code)"' <<<"$answer")"
  same 'spec.containers[1].image=missing-tag spec.initContainers[0].image=untrusted-registry' \
    "$(jq -r '[.details.causes[] | "\(.field)=\(.reason)"] | join(" ")' <<<"$answer")"
}
check 'a denial is a 403 with the field of each violation' fields

advised() {
  set_policy 'denialHint: "ask #platform"'
  # shellcheck disable=SC2016 # The backticks are those of the text.
  local advice='Warning: `nginx:latest` names no registry; did you mean `docker.io/library/nginx:<tag>`?'
  local error='Error from server: admission webhook "com.imagegate.webhook" denied the request: '
  error+='try image comes from an untrusted registry! (nginx:latest). Only images from docker.io,gcr.io are allowed.'
  refused 'untrusted registry' kubectl run try --image nginx:latest
  same "$advice"$'\n''Warning: ask #platform'$'\n'"$error" "$said"
  set_policy 'denialWarnings: false'
  refused 'untrusted registry' kubectl run try --image nginx:latest
  same "$error" "$said"
  set_policy '{}'
}
check 'kubectl shows what to do about a denial above it, unless the policy says otherwise' advised

dry_run() {
  local before
  before=$(decisions allow)
  succeeds kubectl run dry --image docker.io/nginx:1.20 --dry-run=server
  same $((before + 1)) "$(decisions allow)"
  refused 'NotFound' kubectl get pod dry
}
check 'a dry run is judged and admitted, and creates nothing' dry_run

dry_run_denied() {
  refused 'no tag!' kubectl run dry-denied --image docker.io/nginx --dry-run=server
  eventually 5 logged 'select(.name == "dry-denied") | .dry_run == true and .decision == "deny"'
}
# logged FILTER: the gate's log has a line for which it is true.
logged() {
  jq -e -n "[inputs | $1] | any" "$gate_log"
}
check 'a dry run is denied, and the log says that it was one' dry_run_denied

log_line() {
  refused 'untrusted registry' kubectl run logged --image quay.io/acme/app:1
  eventually 5 logged "select(.name == \"logged\") | .decision == \"deny\" and .rule == \"untrusted-registry\"
    and .image == \"quay.io/acme/app:1\" and .namespace == \"default\" and .user == \"admin\"
    and .policy == \"$(policy_hash)\""
}
check 'the log says who wanted what where, and by which policy it was denied' log_line

# audited NAME FILTER: the audit log has an event for a Pod of that name for which it is true.
audited() {
  jq -e -n --arg name "$1" "[inputs | select(.objectRef.name == \$name) | .annotations // {} | $2] | any" \
    "$audit_log"
}
audit_admitted() {
  succeeds kubectl run audited --image docker.io/nginx:1.20
  eventually 10 audited audited \
    ".\"com.imagegate.webhook/policy-hash\" == \"$(policy_hash)\" and .\"com.imagegate.webhook/verdict\" == \"allow\""
}
check 'the audit log of the API server holds the hash of the policy that admitted a Pod' audit_admitted

audit_warned() {
  set_policy 'mode: warn'
  succeeds kubectl run audited-warned --image quay.io/acme/app
  eventually 10 audited audited-warned \
    ".\"com.imagegate.webhook/policy-hash\" == \"$(policy_hash)\"
      and .\"com.imagegate.webhook/violations\" == \"spec.containers[0].image=missing-tag\""
  set_policy '{}'
}
check 'and the violations of a Pod that was admitted with a warning' audit_warned

exempted() {
  local before
  before=$(metric imagegate_exempted_total)
  set_policy 'exemptions: [{name: agent, images: [quay.io/acme/agent], namespaces: [default], reason: INC-1, owner: platform, expires: 2099-01-31}]'
  succeeds try_pod quay.io/acme/agent:1
  refused 'untrusted registry' try_pod quay.io/acme/other:1
  same $((before + 1)) "$(metric imagegate_exempted_total)"
}
check 'an exempt image is admitted, and counted' exempted

pinned() {
  set_policy 'overrides: [{name: strict, requireDigest: true}]'
  kubectl get validatingwebhookconfiguration e2e-answers -o json |
    jq '(.webhooks[] | select(.name == "com.imagegate.webhook") | .clientConfig.url) += "/strict"' |
    kubectl replace --filename -
  eventually 10 refused 'no digest' try_pod docker.io/nginx:1.20 || say "$(try_pod docker.io/nginx:1.20)"
}
check 'a webhook may pin an override by its path' pinned

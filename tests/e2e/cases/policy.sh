# The policy, retuned live: an edit of the ConfigMap, a volume, and the next verdict.

port=$(free_port)
make_manifests
authority "$scratch/ca"
pair "$scratch/ca" "$scratch/gate" /CN=gate IP:127.0.0.1
kubectl apply -f "$scratch/deploy/namespace.yaml" -f "$scratch/deploy/configmap.yaml" >/dev/null
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
# Longer than any case: what is seen here was told by the file system, not by the poll.
IMAGEGATE_POLL_SECONDS=3600 start_gate gate "$port" --policy "$scratch/policy" \
  --tls-cert "$scratch/gate.crt" --tls-key "$scratch/gate.key"
register_url e2e-policy "$port" "$scratch/ca.crt"
wait_until_judged

edit_policy() {
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge --patch "$1"
}
admits() {
  eventually 10 try_pod "$1" || { try_pod "$1"; }
}
denies() {
  eventually 10 refused "$2" try_pod "$1" || { refused "$2" try_pod "$1"; }
}

flips() {
  local round
  # Three times: a watch on the wrong thing hears the first only.
  for round in 1 2 3; do
    edit_policy '{"data":{"ALLOWED_REGISTRIES":"docker.io,gcr.io,quay.io"}}'
    admits quay.io/acme/tool:1
    edit_policy '{"data":{"ALLOWED_REGISTRIES":"docker.io,gcr.io"}}'
    denies quay.io/acme/tool:1 'untrusted registry'
  done
}
check 'kubectl patch flips a verdict, three times there and back' flips

edits() {
  KUBE_EDITOR="sed -i.bak s/staging,latest/staging/" \
    succeeds kubectl edit configmap imagegate-webhook-config -n imagegate
  admits docker.io/nginx:latest
  KUBE_EDITOR="sed -i.bak s/staging/staging,latest/" \
    succeeds kubectl edit configmap imagegate-webhook-config -n imagegate
  denies docker.io/nginx:latest 'non-allowed tag'
}
check 'kubectl edit flips a verdict, and back' edits

same_process() {
  alive "$gate_id"
  same 1 "$(grep -c 'ImageGate is ready!' "$gate_log")"
}
check 'the process is the one that was started' same_process

guarded() {
  local hash generation
  hash=$(policy_hash) generation=$(metric imagegate_policy_generation)
  refused 'denied the request' kubectl patch configmap imagegate-webhook-config -n imagegate \
    --type merge --patch '{"data":{"ALLOWED_REGISTRIES":""}}'
  same "$hash $generation" "$(policy_hash) $(metric imagegate_policy_generation)"
}
check 'a bad edit is refused while it is being saved, and nothing reloads' guarded

# From here on nobody guards the ConfigMap, as when the gate was away while it was edited.
kubectl label configmap imagegate-webhook-config -n imagegate imagegate/policy- >/dev/null

noticed() {
  (($(metric 'imagegate_policy_reloads_total{result="failure"}') > failures))
}
failures=$(metric 'imagegate_policy_reloads_total{result="failure"}')
hash=$(policy_hash)
bad_edit() {
  edit_policy '{"data":{"ALLOWED_REGISTRIES":"","DISABLE_EMPTY_TAG":"perhaps"}}'
  eventually 10 noticed || say 'no failure is counted'
}
check 'a bad edit that gets past the guard is counted as a failed reload' bad_edit

unchanged() {
  same "$hash" "$(policy_hash)"
  refused 'untrusted registry' try_pod quay.io/acme/tool:1
  refused 'no tag' try_pod docker.io/nginx
  succeeds try_pod docker.io/nginx:1.20
}
check 'and flips nothing' unchanged

in_metrics() {
  same 0 "$(metric imagegate_policy_last_reload_successful)"
  same 1 "$(metric "imagegate_policy_info{hash=\"$hash\"}")"
}
check 'and shows in /metrics' in_metrics

in_policy_page() {
  local page
  page=$(gate_page policy)
  jq -e '.failingSince != null and (.problems | length) == 2' <<<"$page" || say "$page"
  has "$(jq -r '.problems[]' <<<"$page")" ALLOWED_REGISTRIES
  has "$(jq -r '.problems[]' <<<"$page")" DISABLE_EMPTY_TAG
}
check 'and shows in /policy, every problem of it' in_policy_page

still_ready() {
  same 200 "$(curl -s -o "$scratch/readyz" -w '%{http_code}' "http://$gate_admin/readyz")"
}
check 'and leaves the gate ready' still_ready

healed() {
  edit_policy '{"data":{"ALLOWED_REGISTRIES":"docker.io,gcr.io,quay.io","DISABLE_EMPTY_TAG":"true"}}'
  admits quay.io/acme/tool:1
  same 1 "$(metric imagegate_policy_last_reload_successful)"
  jq -e '.failingSince == null and .problems == []' <<<"$(gate_page policy)"
}
check 'a good edit heals it' healed

both_forms() {
  local before
  before=$(metric 'imagegate_policy_reloads_total{result="failure"}')
  edit_policy '{"data":{"policy.yaml":"mode: warn\n"}}'
  failures=$before eventually 10 noticed
  has "$(gate_page policy | jq -r '.problems[]')" policy.yaml
}
check 'both forms at once are a problem' both_forms

full_form() {
  # Other keys go, one comes: the volume loses and gains files in one swap.
  edit_policy '{"data":{"ALLOWED_REGISTRIES":null,"BLOCKED_TAGS":null,"DISABLE_EMPTY_TAG":null,
    "policy.yaml":"allowedRegistries: [gcr.io/acme]\n"}}'
  denies docker.io/nginx:1.20 'untrusted registry'
  succeeds try_pod gcr.io/acme/tool:1
  refused 'untrusted registry' try_pod gcr.io/acmex/tool:1
}
check 'the full form takes over from the simple one' full_form

warns() {
  edit_policy '{"data":{"policy.yaml":"mode: warn\n"}}'
  admits nginx:latest
  succeeds try_pod nginx:latest
  has "$said" 'Warning: '
  has "$said" 'untrusted registry'
}
check 'mode warn admits, and kubectl shows a warning' warns

audits() {
  local before
  edit_policy '{"data":{"policy.yaml":"mode: audit\n"}}'
  eventually 10 silent || { try_pod nginx:latest; say 'not silent'; }
  before=$(metric 'imagegate_violations_total{mode="audit",rule="untrusted-registry"}')
  succeeds try_pod nginx:latest
  same $((before + 1)) "$(metric 'imagegate_violations_total{mode="audit",rule="untrusted-registry"}')"
}
silent() {
  said=$(try_pod nginx:latest 2>&1) && [[ $said != *Warning* ]]
}
check 'mode audit admits in silence, and counts' audits

overridden() {
  kubectl create namespace prod-shop >/dev/null
  edit_policy '{"data":{"policy.yaml":"overrides:\n- {name: production, namespaces: [prod-*], requireDigest: true}\n"}}'
  eventually 10 refused 'no digest' try_pod docker.io/nginx:1.20 -n prod-shop ||
    { try_pod docker.io/nginx:1.20 -n prod-shop; return 1; }
  succeeds try_pod docker.io/nginx:1.20
}
check 'an override binds the namespaces that it names' overridden

candidate_seen() {
  local before
  before=$(metric 'imagegate_candidate_flips_total{to="deny"}')
  edit_policy '{"data":{"candidate.yaml":"requireDigest: true\n"}}'
  eventually 10 candidate_there
  succeeds try_pod docker.io/nginx:1.20
  same $((before + 1)) "$(metric 'imagegate_candidate_flips_total{to="deny"}')"
}
candidate_there() {
  gate_page policy | jq -e '.candidate != null'
}
check 'a candidate is counted and answers nothing' candidate_seen

# Helm and kubectl on one policy. Without a policy in the values it belongs to whoever edits it, and with
# one the values win; no upgrade and no rollback ends halfway.

port=$(free_port)
cp -R "$root/deploy/helm/imagegate" "$scratch/chart"
set_port "$scratch/chart/templates/webhook.yaml" "$port"
readonly chart=$scratch/chart
export HELM_CACHE_HOME=$scratch/helm HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm
kubectl create namespace imagegate >/dev/null
kubectl label --overwrite namespace imagegate kubernetes.io/metadata.name=imagegate >/dev/null

up() {
  succeeds helm upgrade imagegate "$chart" --namespace imagegate --reset-then-reuse-values "$@"
}
data() {
  kubectl get configmap imagegate-webhook-config --namespace imagegate -o json | jq -cS .data
}
tag() {
  kubectl get deployment imagegate-webhook --namespace imagegate -o jsonpath='{..image}'
}
edited() {
  KUBE_EDITOR="sed -i.bak $1" succeeds kubectl edit configmap imagegate-webhook-config --namespace imagegate
}
patched() {
  succeeds kubectl patch configmap imagegate-webhook-config --namespace imagegate --type merge --patch "$1"
}

installed() {
  succeeds helm install imagegate "$chart" --namespace imagegate \
    --set image.repository=registry.invalid/imagegate
  has "$said" 'It is yours: no upgrade and no rollback touches it'
  same '{"ALLOWED_REGISTRIES":"docker.io,gcr.io","BLOCKED_TAGS":"staging,latest","DISABLE_EMPTY_TAG":"true"}' "$(data)"
}
check 'helm install without a policy makes the default one' installed

spawn replicas keep_replicas 2
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
IMAGEGATE_POLL_SECONDS=3600 start_gate gate "$port" --policy "$scratch/policy" \
  --tls-cert "$scratch/tls/tls.crt" --tls-key "$scratch/tls/tls.key"
wait_until_judged

closed() {
  up
  [[ $said != *'open until'* ]] || say 'still open'
}
check 'the second step closes the gate, which judges edits too' closed

one_key() {
  local before
  edited s/staging,latest/staging/
  [[ $said != *'puts them back'* ]] || say 'it is said to be put back'
  before=$(data)
  up --set image.tag=0.1.1
  same "$before registry.invalid/imagegate:0.1.1" "$(data) $(tag)"
}
check 'edit of one key, then an upgrade of the image: both hold' one_key

full_form() {
  local before
  patched '{"data":{"ALLOWED_REGISTRIES":null,"BLOCKED_TAGS":null,"DISABLE_EMPTY_TAG":null,
    "policy.yaml":"overrides:\n- {name: strict, requireDigest: true}\n"}}'
  before=$(data)
  up --set image.tag=0.1.2
  same "$before registry.invalid/imagegate:0.1.2" "$(data) $(tag)"
  succeeds helm rollback imagegate --namespace imagegate
  same "$before registry.invalid/imagegate:0.1.1" "$(data) $(tag)"
}
check 'edit to the full form, upgrade, rollback: the image follows, and the policy stays' full_form

kubectl create namespace production >/dev/null
kubectl label namespace production stage=production >/dev/null
readonly pinned='webhook.overrides=[{"name":"strict","namespaceLabel":{"key":"stage","values":["production"]}}]'
new_override() {
  up --set-json "$pinned"
  succeeds try_pod docker.io/nginx:1.20
  eventually 10 refused 'no digest' try_pod docker.io/nginx:1.20 -n production || say "$(try_pod docker.io/nginx:1.20 -n production)"
}
check 'a webhook for an override that was added by an edit: it judges its namespaces' new_override

no_override() {
  local before
  before=$(kubectl get validatingwebhookconfiguration com.imagegate.webhook -o jsonpath='{.metadata.generation}')
  refused 'the policy has no override "lax"' helm upgrade imagegate "$chart" --namespace imagegate \
    --reset-then-reuse-values --set-json "${pinned/strict/lax}" --set image.tag=0.1.9
  same "$before registry.invalid/imagegate:0.1.1" \
    "$(kubectl get validatingwebhookconfiguration com.imagegate.webhook -o jsonpath='{.metadata.generation}') $(tag)"
}
check 'a webhook for an override that the edited policy lacks: refused, nothing changed' no_override

values_own() {
  up --set-json 'policy={"blockedTags":["old"],"overrides":[{"name":"strict","requireDigest":true}]}'
  has "$said" 'own the policy'
  same true "$(data | jq '(keys == ["policy.yaml"]) and (."policy.yaml" | contains("- old"))')"
  becomes_policy '.policy.blockedTags == ["old"]'
}
check 'a policy in the values overrides whatever was edited, the full form too' values_own

told() {
  edited s/old/odd/
  has "$said" 'the values of Helm release imagegate own this policy: the next upgrade or rollback puts them back'
  becomes_policy '.policy.blockedTags == ["odd"]'
  up --set image.tag=0.1.3
  becomes_policy '.policy.blockedTags == ["old"]'
}
check 'an edit of it is in force, its author is told until when, and the upgrade puts it back' told

two_forms() {
  patched '{"data":{"policy.yaml":null,"ALLOWED_REGISTRIES":"quay.io"}}'
  up --set image.tag=0.1.4
  becomes_policy '.policy.blockedTags == ["old"]'
  same '["policy.yaml"]' "$(data | jq -c keys)"
}
check 'an edit to the other form too' two_forms

invalid() {
  local before
  before="$(data) $(tag)"
  # What no schema sees.
  refused 'the policy is not valid' helm upgrade imagegate "$chart" --namespace imagegate \
    --reset-then-reuse-values --set-json 'policy.blockedTags=["/(/"]' --set image.tag=0.1.5
  same "$before" "$(data) $(tag)"
  same '' "$(kubectl get configmaps --namespace imagegate -o name | grep check || true)"
}
check 'values with a problem: the guard refuses, and nothing is changed' invalid

revision() {
  helm list --namespace imagegate -o json | jq -r '.[0].revision'
}
refused_before=$(revision)
values_rolled_back() {
  local good
  up
  good=$(revision)
  up --set-json 'policy.blockedTags=["new"]'
  becomes_policy '.policy.blockedTags == ["new"]'
  edited s/new/newer/
  # Not even to one that was refused itself.
  refused 'the policy is not valid' helm rollback imagegate "$refused_before" --namespace imagegate
  becomes_policy '.policy.blockedTags == ["newer"]'
  succeeds helm rollback imagegate "$good" --namespace imagegate
  becomes_policy '.policy.blockedTags == ["old"]'
}
check 'rollback to a revision with a policy puts that back' values_rolled_back

handed_over() {
  local before
  before=$(data)
  up --set-json policy=null
  same "$before" "$(data)"
  edited s/old/older/
  [[ $said != *'puts them back'* ]] || say 'it is said to be put back'
  up --set image.tag=0.1.6
  becomes_policy '.policy.blockedTags == ["older"]'
  succeeds helm rollback imagegate --namespace imagegate
  becomes_policy '.policy.blockedTags == ["older"]'
}
check 'the policy taken out of the values belongs to its editors, as it is' handed_over

# A chart before this one kept the ConfigMap in the manifest of the release.
taken_over() {
  succeeds kubectl annotate configmap imagegate-webhook-config --namespace imagegate helm.sh/resource-policy-
  up
  same keep "$(kubectl get configmap imagegate-webhook-config --namespace imagegate \
    -o jsonpath='{.metadata.annotations.helm\.sh/resource-policy}')"
  becomes_policy '.policy.blockedTags == ["older"]'
}
check 'a ConfigMap of an older chart is taken over' taken_over

# rendered: what an upgrade would apply, as far as the chart knows the cluster.
rendered() {
  # Older API servers do not know the field.
  helm upgrade imagegate "$chart" --namespace imagegate --reset-then-reuse-values --dry-run=server \
    --disable-openapi-validation --set webhook.matchConditions.unchanged=always
}
updates_all() {
  succeeds rendered
  has "$said" 'name: images-changed'
  patched '{"data":{"policy.yaml":"updates: all\noverrides: [{name: strict}]\n"}}'
  has "$said" '`updates: all` has no effect where a match condition'
  succeeds rendered
  [[ $said != *'name: images-changed'* ]] || say 'such updates would be skipped'
  succeeds helm template imagegate "$chart" --namespace imagegate --set image.repository=r.invalid/imagegate \
    --set policy.updates=all --kube-version 1.31.0
  [[ $said != *'name: images-changed'* ]] || say 'such updates are skipped'
  has "$said" 'imagegate/match-conditions: none'
}
check '`updates: all`: an edit is warned, and the chart renders no condition that takes its effect' updates_all

outlives() {
  local before
  before=$(data)
  succeeds helm uninstall imagegate --namespace imagegate
  same "$before" "$(data)"
  same '' "$(kubectl get validatingwebhookconfigurations -o name)"
  succeeds helm install imagegate "$chart" --namespace imagegate --set image.repository=registry.invalid/imagegate
  same "$before" "$(data)"
  succeeds helm uninstall imagegate --namespace imagegate
}
check 'the policy outlives the release, and the next one finds it' outlives

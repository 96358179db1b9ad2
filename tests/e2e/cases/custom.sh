# Custom resources that the policy names, registered by the chart's rule.

kubectl apply --filename - >/dev/null <<'EOF'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: rollouts.e2e.example.com
spec:
  group: e2e.example.com
  names: {kind: Rollout, plural: rollouts, singular: rollout}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          x-kubernetes-preserve-unknown-fields: true
EOF
kubectl wait --for condition=Established --timeout 20s crd/rollouts.e2e.example.com >/dev/null

local_gate

rules=$(helm template imagegate "$root/deploy/helm/imagegate" --show-only templates/webhook.yaml --kube-version "$server_version" \
  --set tls.mode=existingSecret --set tls.existingSecret.name=x \
  --set-file tls.existingSecret.caBundle="$scratch/ca.crt" \
  --set image.repository=registry.invalid/imagegate \
  --set-json 'webhook.workloads=[{"group":"e2e.example.com","resources":["rollouts"]}]' |
  kubectl create --dry-run=client --filename - -o json |
  jq '[.webhooks[] | select(.name == "com.imagegate.webhook") | .rules]')
kubectl get validatingwebhookconfiguration "e2e-$file" -o json |
  jq --argjson rules "$rules" '
    (.webhooks[] | select(.name == "com.imagegate.webhook") | .rules) = $rules[0]' |
  kubectl replace --filename - >/dev/null

# rollout IMAGE: a manifest.
rollout() {
  jq -n --arg image "$1" '{apiVersion: "e2e.example.com/v1", kind: "Rollout", metadata: {name: "web"},
    spec: {replicas: 1, template: {spec: {containers: [{name: "app", image: $image}]}}}}'
}
create() {
  rollout "$1" | jq '.metadata.name = "new"' | kubectl create --dry-run=server --filename -
}
apply() {
  rollout "$1" | kubectl apply --filename -
}
readonly message='app image comes from an untrusted registry! (quay.io/acme/app:1)'
readonly named='workloads: [{group: e2e.example.com, kind: Rollout, podSpec: /spec/template/spec}]'

not_named() {
  succeeds create quay.io/acme/app:1
  [[ $said != *untrusted* ]] || say 'it is warned of'
}
check 'a custom resource that the policy does not name is not judged' not_named

# The API server may take a moment to know of the rule.
warns() {
  [[ $(create quay.io/acme/app:1 2>&1) == *"Warning: $message"* ]]
}
warned() {
  set_policy "$named"
  eventually 20 warns || { create quay.io/acme/app:1 || true; say 'no warning'; }
}
check 'named by an edit of the policy, it is warned of as templates are' warned
check 'what was there before is stored' succeeds apply quay.io/acme/app:1

denied() {
  set_policy "templates: enforce
$named"
  refused "$message" create quay.io/acme/app:1
  succeeds create docker.io/acme/app:1
}
check 'where templates are enforced, it is denied' denied

updated() {
  succeeds kubectl patch rollouts web --type merge --patch '{"spec":{"replicas":3}}'
  succeeds kubectl annotate rollouts web e2e=1
  refused 'untrusted registry! (quay.io/acme/app:2)' apply quay.io/acme/app:2
  succeeds kubectl patch rollouts web --subresource status --type merge --patch '{"status":{"ready":1}}'
}
check 'one that is there can be scaled and annotated, not given another bad image' updated

no_pod_spec() {
  refused 'spec.template.spec is not a pod spec! Its images cannot be read.' \
    kubectl patch rollouts web --type merge --patch '{"spec":{"template":{"spec":"text"}}}'
}
check 'what is no pod spec is refused in words' no_pod_spec

same_by_check() {
  rollout quay.io/acme/app:1 >"$scratch/rollout.json"
  refused "$message" "$binary" check --policy "$scratch/policy" --filename "$scratch/rollout.json"
}
check 'imagegate check says the same of its manifest' same_by_check

kubectl delete crd rollouts.e2e.example.com >/dev/null

# A first installation: whatever keeps the gate from starting, no Pod is refused for it; and a gate that
# starts refuses what it should.

port=$(free_port)
deploy=$scratch/deploy
cp -R "$root/deploy" "$deploy"
rm -rf "$deploy"/{certificates,secret.yaml,webhook.yaml}
set_port "$deploy/templates/webhook.yaml" "$port"
chart=$deploy/helm/imagegate
set_port "$chart/templates/webhook.yaml" "$port"
export HELM_CACHE_HOME=$scratch/helm HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm
kubectl create namespace shop >/dev/null
kubectl create namespace apart >/dev/null

# lives: the rest of the cluster is as it was before there was a gate.
lives() {
  succeeds kubectl run "web-$RANDOM" --image nginx --namespace shop
  succeeds kubectl create deployment "web-$RANDOM" --image nginx --namespace shop
  succeeds kubectl label --overwrite namespace apart imagegate/disable-filtering=true
  succeeds kubectl label namespace apart imagegate/disable-filtering-
}
policies() {
  kubectl get validatingwebhookconfiguration com.imagegate.webhook -o json |
    jq -r '[.webhooks[] | select(.name != "reachable.imagegate.webhook" and .name != "config.imagegate.webhook")
      | .failurePolicy] | unique | join(",")'
}
nobody_asks() {
  same '' "$(kubectl get validatingwebhookconfigurations -o name)"
}
# shut: a good Pod is refused since nobody answers.
shut() {
  local answer
  answer=$(try_pod docker.io/nginx:1.20 2>&1) || true
  [[ $answer == *'failed calling webhook'* ]]
}

# --- Plain manifests ---
installs() {
  "$deploy/install.sh" "$@"
}

unnamed() {
  refused 'which image?' installs
  refused NotFound kubectl get namespace imagegate
}
check 'install.sh without an image changes nothing' unnamed

# API servers from 1.28 on know the field, so elsewhere it is refused before anything is applied.
too_old() {
  refused 'needs Kubernetes 1.28' installs --image registry.invalid/imagegate:0.1.0 --match-conditions
  refused NotFound kubectl get namespace imagegate
}
if ((server_minor < 28)); then
  check 'install.sh --match-conditions on an API server that has none changes nothing' too_old
else
  skip 'install.sh --match-conditions on an API server that has none' 'this one has them'
fi
never_starts() {
  refused 'Nothing is refused meanwhile' installs --image registry.invalid/imagegate:0.1.0 --timeout 2s
  same Ignore "$(policies)"
  lives
}
check 'install.sh, an image that cannot be pulled: it says so, and Pods are created' never_starts
never_starts_again() {
  refused 'Nothing is refused meanwhile' installs --image registry.invalid/imagegate:0.1.1 --timeout 2s
  same registry.invalid/imagegate:0.1.1 \
    "$(kubectl get deployment imagegate-webhook -n imagegate -o jsonpath='{..image}')"
  same Ignore "$(policies)"
  lives
}
check 'and again, with another one' never_starts_again

spawn replicas keep_replicas 2
replicas=$spawned
unreachable() {
  refused 'cannot reach them' installs --timeout 20s
  same Ignore "$(policies)"
  lives
}
check 'install.sh, replicas that the API server does not reach: it says so, and Pods are created' unreachable

mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
serve() {
  start_gate "gate-$RANDOM" "$port" --policy "$scratch/policy" --tls-cert "$scratch/tls/tls.crt" \
    --tls-key "$scratch/tls/tls.key"
}
serve
installed() {
  succeeds installs --timeout 20s
  same Fail "$(policies)"
  refused 'nginx image has no tag! (nginx). Only images with tags are allowed.' kubectl run nginx --image=nginx
}
check 'install.sh with a gate that runs: kubectl run nginx --image=nginx is refused' installed

unchanged() {
  local line
  kubectl kustomize "$deploy" >"$scratch/kustomized.yaml"
  # What API servers before 1.21 know of it.
  ((server_minor >= 21)) || sed -i 's|policy/v1$|policy/v1beta1|' "$scratch/kustomized.yaml"
  succeeds kubectl apply --filename "$scratch/kustomized.yaml"
  succeeds kubectl apply --filename "$scratch/kustomized.yaml"
  while IFS= read -r line; do
    [[ $line == *' unchanged' || $line == Warning:* ]] || say "changed: $line"
  done <<<"$said"
}
check 'kubectl apply -k twice says `unchanged` for everything' unchanged

tuned() {
  KUBE_EDITOR="sed -i.bak s/staging,latest/staging/" \
    succeeds kubectl edit configmap imagegate-webhook-config -n imagegate
  before=$(kubectl get configmap imagegate-webhook-config -n imagegate -o jsonpath='{.data}')
  succeeds installs --image registry.invalid/imagegate:0.1.2 --timeout 20s
  same "$before" "$(kubectl get configmap imagegate-webhook-config -n imagegate -o jsonpath='{.data}')"
  same Fail "$(policies)"
}
check 'install.sh upgrades, and leaves an edited policy and the closed webhook alone' tuned

full_form() {
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate --type merge --patch '{"data":{
    "ALLOWED_REGISTRIES":null,"BLOCKED_TAGS":null,"DISABLE_EMPTY_TAG":null,"policy.yaml":"mode: warn\n"}}'
  succeeds installs --timeout 20s
  refused 'denied the request' kubectl apply --filename "$deploy/configmap.yaml"
  has "$said" policy.yaml
  same '{"policy.yaml":"mode: warn\n"}' \
    "$(kubectl get configmap imagegate-webhook-config -n imagegate -o jsonpath='{.data}')"
  # By replacing it, which is what going back to the file is.
  succeeds kubectl replace --filename "$deploy/configmap.yaml"
}
check 'the file of the policy over an edit to the full form: refused as a whole; `replace` goes back' full_form

applied_policy() {
  succeeds kubectl apply --filename "$deploy/configmap.yaml"
  succeeds kubectl patch configmap imagegate-webhook-config -n imagegate \
    --patch '{"data":{"BLOCKED_TAGS":"latest"}}'
  has "$said" 'the next `kubectl apply` of the file puts back: BLOCKED_TAGS'
}
check 'a policy that is kept with kubectl apply: whoever edits it is told what will be put back' applied_policy

lost() {
  stop_gate
  eventually 20 shut || say 'a Pod is created while nobody judges'
  refused 'The webhook configuration is as it was' installs --timeout 20s
  same Fail "$(policies)"
}
check 'a gate that is lost later refuses, and install.sh opens nothing' lost

removed() {
  succeeds kubectl delete validatingwebhookconfiguration com.imagegate.webhook
  succeeds kubectl delete namespace imagegate --timeout=60s
  nobody_asks
  eventually 20 try_pod nginx
}
check 'removed as the README tells: nobody is asked' removed

# --- Helm ---
end_group "$replicas"
up() {
  helm upgrade imagegate "$chart" --namespace imagegate --reset-then-reuse-values "$@"
}
no_repository() {
  refused 'image.repository: which registry has the image?' \
    helm install imagegate "$chart" --namespace imagegate --create-namespace
  refused NotFound kubectl get deployment imagegate-webhook --namespace imagegate
  nobody_asks
}
check 'helm install without a repository is refused before anything is there' no_repository

helm_never_starts() {
  kubectl get namespace imagegate || kubectl create namespace imagegate
  # By hand, as NOTES.txt says, where the API server does not.
  kubectl label --overwrite namespace imagegate kubernetes.io/metadata.name=imagegate
  succeeds helm install imagegate "$chart" --namespace imagegate --create-namespace \
    --set image.repository=registry.invalid/imagegate
  has "$said" 'open until you close it'
  same Ignore "$(policies)"
  lives
}
check 'helm install, an image that cannot be pulled: Pods are created elsewhere' helm_never_starts
report_replicas 0
helm_upgraded() {
  succeeds up --set image.tag=0.1.1
  same Ignore "$(policies)"
  lives
}
check 'helm upgrade while no replica was ready: Pods are created' helm_upgraded
helm_rolled_back() {
  succeeds helm rollback imagegate --namespace imagegate
  same Ignore "$(policies)"
  lives
}
check 'helm rollback while no replica was ready: Pods are created' helm_rolled_back
helm_fail_too() {
  succeeds up --set webhook.failurePolicy=Fail
  same Ignore "$(policies)"
  lives
}
check 'webhook.failurePolicy=Fail cannot hurry it' helm_fail_too
helm_removed() {
  succeeds helm uninstall imagegate --namespace imagegate
  nobody_asks
  lives
}
check 'helm uninstall of a gate that never started: no webhook is left' helm_removed
spawn replicas keep_replicas 2

helm_unreachable() {
  local before
  succeeds helm install imagegate "$chart" --namespace imagegate --set image.repository=registry.invalid/imagegate
  eventually 20 ready_replica
  before=$(kubectl get deployment,validatingwebhookconfiguration -n imagegate -o json |
    jq -c '[.items[] | {name: .metadata.name, generation: .metadata.generation}]')
  refused 'failed calling webhook "reachable.imagegate.webhook"' up --set image.tag=0.1.1
  same "$before" "$(kubectl get deployment,validatingwebhookconfiguration -n imagegate -o json |
    jq -c '[.items[] | {name: .metadata.name, generation: .metadata.generation}]')"
  lives
}
reaching_can_be_mended() {
  succeeds up --set webhook.failurePolicy=Ignore --set image.tag=0.1.1
  same Ignore "$(policies)"
  succeeds up --set webhook.failurePolicy=Ignore --set image.tag=0.1.0
}
ready_replica() {
  [[ $(kubectl get deployment imagegate-webhook -n imagegate -o jsonpath='{.status.readyReplicas}') -gt 0 ]]
}
check 'helm upgrade with replicas that the API server does not reach: refused, nothing changed' helm_unreachable
check 'and with failurePolicy Ignore it can be upgraded even then' reaching_can_be_mended

mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy-helm"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls-helm"
start_gate gate-helm "$port" --policy "$scratch/policy-helm" --tls-cert "$scratch/tls-helm/tls.crt" \
  --tls-key "$scratch/tls-helm/tls.key"
helm_judged() {
  wait_until_judged
  refused 'nginx image has no tag! (nginx). Only images with tags are allowed.' kubectl run nginx --image=nginx
  same Ignore "$(policies)"
}
check 'helm install with a gate that runs: kubectl run nginx --image=nginx is refused at once' helm_judged
unlabelled() {
  succeeds kubectl label namespace imagegate kubernetes.io/metadata.name-
  refused 'kubectl label namespace imagegate kubernetes.io/metadata.name=imagegate' up --set webhook.failurePolicy=null
  same Ignore "$(policies)"
  succeeds kubectl label namespace imagegate kubernetes.io/metadata.name=imagegate
}
if ((server_minor < 21)); then
  check 'the second step on an API server that labels no namespace: refused until that is done' unlabelled
else
  skip 'the second step on an API server that labels no namespace' 'this one labels them'
fi
helm_closed() {
  succeeds up --set webhook.failurePolicy=null
  same Fail "$(policies)"
  [[ $said != *'open until'* ]] || say "the notes say that it is open: $said"
  refused 'no tag!' kubectl run nginx --image=nginx
  same '' "$(kubectl get configmaps -n imagegate -o name | grep reachable || true)"
}
check 'the second step closes it' helm_closed
helm_stays_closed() {
  stop_gate
  eventually 20 shut || say 'a Pod is created while nobody judges'
  succeeds up --set image.tag=0.1.2
  same Fail "$(policies)"
  succeeds helm rollback imagegate --namespace imagegate
  same Fail "$(policies)"
  shut || say 'a Pod is created while nobody judges'
}
check 'a gate that is lost later refuses; neither an upgrade nor its rollback opens it' helm_stays_closed
helm_gone() {
  succeeds helm uninstall imagegate --namespace imagegate
  nobody_asks
  eventually 20 try_pod nginx
}
check 'helm uninstall of a gate that is down: no webhook is left, and Pods are created' helm_gone

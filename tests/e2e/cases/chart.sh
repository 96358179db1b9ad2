# The Helm chart: every set of values, and a release's whole life.

readonly chart=$root/deploy/helm/imagegate
kubectl create namespace imagegate >/dev/null
kubectl label --overwrite namespace imagegate kubernetes.io/metadata.name=imagegate >/dev/null
export HELM_CACHE_HOME=$scratch/helm HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm

accepted() {
  helm template imagegate "$chart" --namespace imagegate --kube-version "$server_version" \
    --values "$1" >"$scratch/rendered.yaml"
  apply_known --dry-run=server --namespace imagegate "$scratch/rendered.yaml"
}
for values in "$chart"/ci/*-values.yaml; do
  check "the API server accepts what $(basename "$values" -values.yaml) renders" accepted "$values"
done

objects() {
  kubectl get deployments,services,configmaps,secrets,networkpolicies,poddisruptionbudgets \
    --namespace imagegate -o name | grep -v -e kube-root-ca.crt -e sh.helm.release || true
  kubectl get validatingwebhookconfigurations -o name
}
deployment_generation() {
  kubectl get deployment imagegate-webhook --namespace imagegate -o jsonpath='{.metadata.generation}'
}
pair_in_secret() {
  kubectl get secret imagegate-webhook-certificates --namespace imagegate -o jsonpath='{.data}'
}

readonly named=(--set image.repository=registry.invalid/imagegate)
installed() {
  succeeds helm install imagegate "$chart" --namespace imagegate "${named[@]}" \
    --set-json 'policy={"mode":"enforce"}'
  has "$said" 'STATUS: deployed'
  has "$(objects)" deployment.apps/imagegate-webhook
  has "$(objects)" validatingwebhookconfiguration.admissionregistration.k8s.io/com.imagegate.webhook
}
check 'helm install' installed

port=$(free_port)
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
IMAGEGATE_POLL_SECONDS=3600 start_gate gate "$port" --policy "$scratch/policy" \
  --tls-cert "$scratch/tls/tls.crt" --tls-key "$scratch/tls/tls.key"

first_hash=$(policy_hash) first_pair=$(pair_in_secret)
upgraded() {
  succeeds helm upgrade imagegate "$chart" --namespace imagegate "${named[@]}" \
    --set-json 'policy={"allowedRegistries":["docker.io","quay.io"]}'
  has "$said" 'STATUS: deployed'
  becomes_policy '.policy.allowedRegistries == ["docker.io","quay.io"]'
  same 1 "$(deployment_generation)"
}
check 'helm upgrade with another policy: in force, and no Pod restarted' upgraded
pair_kept() {
  same "$first_pair" "$(pair_in_secret)"
}
check 'helm upgrade keeps the certificate' pair_kept
nonsense() {
  refused 'blockedTag' helm upgrade imagegate "$chart" --namespace imagegate "${named[@]}" --set policy.blockedTag=x
  same 2 "$(helm list --namespace imagegate -o json | jq -r '.[0].revision')"
}
check 'helm upgrade with a misspelt policy is refused' nonsense

rolled_back() {
  succeeds helm rollback imagegate 1 --namespace imagegate
  becomes_policy ".hash == \"$first_hash\""
  same "1 $first_pair" "$(deployment_generation) $(pair_in_secret)"
}
check 'helm rollback brings the first policy back, and keeps the certificate' rolled_back

renewed() {
  succeeds helm upgrade imagegate "$chart" --namespace imagegate "${named[@]}" --set tls.generated.renew=true
  [[ $(pair_in_secret) != "$first_pair" ]] || say 'the pair is the old one'
  same 1 "$(deployment_generation)"
  # Nothing of this may be in the values of the next run.
  succeeds helm upgrade imagegate "$chart" --namespace imagegate "${named[@]}"
}
check 'helm upgrade with tls.generated.renew makes a new pair, and restarts no Pod' renewed

judged() {
  route_service "$port"
  wait_until_judged
  succeeds try_pod docker.io/nginx:1.20
}
check "the API server trusts the chart's certificate, and the gate judges" judged

uninstalled() {
  succeeds helm uninstall imagegate --namespace imagegate
  # That one was put in the place of the chart's.
  kubectl delete service imagegate-webhook --namespace imagegate --ignore-not-found
  same configmap/imagegate-webhook-config "$(objects)"
  eventually 20 try_pod nginx || say 'Pods are still judged'
}
check 'helm uninstall leaves nothing but the policy behind, and nothing is judged' uninstalled

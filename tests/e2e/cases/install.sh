# The plain manifests, installed and removed as the README tells, the API server asking the Service.

deploy=$scratch/deploy
port=$(free_port)

accepts_manifests() {
  local manifest
  make_manifests
  for manifest in namespace secret configmap deployment webhook; do
    apply_known "$deploy/$manifest.yaml"
  done
  # Again, which changes nothing.
  for manifest in namespace secret configmap deployment webhook; do
    apply_known "$deploy/$manifest.yaml"
  done
}
check 'certificates.sh, then every manifest is accepted, twice' accepts_manifests

# container_arguments: those of the Deployment, for folders and ports of this machine.
container_arguments() {
  kubectl get deployment imagegate-webhook --namespace imagegate -o json |
    jq -r --arg volumes "$scratch" '
      .spec.template.spec.containers[0].args[1:]
      | map(sub("^/etc/imagegate"; $volumes) | sub("^0.0.0.0:8080$"; "127.0.0.1:0"))[]' |
    sed "s/^0.0.0.0:3000\$/127.0.0.1:$port/"
}

mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
mapfile -t arguments < <(container_arguments)
# Only HTTP/1.1 is offered: what is admitted below was asked over it.
gate_log=$scratch/gate.log
spawn gate env IMAGEGATE_DRAIN_DELAY_SECONDS=0 IMAGEGATE_PROTOCOLS=http/1.1 "$binary" serve "${arguments[@]}"
gate_runs() {
  eventually 20 gate_started || { cat "$gate_log"; return 1; }
}
check 'the binary starts with the arguments of the Deployment' gate_runs
gate_admin=$(jq -r 'select(.message == "ImageGate is ready!") | .admin' "$gate_log")
route_service "$port"
check 'the Service is asked over HTTP/1.1' wait_until_judged

check "the seed's transcript, over HTTP/1.1" transcript tests/data/seed-transcript.txt

label_removed() {
  succeeds kubectl label namespace development imagegate/disable-filtering-
  refused 'untrusted registry' kubectl run again --image=nginx:latest -n development
}
check 'without its label the namespace is judged again' label_removed

label_of_others() {
  refused 'denied the request' kubectl label namespace development imagegate/disable-filtering=true \
    --as jane --as-group system:authenticated --as-group e2e-admins
}
kubectl create clusterrolebinding e2e-admins --clusterrole=cluster-admin --group=e2e-admins >/dev/null
check 'the label is refused to whom namespaceOptOut does not name' label_of_others

bad_value() {
  refused 'denied the request' kubectl patch configmap imagegate-webhook-config -n imagegate \
    --patch '{"data":{"DISABLE_EMPTY_TAG":"perhaps"}}'
  has "$said" DISABLE_EMPTY_TAG
}
check 'a policy with a problem is refused while it is being saved' bad_value

# From 1.23 on the namespace's label `restricted` is heeded, by the API server itself.
own_namespace() {
  restricted_pod own nginx >"$scratch/own.json"
  succeeds kubectl create --filename "$scratch/own.json" -n imagegate --dry-run=server
}
check 'its own namespace is not judged' own_namespace
system_namespace() {
  succeeds kubectl run system --image=nginx -n kube-system --dry-run=server
}
check 'kube-system is not judged' system_namespace

cleanup() {
  succeeds kubectl delete pod nginx
  succeeds kubectl delete namespace development --timeout=60s
  succeeds kubectl delete -f "$deploy/webhook.yaml"
  # What an API server before 1.21 does not know.
  succeeds kubectl delete --ignore-not-found deployment,service,networkpolicy imagegate-webhook -n imagegate
  succeeds kubectl delete -f "$deploy/configmap.yaml"
  succeeds kubectl delete -f "$deploy/secret.yaml"
  succeeds kubectl delete -f "$deploy/namespace.yaml" --timeout=60s
  same '' "$(kubectl get all,secrets,configmaps -n imagegate -o name)"
  eventually 20 try_pod nginx || say 'Pods are still judged'
}
check 'cleanup leaves nothing behind, and nothing is judged' cleanup
kubectl delete clusterrolebinding e2e-admins >/dev/null

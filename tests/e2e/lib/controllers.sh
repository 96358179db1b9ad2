# A stand-in for the controllers, the kubelets and kube-proxy: what they would report of a Deployment,
# and where they would lead a Service.

# report_replicas READY: the Deployment's status, as if so many of its replicas were ready.
report_replicas() {
  local status
  status=$(kubectl get deployment imagegate-webhook --namespace imagegate -o json |
    jq --argjson ready "$1" '{status: {observedGeneration: .metadata.generation, replicas: .spec.replicas,
      updatedReplicas: .spec.replicas, readyReplicas: $ready, availableReplicas: $ready,
      unavailableReplicas: (.spec.replicas - $ready)}}')
  kubectl patch deployment imagegate-webhook --namespace imagegate --subresource status --type merge \
    --patch "$status" >/dev/null
}

# keep_replicas READY: goes on reporting that, whenever the Deployment changes; the Service leads to
# this machine meanwhile.
keep_replicas() {
  while :; do
    report_replicas "$1" || true
    lead_here || true
    sleep 0.3
  done
}

# lead_here: the Service leads to this machine. Its port is that of the webhook configuration, since an
# external name has none; set_port changes it in a copy of the manifests. A patch of these fields only
# is no conflict with whoever applied the rest.
lead_here() {
  [[ $(kubectl get service imagegate-webhook --namespace imagegate -o jsonpath='{.spec.type}') == ExternalName ]] ||
    kubectl patch service imagegate-webhook --namespace imagegate --type merge --patch '{"spec": {
      "type": "ExternalName", "externalName": "localhost", "clusterIP": null, "clusterIPs": null,
      "ipFamilies": null, "ipFamilyPolicy": null, "internalTrafficPolicy": null}}' >/dev/null
}

# set_port FILE PORT: the API server asks that port of the Service.
set_port() {
  sed -i.bak "s/^\( *\)port: 443\$/\1port: $2/" "$1"
  rm "$1.bak"
}

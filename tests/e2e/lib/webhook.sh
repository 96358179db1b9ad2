# Webhook configurations: the shipped one, with the address of a gate on this machine.

# make_manifests: a copy of deploy/ in $scratch/deploy, with certificates.
make_manifests() {
  cp -R "$root/deploy" "$scratch/deploy"
  # What somebody made in the working tree is not what is tested.
  rm -rf "$scratch/deploy"/{certificates,secret.yaml,webhook.yaml}
  "$scratch/deploy/certificates.sh" >/dev/null
}

# register_url NAME PORT CA [POLICY]: the shipped webhooks, asked at a URL on loopback, for which
# newer API servers speak HTTP/2. POLICY is Fail or Ignore. Waits for nothing.
register_url() {
  [[ -d $scratch/deploy ]] || make_manifests
  kubectl create --dry-run=client --filename "$scratch/deploy/webhook.yaml" -o json |
    jq --arg name "$1" --arg at "https://127.0.0.1:$2" --rawfile ca "$3" --arg policy "${4:-Fail}" '
      .metadata.name = $name
      | .webhooks[] |= (
          .clientConfig = {url: ($at + .clientConfig.service.path), caBundle: ($ca | @base64)})
      | (.webhooks[] | select(.name == "com.imagegate.webhook") | .failurePolicy) = $policy' |
    kubectl apply --filename - >/dev/null
}

# route_service PORT: makes the Service of the manifests lead to a gate on this machine, as DNS and
# kube-proxy would. The API server then asks as it does in a cluster: HTTP/1.1, and the
# Service's name in the certificate.
route_service() {
  kubectl delete service imagegate-webhook --namespace imagegate --ignore-not-found >/dev/null
  kubectl create service externalname imagegate-webhook --namespace imagegate \
    --external-name localhost --tcp 443:3000 >/dev/null
  point_service "$1"
}

# point_service PORT: an external name has no ports, so the webhooks must name that of the gate.
point_service() {
  local patch
  patch=$(kubectl get validatingwebhookconfiguration com.imagegate.webhook -o json |
    jq --argjson port "$1" '[.webhooks | keys[]
      | {op: "add", path: "/webhooks/\(.)/clientConfig/service/port", value: $port}]')
  kubectl patch validatingwebhookconfiguration com.imagegate.webhook --type json --patch "$patch" >/dev/null
}

# restricted_pod NAME IMAGE: a Pod's JSON that Pod security `restricted` has nothing against.
restricted_pod() {
  jq -n --arg name "$1" --arg image "$2" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name}, spec: {
    securityContext: {runAsNonRoot: true, runAsUser: 64535, seccompProfile: {type: "RuntimeDefault"}},
    containers: [{name: $name, image: $image,
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}}]}}'
}

# try_pod IMAGE [KUBECTL-OPTION…]: asks whether it would be admitted, and creates nothing.
try_pod() {
  kubectl run e2e-try --image "$1" --dry-run=server "${@:2}"
}

# judges [KUBECTL-OPTION…]: the gate is asked, and answers.
judges() {
  local answer
  answer=$(try_pod docker.io/library/nginx:staging "$@" 2>&1) || true
  [[ $answer == *'These tags'* ]]
}

# wait_until_judged [KUBECTL-OPTION…]: the API server takes a moment to know of a webhook.
wait_until_judged() {
  eventually 20 judges "$@" || { try_pod nginx "$@" || true; say 'nobody judges'; }
}

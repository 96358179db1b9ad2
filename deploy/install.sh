#!/usr/bin/env bash
# Installs the plain manifests, or brings an installation up to date, without ever being able to stop a
# cluster: a Pod is refused because the gate does not answer only after the gate has answered.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: ./install.sh --image IMAGE [--timeout DURATION] [--match-conditions | --no-match-conditions]

  --image IMAGE         ImageGate's image, as your cluster pulls it: registry.example.com/imagegate:0.1.0.
                        May be left out where a Deployment is there already, which then keeps its image
  --timeout DURATION    how long to wait for the replicas (default 5m)
  --match-conditions    let the API server itself skip updates that change no image; needs Kubernetes
                        1.28, and a policy without `updates: all` and `podSelector`. Kept by later runs, until
                        one says --no-match-conditions
  --help                show this

In this order:
  1. certificates.sh, where it has not been run yet
  2. the namespace, the Secret and the policy where there are none, then the Deployment
  3. on a first installation the webhook configuration, open: Pods are judged as soon as a replica is
     ready, and admitted while none answers
  4. wait until every replica is ready, and until the API server reaches them
  5. the webhook configuration as it is in webhook.yaml, closed: from now on a Pod is also refused while
     no replica answers

Where a step fails it says why and stops. What was applied stays; mend it and run this again. A policy
or a Secret that is there is never touched.
USAGE
}

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

image=
timeout=5m
conditions=
while (($# > 0)); do
  case $1 in
    --image | --timeout)
      (($# > 1)) || fail "$1 needs a value" 2
      case $1 in
        --image) image=$2 ;;
        --timeout) timeout=$2 ;;
      esac
      shift 2
      ;;
    --match-conditions) conditions=true; shift ;;
    --no-match-conditions) conditions=false; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown option: $1" 2 ;;
  esac
done
readonly namespace=imagegate name=imagegate-webhook webhook=com.imagegate.webhook
[[ -z $image || $image =~ ^[A-Za-z0-9][A-Za-z0-9._:/@-]*$ ]] || fail "--image is not an image: '$image'" 2
[[ $timeout =~ ^[0-9]+[smh]$ ]] || fail "--timeout takes a duration such as 5m, not '$timeout'" 2
command -v kubectl >/dev/null || fail 'kubectl is needed and is not in PATH'
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# there KIND NAME: the object, as JSON; nothing where it does not exist.
there() {
  kubectl get "$1" "$2" --namespace "$namespace" --ignore-not-found -o json
}

step() {
  printf '\n%s\n' "$*"
}

# --- What is there ---
server=$(kubectl get --raw /version) || fail 'the API server cannot be reached'
minor=$(sed -n 's/.*"minor": *"\([0-9]*\).*/\1/p' <<<"$server")
[[ -n $minor ]] || fail 'the API server does not say its version'
live_webhook=$(there validatingwebhookconfiguration "$webhook")
if [[ -z $conditions ]]; then
  conditions=false
  if grep -q '"name": "images-changed"' <<<"$live_webhook"; then
    conditions=true
  fi
fi
if $conditions && ((minor < 28)); then
  fail "--match-conditions needs Kubernetes 1.28, and this is 1.$minor" 2
fi
live_deployment=$(there deployment "$name")
if grep -q '"app.kubernetes.io/managed-by": "Helm"' <<<"$live_webhook$live_deployment"; then
  fail 'this installation is kept by Helm; use helm upgrade'
fi
if [[ -z $image && -z $live_deployment ]]; then
  usage >&2
  fail '--image: which image? The project publishes none: build it (make image) and push it' 2
fi
if [[ -z $image ]]; then
  image=$(kubectl get deployment "$name" --namespace "$namespace" \
    -o jsonpath='{.spec.template.spec.containers[?(@.name=="imagegate")].image}')
fi
# A CA that was made again here would not be the one of the pair in the cluster.
if [[ ! -e secret.yaml || ! -e webhook.yaml ]]; then
  if [[ -n $live_webhook || -n $(there secret imagegate-webhook-certificates) ]]; then
    fail 'the cluster has certificates, but secret.yaml and webhook.yaml are not here. Copy them here, or change to a new CA: docs/operations/certificates.md'
  fi
  step 'certificates'
  ./certificates.sh
fi

# --- The gate ---
# The manifests as this API server takes them. Before 1.21 the budget is a beta, and nobody labels
# namespaces with their names.
sed "s|image: imagegate:.*|image: \"$image\"|" deployment.yaml >"$work/deployment.yaml"
if ((minor < 21)); then
  sed -i.bak 's|^apiVersion: policy/v1$|apiVersion: policy/v1beta1|' "$work/deployment.yaml"
fi

step 'gate'
kubectl apply --filename namespace.yaml
if [[ -z $(kubectl get namespace kube-system -o jsonpath='{.metadata.labels.kubernetes\.io/metadata\.name}') ]]; then
  kubectl label namespace kube-system kubernetes.io/metadata.name=kube-system
fi
# Made once: the Secret is rotated by itself, and the policy belongs to whoever edits it.
for each in secret/imagegate-webhook-certificates:secret.yaml configmap/imagegate-webhook-config:configmap.yaml; do
  object=${each%:*}
  if [[ -n $(there "${object%/*}" "${object#*/}") ]]; then
    printf '%s is there, and stays as it is\n' "$object"
  else
    # `apply` would note what it wrote, and put it back the next time.
    kubectl create --filename "${each#*:}"
  fi
done
kubectl apply --filename "$work/deployment.yaml"

# --- The webhook ---
closed=$work/closed
mkdir "$closed"
cp webhook.yaml "$closed/webhook.yaml"
{
  printf 'resources: [webhook.yaml]\n'
  if $conditions; then
    cp -R overlays "$closed/overlays"
    printf 'components: [overlays/match-conditions]\n'
  fi
} >"$closed/kustomization.yaml"
kubectl kustomize "$closed" >"$work/closed.yaml"
sed 's/failurePolicy: Fail/failurePolicy: Ignore/' "$work/closed.yaml" >"$work/open.yaml"

was_closed=false
if grep -q '"failurePolicy": "Fail"' <<<"$live_webhook"; then
  was_closed=true
fi
if ! $was_closed; then
  step 'webhook, open: a Pod is judged as soon as a replica is ready, and admitted while none answers'
  kubectl apply --filename "$work/open.yaml"
fi

# said_so WHY: why it ends here, and what holds meanwhile.
said_so() {
  if $was_closed; then
    fail "$1. The webhook configuration is as it was"
  fi
  fail "$1. Nothing is refused meanwhile: the webhook is open. Mend it and run this again. To remove it: kubectl delete validatingwebhookconfiguration $webhook"
}

step 'replicas'
if ! kubectl rollout status "deployment/$name" --namespace "$namespace" --timeout "$timeout"; then
  kubectl get pods --namespace "$namespace" >&2 || true
  said_so "no full set of replicas is ready within $timeout; kubectl describe pods -n $namespace says why"
fi

# reached: the API server asks the gate, and gets an answer. A policy that is none, in a ConfigMap that
# is never stored, is refused by a gate of whatever mode, and accepted where nobody was asked.
reached() {
  answer=$(kubectl create --dry-run=server --filename - 2>&1 <<PROBE
apiVersion: v1
kind: ConfigMap
metadata:
  name: imagegate-is-reached
  namespace: $namespace
  labels: {imagegate/policy: "true"}
data: {ALLOWED_REGISTRIES: ""}
PROBE
  ) || true
  [[ $answer == *'config.imagegate.webhook'*'denied the request'* ]]
}
step 'the way from the API server to the replicas'
# A moment passes until the API server knows of the webhook.
for attempt in {1..10}; do
  if reached; then
    break
  fi
  if ((attempt == 10)); then
    printf '%s\n' "$answer" >&2
    said_so "the replicas are ready, but the API server cannot reach them; see docs/operations/troubleshooting.md"
  fi
  sleep 2
done
printf 'an invalid policy was refused by the gate, as it should be\n'

step 'webhook, closed: a Pod is refused also while no replica answers'
kubectl apply --filename "$work/closed.yaml"

cat <<'DONE'

ImageGate is installed. See a Pod refused, without creating one:
  kubectl run nginx --image=nginx --dry-run=server -n default
Retune the policy:
  kubectl edit configmap imagegate-webhook-config -n imagegate
Locked out? No webhook is ever asked about this:
  kubectl delete validatingwebhookconfiguration com.imagegate.webhook
DONE

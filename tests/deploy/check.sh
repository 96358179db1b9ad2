#!/usr/bin/env bash
# Checks everything in deploy/ that can be checked without a cluster, one line for each check; exits 1
# if any fails.
#
#   tests/deploy/check.sh            needs shellcheck, openssl, kubectl, helm, promtool and python3
#   tests/deploy/check.sh --server   also asks the API server of KUBECONFIG, by --dry-run=server,
#                                    about everything that it knows; it changes nothing there
#
# Tools in the folder that KUBEBUILDER_ASSETS names go before those in PATH.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
[[ -z ${KUBEBUILDER_ASSETS:-} ]] || PATH=$KUBEBUILDER_ASSETS:$PATH

server=false
case ${1:-} in
  '') ;;
  --server) server=true ;;
  *) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2; exit 2 ;;
esac

readonly chart=deploy/helm/imagegate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
skipped=0
total=0

# check NAME COMMAND…: one line, and what the command said if it failed. 77 means not checked.
check() {
  local name=$1 status=0
  shift
  total=$((total + 1))
  "$@" >"$work/log" 2>&1 || status=$?
  case $status in
    0) printf 'ok    %s\n' "$name" ;;
    77) printf 'skip  %s\n' "$name"; skipped=$((skipped + 1)) ;;
    *)
      printf 'FAIL  %s\n' "$name"
      sed 's/^/      /' "$work/log"
      failed=$((failed + 1))
      ;;
  esac
}

say() {
  printf '%s\n' "$*"
  return 1
}

# --- Tools ---
for tool in shellcheck openssl kubectl helm promtool python3; do
  check "$tool is there" command -v "$tool"
done

# --- Scripts ---
check 'shellcheck' shellcheck deploy/certificates.sh deploy/install.sh tests/deploy/check.sh

# --- Nothing that must not be in git ---
no_keys() {
  # Split, so that this line does not find itself.
  ! git grep -lE -e '-----BEGIN ([A-Z]+ )?PRIVATE'' KEY' -- . ||
    say 'a private key is in git'
}
check 'no private key is in git' no_keys
ignored() {
  local path
  for path in deploy/certificates/ca.key deploy/certificates/tls.key deploy/secret.yaml deploy/webhook.yaml; do
    git check-ignore -q "$path" || say "$path is not ignored by git" || return 1
  done
}
check 'git ignores what certificates.sh writes' ignored

# --- certificates.sh, in a copy ---
cp -r deploy "$work/deploy"
rm -rf "$work/deploy/"{certificates,secret.yaml,webhook.yaml}
certificates() {
  "$work/deploy/certificates.sh" "$@"
}
# value KEY FILE: the first value of KEY in FILE, out of base64
value() {
  sed -n "s/^ *$1: *//p" "$work/deploy/$2" | head -n 1 | openssl base64 -d -A
}
ca_lines() {
  value caBundle webhook.yaml | grep -c 'BEGIN CERTIFICATE'
}

first_run() {
  local store=$work/deploy/certificates text
  # From elsewhere, and by a user whose files anyone may read.
  (cd / && umask 022 && certificates --days 90) || return 1
  [[ $(value tls.crt secret.yaml) == "$(<"$store/tls.crt")" ]] || say 'tls.crt differs' || return 1
  [[ $(value tls.key secret.yaml) == "$(<"$store/tls.key")" ]] || say 'tls.key differs' || return 1
  [[ $(value caBundle webhook.yaml) == "$(<"$store/ca.crt")" ]] || say 'caBundle differs' || return 1
  [[ $(grep -c 'caBundle: .' "$work/deploy/webhook.yaml") == 3 ]] || say 'not three caBundles' || return 1
  ! grep -n '@[a-z]*@\|: ""' "$work/deploy/"{secret,webhook}.yaml || say 'left empty' || return 1
  text=$(openssl x509 -in "$store/tls.crt" -noout -text)
  grep -q 'NIST CURVE: P-256' <<<"$text" || say 'not P-256' || return 1
  grep -q 'DNS:imagegate-webhook.imagegate.svc,' <<<"$text" || say 'wrong name' || return 1
  openssl x509 -in "$store/tls.crt" -noout -checkend $((89 * 86400)) || return 1
  ! openssl x509 -in "$store/tls.crt" -noout -checkend $((91 * 86400)) || say 'lives too long' || return 1
  [[ -z $(find "$store" "$work/deploy/secret.yaml" -perm /077) ]] || say 'others can read a key' || return 1
}
check 'certificates.sh makes a pair, readable for its owner only' first_run

again() {
  local before
  before=$(<"$work/deploy/certificates/ca.crt")
  cp "$work/deploy/certificates/tls.crt" "$work/old.crt"
  certificates || return 1
  [[ $before == "$(<"$work/deploy/certificates/ca.crt")" ]] || say 'the CA has changed' || return 1
  ! cmp -s "$work/old.crt" "$work/deploy/certificates/tls.crt" || say 'the pair has not changed' || return 1
  [[ $(ca_lines) == 1 ]] || say 'more than one CA is trusted'
}
check 'certificates.sh run again rotates the pair and keeps the CA' again

new_ca() {
  local run
  cp "$work/deploy/certificates/tls.crt" "$work/old.crt"
  # Twice before anything is applied: the pair in the cluster must still be trusted.
  for run in 2 3; do
    certificates --new-ca || return 1
    [[ $(ca_lines) == "$run" ]] || say "$(ca_lines) CAs are trusted, not $run" || return 1
  done
  value caBundle webhook.yaml >"$work/bundle.crt"
  openssl verify -CAfile "$work/bundle.crt" "$work/old.crt" "$work/deploy/certificates/tls.crt" || return 1
  rm "$work/deploy/certificates/ca-previous.crt"
  certificates || return 1
  [[ $(ca_lines) == 1 ]] || say 'the old CA is still trusted'
}
check 'certificates.sh --new-ca trusts old and new until told otherwise' new_ca

elsewhere() {
  certificates --namespace gate --service hook || return 1
  openssl verify -CAfile "$work/deploy/certificates/ca.crt" -verify_hostname hook.gate.svc \
    "$work/deploy/certificates/tls.crt" || return 1
  grep -q 'values: \[kube-system, "gate"\]' "$work/deploy/webhook.yaml" || say 'its namespace is judged' ||
    return 1
  certificates
}
check 'certificates.sh takes another namespace and Service' elsewhere

bad_options() {
  local arguments status before
  before=$(cat "$work/deploy/"*.yaml "$work/deploy/certificates/"* | openssl sha256)
  for arguments in '--days 0' '--days 1e3' '--days 3651' '--days' '--namespace A_B' '--service -x' '--nonsense'; do
    status=0
    # shellcheck disable=SC2086 # words on purpose
    certificates $arguments || status=$?
    ((status == 2)) || say "$arguments: exit $status" || return 1
  done
  rm -rf "$work/broken" && cp -r "$work/deploy" "$work/broken" && rm "$work/broken/certificates/ca.key"
  ! "$work/broken/certificates.sh" || say 'a lost CA key went unnoticed' || return 1
  [[ $before == "$(cat "$work/deploy/"*.yaml "$work/deploy/certificates/"* | openssl sha256)" ]] ||
    say 'a refused run changed something'
}
check 'certificates.sh refuses bad options and changes nothing then' bad_options

# --- install.sh, as far as it goes without a cluster ---
install_options() {
  local arguments status
  for arguments in '--image' '--image a&b' '--timeout 5x --image a/b:1' '--nonsense'; do
    status=0
    # shellcheck disable=SC2086 # words on purpose
    KUBECONFIG=/dev/null "$work/deploy/install.sh" $arguments || status=$?
    ((status == 2)) || say "$arguments: exit $status" || return 1
  done
  "$work/deploy/install.sh" --help | grep -q -- '--image IMAGE'
}
check 'install.sh refuses bad options' install_options

# --- Plain manifests ---
has() {
  local wanted
  for wanted in "${@:2}"; do
    grep -qxF -- "$wanted" "$1" || say "missing: $wanted" || return 1
  done
}
# With the two files that install.sh applies.
whole() {
  cp -r "$work/deploy" "$1" && sed -i.bak 's/^#   - \(configmap\|webhook\)/  - \1/' "$1/kustomization.yaml"
}
plain() {
  whole "$work/whole" && kubectl kustomize "$work/whole" >"$work/plain.yaml" || return 1
  has "$work/plain.yaml" 'kind: Namespace' 'kind: Secret' 'kind: ConfigMap' 'kind: Deployment' \
    'kind: Service' 'kind: PodDisruptionBudget' 'kind: NetworkPolicy' \
    'kind: ValidatingWebhookConfiguration' '  name: imagegate' '  name: imagegate-webhook' \
    '  name: imagegate-webhook-config' '  name: imagegate-webhook-certificates' \
    '  name: com.imagegate.webhook' '  name: config.imagegate.webhook' '  name: namespace.imagegate.webhook' \
    '  ALLOWED_REGISTRIES: docker.io,gcr.io' '  BLOCKED_TAGS: staging,latest' '  DISABLE_EMPTY_TAG: "true"' ||
    return 1
  # The gate before the one who asks it.
  [[ $(grep '^kind:' "$work/plain.yaml" | tail -n 1) == 'kind: ValidatingWebhookConfiguration' ]] ||
    say 'the webhook configuration is not the last'
}
check 'kustomize builds the manifests' plain
only_gate() {
  kubectl kustomize "$work/deploy" >"$work/gate.yaml" || return 1
  has "$work/gate.yaml" 'kind: Namespace' 'kind: Secret' 'kind: Deployment' 'kind: Service' || return 1
  # Applied with a gate that never starts, the one would stop the cluster; applied again, the other
  # would undo an edit.
  ! grep -n -e '^kind: ValidatingWebhookConfiguration' -e '^kind: ConfigMap' "$work/gate.yaml"
}
check 'apply -k neither asks the gate nor touches the policy' only_gate

unfilled() {
  local missing
  for missing in secret webhook; do
    rm -rf "$work/unfilled" && whole "$work/unfilled" && rm "$work/unfilled/$missing.yaml" || return 1
    ! kubectl kustomize "$work/unfilled" >"$work/out" 2>&1 || say "it built without $missing.yaml" || return 1
  done
}
check 'kustomize refuses to build before certificates.sh has run' unfilled

component() {
  whole "$work/component" || return 1
  sed -i.bak 's/^# components:/components:/; s/^#   - overlays/  - overlays/' \
    "$work/component/kustomization.yaml"
  kubectl kustomize "$work/component" >"$work/component.yaml" || return 1
  [[ $(grep -c 'matchConditions:' "$work/component.yaml") == 2 ]] || say 'not two match conditions' || return 1
  # Nothing else is different, save that kustomize puts what it patched first.
  diff <(sed '/^  matchConditions:/,/^    name: /d' "$work/component.yaml" | sort) <(sort "$work/plain.yaml")
}
check 'kustomize adds the match conditions, and nothing else' component
check 'match conditions: asked about what changes an image or the opt-out only' tests/deploy/match_conditions.py

# --- Chart ---
check 'chart: schema, rules, dashboard and README are in step' tests/deploy/chart.py

render() {
  helm template imagegate "$chart" --namespace imagegate --set image.repository=registry.example.com/imagegate "$@"
}
sets=("$chart"/ci/*-values.yaml)
enough() {
  ((${#sets[@]} >= 6)) || say "${#sets[@]} value sets"
}
check 'chart: at least six value sets' enough
mkdir "$work/rendered"
check 'chart: helm lint --strict, defaults' helm lint --strict --quiet --set image.repository=a/b "$chart"
for values in "${sets[@]}"; do
  name=$(basename "$values" -values.yaml)
  check "chart: helm lint --strict, $name" helm lint --strict --quiet --values "$values" "$chart"
  for version in 1.20.2 1.36.0; do
    into() { render --values "$values" --kube-version "$version" >"$work/rendered/$name-$version.yaml"; }
    check "chart: helm template, $name, Kubernetes $version" into
  done
done

same_deployment() {
  local one=(--show-only templates/deployment.yaml)
  render "${one[@]}" >"$work/a" && render "${one[@]}" --values "$chart/ci/simple-values.yaml" >"$work/b" &&
    render "${one[@]}" --set policy.mode=warn --set candidate.mode=enforce >"$work/c" || return 1
  diff "$work/a" "$work/b" && diff "$work/a" "$work/c"
}
check 'chart: a policy change restarts no Pod' same_deployment

# The values for clusters of three sizes, as docs/sizing.md has them.
sized() {
  local name=$1 cpu=$2 values=$chart/sizes/$1.yaml version rendered=$work/sized
  helm lint --strict --quiet --set image.repository=a/b --values "$values" "$chart" || return 1
  for version in 1.20.2 1.36.0; do
    render --values "$values" --kube-version "$version" >"$rendered" || return 1
    grep -q "^              cpu: \"\?$cpu\"\?$" "$rendered" || say "$version: not $cpu" || return 1
    grep -q '^  minAvailable: 2$' "$rendered" || say "$version: a drain may take two" || return 1
    grep -Eq '^  (replicas|minReplicas): 3$' "$rendered" || say "$version: not three replicas" || return 1
  done
}
check 'chart: values for small clusters' sized small 500m
check 'chart: values for medium clusters' sized medium 1
check 'chart: values for large clusters' sized large 2

# From the arguments to the resources: what the process is told and how it is probed.
told() {
  sed -n '/^ *args:/,/^ *resources:/p' "$1" | sed 's/#.*//; s/^ *//; /^$/d'
}
alike() {
  local name
  render --show-only templates/deployment.yaml >"$work/a" || return 1
  diff <(told deploy/deployment.yaml) <(told "$work/a") || return 1
  render >"$work/a" || return 1
  for name in imagegate-webhook imagegate-webhook-config imagegate-webhook-certificates; do
    has "$work/a" "  name: $name" || return 1
  done
}
check 'chart: names, arguments and probes are those of the plain manifests' alike

# webhooks FILE: what the API server is told to ask, in kustomize's way of writing, without the CA.
webhooks() {
  rm -rf "$work/one" && mkdir "$work/one" && cp "$1" "$work/one/all.yaml" &&
    echo 'resources: [all.yaml]' >"$work/one/kustomization.yaml" &&
    kubectl kustomize "$work/one" | sed '1,/^webhooks:/d; /caBundle:/d'
}
asked() {
  render --kube-version 1.29.0 --show-only templates/webhook.yaml --set webhook.failurePolicy=Fail \
    >"$work/a" || return 1
  webhooks "$work/deploy/webhook.yaml" >"$work/b" && webhooks "$work/a" >"$work/c" && [[ -s $work/b ]] &&
    diff "$work/b" "$work/c"
}
check 'chart: the API server is told to ask what the plain manifests tell it' asked

conditions() {
  render --kube-version 1.29.9 >"$work/a" && render --kube-version 1.30.0 >"$work/b" &&
    render --kube-version 1.30.0 --set policy.updates=all >"$work/c" &&
    render --kube-version 1.30.0 --set-json 'policy.exemptions=[{"name":"e","images":["a.example.com"],
      "reason":"r","podSelector":{"matchLabels":{"a":"b"}}}]' >"$work/e" || return 1
  render --set webhook.matchConditions.unchanged=always --kube-version 1.28.0 \
    --set-json 'webhook.matchConditions.extra=[{"name":"extra","expression":"true"}]' >"$work/d" || return 1
  local counts
  counts=$(cd "$work" && grep -c -e 'name: images-changed' -e 'name: opt-out-changed' -e 'name: extra' \
    a b c d e | tr '\n' ' ')
  [[ $counts == 'a:0 b:2 c:1 d:3 e:1 ' ]] || say "match conditions: $counts"
}
check 'chart: match conditions where the API server and the policy allow' conditions

floored() {
  local values=(--values "$chart/ci/floor-values.yaml" --kube-version 1.30.0)
  local kind=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy
  render "${values[@]}" >"$work/a" && render "${values[@]}" --api-versions "$kind" >"$work/b" &&
    render "${values[@]}" --api-versions "$kind" --set floor.enabled=false >"$work/c" || return 1
  # A policy and its binding, for what no override decides and for the override that has a floor.
  local counts
  counts=$(cd "$work" && grep -c '^kind: ValidatingAdmissionPolicy' a b c | tr '\n' ' ')
  [[ $counts == 'a:0 b:4 c:0 ' ]] || say "objects of the floor: $counts" || return 1
  # For the namespaces of the first two webhooks that judge, each its own; the third override has none.
  reach() { sed -n '/^ *namespaceSelector:/,/^ *matchConditions:/p' "$1" | sed 's/^ *//'; }
  render "${values[@]}" --api-versions "$kind" --show-only templates/floor.yaml >"$work/d" &&
    render "${values[@]}" --show-only templates/webhook.yaml >"$work/e" || return 1
  reach "$work/d" >"$work/f" && reach "$work/e" >"$work/g" && [[ -s $work/f ]] &&
    diff "$work/f" <(head -n "$(wc -l <"$work/f")" "$work/g")
}
check 'chart: the floor is installed where it can be, for what the webhooks are asked about' floored

custom() {
  render --set-json 'webhook.workloads=[{"group":"argoproj.io","resources":["rollouts"]}]' \
    --set-json 'webhook.overrides=[{"name":"o","namespaceLabel":{"key":"a","values":["b"]}}]' \
    --set-json 'policy.overrides=[{"name":"o"}]' \
    --set-json 'policy.workloads=[{"group":"argoproj.io","kind":"Rollout","podSpec":"/spec/template/spec"}]' \
    >"$work/a" || return 1
  # Those that judge, and neither of the guards.
  [[ $(grep -c 'apiGroups: \["argoproj.io"\]' "$work/a") == 2 ]] || say 'not in both webhooks' || return 1
  grep -A 3 'apiGroups: \["argoproj.io"\]' "$work/a" | grep -qF 'resources: ["rollouts"]'
}
check 'chart: custom resources are sent to every webhook that judges' custom

open_first() {
  render --kube-version 1.29.0 >"$work/a" || return 1
  # All but the one that is asked about nothing but the proof that the gate is reached.
  [[ $(grep -c 'failurePolicy: Fail' "$work/a") == 1 ]] || say 'more than one webhook fails closed' || return 1
  grep -B 20 'failurePolicy: Fail' "$work/a" | grep -q 'name: reachable.imagegate.webhook'
}
check 'chart: rendered without a cluster, it refuses nothing that it cannot ask about' open_first

unnamed() {
  ! helm template imagegate "$chart" >"$work/out" 2>&1 || say 'it was rendered' || return 1
  grep -qF 'image.repository: which registry has the image?' "$work/out" || cat "$work/out"
}
check 'chart: refuses to render without a repository' unnamed

runbook() {
  render --values "$chart/ci/monitoring-values.yaml" >"$work/a" || return 1
  grep -q 'runbook_url: https://git.example.com/imagegate/blob/main/docs/operations/reference.md#imagegateslow' "$work/a" ||
    say 'the alerts do not lead to runbookBase' || return 1
  ! grep -n 'runbook_url: docs/' "$work/a"
}
check 'chart: alerts lead to the runbook below runbookBase' runbook

# refuses TEXT ARGUMENTS…: the chart fails, and says why.
refuses() {
  local text=$1
  shift
  ! render "$@" >"$work/out" 2>&1 || say 'it was rendered' || return 1
  grep -qF -- "$text" "$work/out" || { cat "$work/out"; say "does not say: $text"; }
}
check 'chart: refuses both forms of the policy' \
  refuses 'only one form' --set policy.mode=warn --set simple.BLOCKED_TAGS=x
check 'chart: refuses a misspelt field of the policy' \
  refuses '/policy' --set policy.blockedTag=x
check 'chart: refuses a misspelt field of the candidate' \
  refuses '/candidate' --set candidate.requireDigests=true
check 'chart: refuses a misspelt value' refuses '/webhook' --set webhook.failurePolice=Fail
check 'chart: refuses a custom resource of a group without a dot' \
  refuses '/webhook/workloads/0/group' --set-json 'webhook.workloads=[{"group":"apps","resources":["x"]}]'
check 'chart: refuses a path that is none' \
  refuses '/policy/workloads/0/podSpec' --set-json 'policy.workloads=[{"group":"a.b","kind":"C","podSpec":"spec"}]'
check 'chart: refuses an empty list of registries' refuses '/simple' --set simple.ALLOWED_REGISTRIES=' ; '
check 'chart: refuses a webhook for an override that is not there' \
  refuses 'no override "strict"' \
  --set-json 'webhook.overrides=[{"name":"strict","namespaceLabel":{"key":"a","values":["b"]}}]'
check 'chart: refuses a candidate beside a policy that is not in the values' \
  refuses 'do not own the policy' --set candidate.requireDigest=true
check 'chart: refuses a Secret without its CA' \
  refuses 'tls.existingSecret.caBundle' --set tls.mode=existingSecret --set tls.existingSecret.name=x

# --- Monitoring ---
check 'promtool check rules' promtool check rules deploy/prometheus/{recording,alerts}.yaml
check 'promtool test rules' promtool test rules deploy/prometheus/tests.yaml
check 'queries ask for metrics of the contract' tests/deploy/queries.py
dashboard() {
  tests/deploy/queries.py --rules >"$work/dashboard.yaml" && promtool check rules "$work/dashboard.yaml"
}
check 'dashboard queries are PromQL' dashboard
check "the README's picture has the panels of the dashboard" resources/panels.py --check
tested() {
  local alert
  while read -r alert; do
    grep -q "$alert" deploy/prometheus/tests.yaml || say "$alert has no test" || return 1
  done < <(sed -n 's/^ *- alert: //p' deploy/prometheus/alerts.yaml)
}
check 'every alert has a test' tested

# --- A real API server ---
# ask FILE: each document by itself, since a kind that the server does not know is no fault.
ask() {
  local document answer known=0
  rm -rf "$work/documents" && mkdir "$work/documents"
  awk -v to="$work/documents/" '/^---$/ { n++; next } { print > (to sprintf("%03d", n) ".yaml") }' "$1"
  for document in "$work/documents/"*; do
    grep -q '^kind:' "$document" || continue
    if answer=$(kubectl apply --dry-run=server --filename "$document" 2>&1); then
      known=$((known + 1))
    elif [[ $answer != *'no matches for kind'* ]]; then
      say "$answer" || return 1
    fi
  done
  ((known > 0)) || say 'it knows nothing of this'
}
if $server; then
  version=$(kubectl version -o json 2>/dev/null | sed -n '/serverVersion/,$s/.*"gitVersion": "v\([^"]*\)".*/\1/p')
  check "API server ${version:-unknown}: answers" test -n "$version"
  # A dry run creates no namespace to put the rest into.
  here() { sed 's/namespace: "\{0,1\}imagegate"\{0,1\}$/namespace: default/' "$1" >"$work/here.yaml" && ask "$work/here.yaml"; }
  check "API server $version: plain manifests" here "$work/plain.yaml"
  for values in "${sets[@]}"; do
    name=$(basename "$values" -values.yaml)
    on_server() { render --values "$values" --kube-version "$version" >"$work/a" && here "$work/a"; }
    check "API server $version: chart, $name" on_server
  done
fi

printf '%d checks, %d failed, %d skipped\n' "$total" "$failed" "$skipped"
((failed == 0))

# The pages Policy and Images of the console in a cluster: an edit by the API that the page uses, and in a browser where
# there is one, up to the last replica; and what runs.

two_replicas
printf 'allowedRegistries: [docker.io, gcr.io, quay.io]\n' >"$scratch/first.yaml"
"$plugin" apply --filename "$scratch/first.yaml" --yes --no-audit >/dev/null 2>&1
succeeds kubectl create namespace shop >/dev/null
succeeds kubectl create deployment agent --namespace shop --image quay.io/acme/agent:1 >/dev/null

# console NAME FLAG…: a console; sets `address` and `jar`, a cookie of it.
console() {
  local name=$1
  shift
  spawn "$name" "$plugin" console --no-browser "$@"
  jar=$scratch/$name.jar
  eventually 20 grep -q '^http:' "$scratch/$name.log"
  printed=$(grep -m 1 '^http:' "$scratch/$name.log")
  address=${printed%%/\?*}
  curl -s -o /dev/null -c "$jar" "$printed"
}
# page: /api/policy, in $scratch/page.json.
page() {
  curl -s -b "$jar" "$address/api/policy" >"$scratch/page.json"
}
of_page() {
  jq -r "$1" "$scratch/page.json"
}
# posts STATUS PATH BODY: as the page does; the answer is in `out`.
posts() {
  local status
  status=$(curl -s -o "$scratch/out.txt" -w '%{http_code}' -b "$jar" -H "origin: $address" \
    -H 'content-type: application/json' -H "x-console-token: $(of_page .token)" --data-binary "$3" "$address$2")
  out=$(cat "$scratch/out.txt")
  same "$1" "$status" || say "$out"
}
# checks WANTED: what an edit would do.
checks() {
  posts 200 /api/policy/check "$(jq -cn --argjson wanted "$1" '{$wanted}')"
}
# applies STATUS WANTED [VERSION]: what was checked last is put in force.
applies() {
  local body
  body=$(jq -cn --argjson wanted "$2" --arg version "${3:-$(of_page .resourceVersion)}" \
    --arg confirms "$(jq -r .confirms <<<"$checked")" '{$wanted, resourceVersion: $version, $confirms, confirm: null}')
  posts "$1" /api/policy/apply "$body"
}
# an_edit STATUS WANTED: from the page to its end, as somebody would do it.
an_edit() {
  page
  checks "$2"
  checked=$out
  applies "$1" "$2"
}
has_ended() {
  curl -s -b "$jar" "$address/api/policy/change" >"$scratch/change.json"
  jq -e '.isRunning == false' "$scratch/change.json"
}
# sees_through: the last edit gets to the replicas.
sees_through() {
  eventually 60 has_ended || say "$(cat "$scratch/change.json")"
  same 'done' "$(jq -r .outcome "$scratch/change.json")"
}
tight='{"policy":"allowedRegistries: [docker.io, gcr.io]\n"}'

tells() {
  page
  same 'imagegate-webhook-config imagegate null null' "$(of_page '[.name, .namespace, .owner, .locked] | map(tostring) | join(" ")')"
  same "$(config_map -o 'jsonpath={.metadata.resourceVersion}')" "$(of_page .resourceVersion)"
  same "$(policy_hash)" "$(of_page .policyHash)"
  same "$(cat "$scratch/first.yaml")" "$(of_page .text)"
  checks "$tight"
  same '1 quay.io/acme/agent:1 true shop/Deployment agent' "$(jq -r '.effects[0].hits.newlyDenied |
    "\(.images) \(.rows[0] | "\(.image) \(.runs) \(.owners[0])")"' <<<"$out")"
  has "$(jq -r '.effects[0].changes[0].text' <<<"$out")" '-quay.io'
  checks '{"policy":"mode: wran\n"}'
  same 'false policy.yaml 1' "$(jq -r '"\(.isValid) \(.problems[0] | "\(.document) \(.line)")"' <<<"$out")"
}
is_applied() {
  an_edit 202 "$tight"
  sees_through
  same 'allowedRegistries: [docker.io, gcr.io]' "$(config_map -o 'jsonpath={.data.policy\.yaml}')"
  has "$(jq -r '.lines[].text' "$scratch/change.json")" "2 of 2 replicas enforce $(policy_hash)"
  same kubectl-imagegate "$(config_map -o json --show-managed-fields |
    jq -r '.metadata.managedFields[] | select(.fieldsV1["f:data"]) | .manager' | sort -u | grep imagegate)"
}
is_overtaken() {
  local version
  page
  version=$(of_page .resourceVersion)
  checks '{"policy":"mode: warn\n"}'
  checked=$out
  kubectl annotate configmap imagegate-webhook-config --namespace imagegate somebody=else
  applies 409 '{"policy":"mode: warn\n"}' "$version"
  same conflict "$(jq -r .reason <<<"$out")"
  has "$out" 'nothing was overwritten'
  # The version of now, and what was confirmed is another policy.
  page
  applies 409 '{"policy":"mode: audit\n"}'
  has "$out" 'not the policy that was confirmed'
  same 'allowedRegistries: [docker.io, gcr.io]' "$(config_map -o 'jsonpath={.data.policy\.yaml}')"
}
goes_back() {
  page
  same "$(cat "$scratch/first.yaml")" "$(of_page '.history[1].data["policy.yaml"]')"
  an_edit 202 '{"revision":0}'
  sees_through
  same "$(cat "$scratch/first.yaml")" "$(config_map -o 'jsonpath={.data.policy\.yaml}')"
}
tries_candidate() {
  an_edit 202 '{"candidate":"requireDigest: true\n"}'
  sees_through
  same begins "$(jq -r .candidate <<<"$checked")"
  same 'requireDigest: true' "$(config_map -o 'jsonpath={.data.candidate\.yaml}')"
  an_edit 202 '{"candidate":""}'
  sees_through
  same ends "$(jq -r .candidate <<<"$checked")"
  same '' "$(config_map -o 'jsonpath={.data.candidate\.yaml}')"
}
is_guarded() {
  local hash
  kubectl run seen --image quay.io/acme/seen:1 --namespace shop
  an_edit 202 '{"policy":"allowedRegistries: [docker.io, gcr.io, quay.io]\nrefuseEditsThatDeny: 0\n"}'
  sees_through
  an_edit 422 "$tight"
  same "guard $(jq -r .policyHash <<<"$checked")" "$(jq -r '"\(.reason) \(.confirm)"' <<<"$out")"
  has "$out" refuseEditsThatDeny
  [[ $out != *--confirm* ]] || say "$out"
  hash=$(jq -r .confirm <<<"$out")
  posts 202 /api/policy/apply "$(jq -cn --argjson wanted "$tight" --arg version "$(of_page .resourceVersion)" \
    --arg hash "$hash" '{$wanted, resourceVersion: $version, confirms: "\($hash)/-", confirm: $hash}')"
  sees_through
}
is_owned() {
  kubectl annotate configmap imagegate-webhook-config --namespace imagegate argocd.argoproj.io/tracking-id=a
  an_edit 405 '{"policy":"mode: warn\n"}'
  same 'Argo CD' "$(of_page .owner)"
  has "$(of_page .locked.message)" 'belongs to Argo CD'
  has "$out" 'belongs to Argo CD'
  kubectl annotate configmap imagegate-webhook-config --namespace imagegate argocd.argoproj.io/tracking-id-
}
# running: /api/images with what runs, in $scratch/images.json.
running() {
  curl -s -b "$jar" "$address/api/images?running=true" >"$scratch/images.json"
}
of_seen() {
  jq -r '.running.images[] | select(.image == "quay.io/acme/seen:1") | "\(.owner) \(.pods) \(.answer) \(.rule)"' "$scratch/images.json"
}
shows_running() {
  same 'null null' "$(curl -s -b "$jar" "$address/api/images" | jq -r '"\(.running) \(.runningFault)"')"
  running
  same 'Pod/seen 1 deny untrusted-registry' "$(of_seen)"
  same "$(policy_hash)" "$(jq -r .running.policyHash "$scratch/images.json")"
  same 'Pod/seen' "$(jq -r '.images[] | select(.image == "quay.io/acme/seen:1").owner' "$scratch/images.json" | sort -u)"
  same 'excluded' "$(jq -r '.running.images[] | select(.namespace == "imagegate").outOfReach' "$scratch/images.json" | sort -u)"
  # Who may see a part of it is told what is missing.
  kubectl create clusterrole pods --verb list,get --resource pods
  # A WebSocket is a GET to older API servers, and wants that verb there.
  kubectl create clusterrole forwarder --verb create,get --resource pods/portforward
  local role
  for role in pods forwarder; do
    kubectl create clusterrolebinding "lee-$role" --clusterrole "$role" --user lee
  done
  console lee --as lee
  running
  same 'Pod/seen 1 deny untrusted-registry' "$(of_seen)" || say "$(jq -c .running.gaps "$scratch/images.json")"
  has "$(jq -r '.running.gaps[]' "$scratch/images.json")" 'not allowed to list deployments'
}
follows_floor() {
  succeeds "$plugin" floor set --yes --kubeconfig "$scratch/with-floor.json"
  console floor --kubeconfig "$scratch/with-floor.json"
  page
  posts 200 /api/policy/check '{"wanted":{"policy":"allowedRegistries: [docker.io, gcr.io, quay.io]\n"},"withFloor":true}'
  checked=$out
  same 'the floor is made anew once every replica enforces it and only audits until then' "$(jq -r '.floor[].text' <<<"$out")"
  applies 202 '{"policy":"allowedRegistries: [docker.io, gcr.io, quay.io]\n"}'
  sees_through
  same "the floor is of $(policy_hash) now" "$(jq -r '.lines[-1].text' "$scratch/change.json")"
  has "$(<"$scratch/admission.log")" 'PUT validatingadmissionpolicybindings/imagegate-floor Audit
PATCH imagegate-webhook-config'
  # What it may not write it cannot keep from refusing too much.
  printf 'PUT\n' >"$scratch/denied"
  page
  posts 200 /api/policy/check '{"wanted":{"policy":"mode: warn\n"},"withFloor":true}'
  checked=$out
  has "$(jq -r '.floor[].text' <<<"$out")" 'cannot be changed'
  applies 422 '{"policy":"mode: warn\n"}'
  has "$(jq -r .hint <<<"$out")" '`kubectl imagegate edit --no-floor`'
  rm "$scratch/denied"
}
reads_only() {
  console read-only --read-only
  an_edit 405 '{"policy":"mode: warn\n"}'
  has "$out" '--read-only'
  has "$(of_page .locked.message)" '--read-only'
}
may_not_write() {
  kubectl create clusterrole reader --verb list,get,watch --resource '*.*'
  local role
  for role in reader forwarder; do
    kubectl create clusterrolebinding "$role" --clusterrole "$role" --user kim
  done
  console kim --as kim
  an_edit 422 '{"policy":"mode: warn\n"}'
  has "$(of_page .locked.message)" 'you may not patch configmaps in imagegate'
  same failed "$(jq -r .reason <<<"$out")"
  has "$out" forbidden
}
console page
check 'what an edit would do, and whom it hits' tells
check 'an edit is put in force at every replica' is_applied
check 'what somebody else changed is not overwritten' is_overtaken
check 'a policy before comes back' goes_back
check 'a candidate goes on trial, and away' tries_candidate
check 'an edit that refuses too much is refused, and made once it is confirmed' is_guarded
check 'what runs is judged beside what was seen, as far as one may look' shows_running
with_admission_policies
check 'a floor follows an edit, and what becomes of it is said before' follows_floor
check 'what a tool keeps is not changed' is_owned
check 'with --read-only nothing is changed' reads_only
check 'who may not write is told' may_not_write

in_browser() {
  kubectl delete pod --all --namespace shop --grace-period 0 --force
  succeeds "$plugin" apply --filename "$scratch/first.yaml" --yes --no-audit --kubeconfig "$scratch/with-floor.json"
  CHROMIUM=$browser succeeds node "$root/console/test/browser/apply.mjs" "$printed" \
    'kubectl annotate --overwrite configmap imagegate-webhook-config --namespace imagegate somebody=again' \
    ${CONSOLE_PICTURES:+"$CONSOLE_PICTURES"}
  has "$(config_map -o 'jsonpath={.data.policy\.yaml}')" 'refuseEditsThatDeny: 0'
}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [[ -n $browser && -d $root/console/node_modules/playwright-core ]]; then
  console browser --kubeconfig "$scratch/with-floor.json"
  check 'an edit in a browser, with a conflict, a second question, a floor, and back' in_browser
else
  skip 'an edit in a browser' 'there is no chromium, or make console-check was not run'
fi

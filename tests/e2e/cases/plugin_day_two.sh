# The kubectl plugin day by day: what was decided and what is used, as the replicas tell it, and a policy from
# its proposal to its promotion.

two_replicas
printf 'allowedRegistries: [docker.io, gcr.io]\n' >"$scratch/full.yaml"
"$plugin" apply --filename "$scratch/full.yaml" --yes >/dev/null 2>&1

# deny NAME: a Pod that is refused, with that name in its image.
deny() {
  refused 'untrusted registry' kubectl run "$1" --image "evil.example/$1:1" --namespace default
}
# shown NAME: how many lines of the tail have the image.
shown() {
  grep -c "evil.example/$1:1" "$scratch/tail.log" || true
}
# is_shown NAME: once.
is_shown() {
  [[ $(shown "$1") == 1 ]]
}
says() {
  grep -q "$1" "$scratch/tail.log"
}

# --- tail -----------------------------------------------------------------------------------------

tail_begins() {
  deny before
  asks 0 tail --no-follow
  has "$out" '  deny    default/Pod before  evil.example/before:1  untrusted-registry  by admin  imagegate-webhook-one'
  asks 0 tail --no-follow --namespace nowhere
  same '' "$out"
  asks 2 tail --no-follow --namespace nowhere --all-namespaces
  asks 0 tail --no-follow --decision exempt,flip
  same '' "$out"
  asks 0 tail --no-follow --decision deny --image before -o json
  same '["imagegate-webhook-one","untrusted-registry"]' "$(jq -c '[.replica, .rule]' "$scratch/out.txt")"
  spawn tail "$plugin" tail --last 1000
  eventually 20 is_shown before || say "$(cat "$scratch/tail.log")"
}
tail_follows() {
  deny follows
  eventually 20 is_shown follows || say "$(cat "$scratch/tail.log")"
}
tail_reconnects() {
  # The connections break, and the replicas go on.
  end_group "$kubelet_id"
  eventually 20 says 'imagegate-webhook-one is not reached, and is tried again' || say "$(cat "$scratch/tail.log")"
  deny meanwhile
  run_kubelet
  eventually 20 is_shown meanwhile || say "$(cat "$scratch/tail.log")"
  deny again
  eventually 20 is_shown again || say "$(cat "$scratch/tail.log")"
  same '1 1 1' "$(shown before) $(shown follows) $(shown meanwhile)"
  ! says warning || say "$(cat "$scratch/tail.log")"
}
tail_tells_of_a_restart() {
  stop_gate
  start_gate one-again "$port" --policy "$scratch/policy" --tls-cert "$scratch/tls/tls.crt" \
    --tls-key "$scratch/tls/tls.key"
  make_replica imagegate imagegate-webhook-one "$gate_admin" "$port" "$gate_operator"
  eventually 20 judges
  deny anew
  eventually 20 is_shown anew || say "$(cat "$scratch/tail.log")"
  says 'warning: imagegate-webhook-one started anew at .*; what it decided after .* may be missing' ||
    say "$(cat "$scratch/tail.log")"
}
tail_follows_who_comes() {
  stop_gate
  kubectl delete pod imagegate-webhook-one --namespace imagegate --grace-period 0 --force
  eventually 20 says 'warning: imagegate-webhook-one is gone; what it decided after' || say "$(cat "$scratch/tail.log")"
  replica three "$port" "$scratch/policy"
  eventually 20 judges
  deny later
  eventually 20 is_shown later || say "$(cat "$scratch/tail.log")"
  says 'note: imagegate-webhook-three is followed, too' || say "$(cat "$scratch/tail.log")"
  grep -q 'evil.example/later:1 .*imagegate-webhook-three' "$scratch/tail.log"
  same 1 "$(shown before)"
}
check 'tail: begins with what is kept, and filters' tail_begins
tail_id=$(tail -n 1 "$scratch/pids")
check 'tail: a denial as it happens' tail_follows
check 'tail: connections that break lose nothing, and nothing comes twice' tail_reconnects
kubelet_id=$(tail -n 1 "$scratch/pids")
check 'tail: a replica that was restarted' tail_tells_of_a_restart
gate_id=$(tail -n 1 "$scratch/pids")
check 'tail: a Pod that is replaced' tail_follows_who_comes
end_group "$tail_id"
gate_admin=$(jq -r 'select(.message == "ImageGate is ready!") | .admin' "$scratch/three.log")

# --- what is used ---------------------------------------------------------------------------------

# uses: Pods that run, one of which nobody would admit now, and one that has gone.
uses() {
  kubectl create namespace web
  kubectl create deployment shop --namespace web --image docker.io/acme/shop:1
  kubectl run shop-a --namespace web --image docker.io/acme/shop:1
  kubectl run nightly --namespace web --image gcr.io/acme/nightly:7
  kubectl delete pod nightly --namespace web --grace-period 0 --force
  kubectl create namespace legacy
  kubectl label namespace legacy imagegate/disable-filtering=true
  kubectl run old --namespace legacy --image quay.io/acme/old:1
  asks 0 images
  has "$out" 'refused   evil.example/later:1'
  has "$out" 'gcr.io/acme/nightly:7'
  has "$err" 'imagegate-webhook-three remembers'
  has "$err" 'imagegate-webhook-two remembers'
  asks 0 images --from all --namespace web -o json
  same '["docker.io/acme/shop:1","gcr.io/acme/nightly:7"]' "$(jq -c '[.images[].image] | unique' "$scratch/out.txt")"
  asks 0 images --from cluster
  [[ $out != *nightly* && $out != *quay.io* ]] || say "$out"
  has "$err" 'left out, since the gate does not judge their namespaces: '
  asks 0 status
  has "$out" 'REMEMBERS'
  grep -Eq 'imagegate-webhook-three .* [0-9]+ uses since 20' "$scratch/out.txt" || say "$out"
}
proposes() {
  asks 0 propose -A
  has "$out" 'gcr.io/acme'
  has "$out" 'docker.io/acme'
  [[ $out != *evil.example* ]] || say "$out"
  has "$err" 'left out, since refused when last seen:'
  cp "$scratch/out.txt" "$scratch/proposed.yaml"
  asks 0 audit --namespace web --policy "$scratch/proposed.yaml"
  printf '# Only what is official.\nallowedRegistries: [docker.io/library]\n' >"$scratch/strict.yaml"
  asks 0 propose --from observed --namespace web --exempt-existing --policy "$scratch/strict.yaml" \
    --expires 2099-01-31 --owner platform
  has "$out" '# Only what is official.'
  has "$out" 'gcr.io/acme/nightly'
  asks 2 propose --namespace nowhere
  has "$err" 'nothing is used in what was read'
}
differs() {
  asks 1 diff "$scratch/strict.yaml"
  has "$out" 'images of '
  has "$out" 'docker.io/acme/shop:1'
  has "$out" 'web/Pod nightly'
  has "$out" 'allowedRegistries: +docker.io/library'
  asks 0 diff "$scratch/proposed.yaml" --namespace web
  asks 1 diff "$scratch/strict.yaml" --from cluster --namespace web -o json
  same '["docker.io/acme/shop:1"]' "$(jq -c '[.newlyDenied.images[].image]' "$scratch/out.txt")"
  printf 'mode: loud\n' >"$scratch/invalid.yaml"
  asks 3 diff "$scratch/invalid.yaml"
  asks 2 diff --candidate
  has "$err" 'there is no candidate'
}
told_of_what_is_gone() {
  asks 0 apply --filename "$scratch/strict.yaml" --dry-run
  has "$out" 'docker.io/acme/shop:1  1 Pod  web/Deployment shop, web/Pod shop-a'
  has "$out" 'would newly be denied, seen by the replicas where '
  grep -Eq 'gcr.io/acme/nightly:7  once, last 20.*Z  web/Pod nightly' "$scratch/out.txt" || say "$out"
}
confirms() {
  local hash
  printf 'allowedRegistries: [docker.io, gcr.io]\nrefuseEditsThatDeny: 0\n' >"$scratch/limited.yaml"
  asks 0 apply --filename "$scratch/limited.yaml" --yes --no-audit
  asks 2 apply --filename "$scratch/strict.yaml" --yes --no-audit
  has "$err" 'hint: --confirm HASH sets the annotation, where that is meant'
  hash=$(grep -oE 'imagegate/confirm: "[0-9a-f]{12}"' "$scratch/err.txt" | cut -d'"' -f2)
  asks 0 apply --filename "$scratch/strict.yaml" --yes --no-audit --confirm "$hash"
  same "$hash" "$(policy_hash)"
  asks 0 apply --filename "$scratch/full.yaml" --yes --no-audit
}
ask_console() {
  curl --silent --cookie "$scratch/cookies" "${address%%\?*}api/$1"
}
has_address() {
  grep -q '^http://127.0.0.1:' "$scratch/console.log"
}
console_is_live() {
  [[ $(ask_console now | jq '[.replicas[] | select(.policyHash)] | length') == 2 ]]
}
console_knows_the_last_denial() {
  ask_console decisions | grep -q 'evil.example/later:1'
}
shows_it_in_a_browser() {
  spawn console "$plugin" console --no-browser
  eventually 20 has_address || say "$(cat "$scratch/console.log")"
  address=$(grep -m 1 '^http://127.0.0.1:' "$scratch/console.log")
  same 403 "$(curl --silent --output /dev/null --write-out '%{http_code}' "${address%%\?*}")"
  curl --silent --location --cookie-jar "$scratch/cookies" "$address" | grep -q 'src="/app.js"'
  eventually 20 console_is_live || say "$(ask_console now)"
  eventually 20 console_knows_the_last_denial || say "$(ask_console decisions)"
  same imagegate "$(ask_console now | jq -r .namespace)"
  same 1 "$(ask_console images | jq '[.images[] | select(.image == "gcr.io/acme/nightly:7")] | length')"
  same 'deny, but the namespace has opted out: nothing is judged there' \
    "$(ask_console 'explain?image=quay.io/acme/old:1&namespace=legacy' | jq -r .verdict)"
  end_group "$(tail -n 1 "$scratch/pids")"
}
check 'images: what runs and what the replicas remember, merged' uses
check 'console: the page of a cluster, with the rights of its user' shows_it_in_a_browser
check 'propose: a policy that covers it, and exemptions' proposes
check 'diff: whom a policy would hit' differs
check 'apply: whom it hits among what has gone' told_of_what_is_gone
check 'apply: an edit that refuses more than the policy lets it' confirms

# --- history --------------------------------------------------------------------------------------

goes_back() {
  local first second
  first=$(policy_hash)
  printf 'allowedRegistries: [docker.io, gcr.io, quay.io]\n' >"$scratch/wide.yaml"
  asks 0 apply --filename "$scratch/wide.yaml" --yes --no-audit
  second=$(policy_hash)
  asks 0 history
  grep -Eq "^$second +none +now +allowedRegistries: \+quay.io" "$scratch/out.txt" || say "$out"
  grep -Eq "^$first +none +20" "$scratch/out.txt" || say "$out"
  has "$out" 'put in force at imagegate-webhook-two, the last one last:'
  asks 0 undo --yes --no-audit
  same "2 of 2 replicas enforce $first" "$(tail -n 1 "$scratch/out.txt")"
  asks 0 undo --to "${second:0:6}" --yes --no-audit
  same "$second" "$(policy_hash)"
  asks 2 undo --to 000000 --yes
  has "$err" 'no policy with the hash `000000` is kept'
  asks 0 undo --yes --no-audit
  # The very first was in simple form: its keys come back, and the other's goes.
  asks 0 history -o json
  same 'ALLOWED_REGISTRIES' "$(jq -r '.policies[-1].data | keys[0]' "$scratch/out.txt")"
}
check 'history and undo: back, and back again' goes_back

# --- the page -------------------------------------------------------------------------------------

# walks: every command of the page's walk, in its order; what it asks is answered.
walks() {
  local command answer status expected
  mkdir "$scratch/walk"
  PATH=$(dirname "$plugin"):$root/crates/kubectl-imagegate:$PATH
  sed -n '/^## From an audit/,/^## /p' "$root/docs/day-two.md" |
    sed -n 's/^ *\(kubectl imagegate\)/\1/p' >"$scratch/walk.txt"
  (($(wc -l <"$scratch/walk.txt") >= 8)) || say "$(cat "$scratch/walk.txt")"
  while read -r command; do
    answer='' expected=0
    case $command in
      *' audit'*) expected=1 ;;
      *' candidate show'* | *' candidate --'*) ;;
      *' candidate '* | *' exempt '* | *' undo'*) answer=' --yes' ;;
    esac
    status=0
    (cd "$scratch/walk" && bash -c "$command$answer" >"$scratch/out.txt" 2>"$scratch/err.txt") || status=$?
    ((status == expected)) || say "$command: $status"$'\n'"$(cat "$scratch/out.txt" "$scratch/err.txt")"
    [[ $command != *' candidate set'* ]] || becomes_policy '.candidate != null'
  done <"$scratch/walk.txt"
  becomes_policy '.policy.exemptions | length == 1'
}
# legacy_runs: what the walk finds: an image that the policy refuses, from before there was a gate.
legacy_runs() {
  kubectl delete deployment shop --namespace web
  kubectl label namespace legacy imagegate/disable-filtering-
}
check 'something runs that should not' legacy_runs
check 'docs/day-two.md: from an audit to an exemption' walks

# --- a session ------------------------------------------------------------------------------------

# on_terminal COMMAND: what is typed and what comes, in $scratch/session.txt, with its colours.
on_terminal() {
  printf '$ %s\n' "$1" >>"$scratch/session.txt"
  script --quiet --return --flush --command "$1" /dev/null >>"$scratch/session.txt" </dev/null || true
}
# session: what runs that should not, an edit from the editor to the last replica, and who is refused then.
# resources/screenshots.sh draws it.
session() {
  local namespace
  cat >"$scratch/session.yaml" <<'YAML'
allowedRegistries: [docker.io, gcr.io/acme, quay.io/acme]
blockedTags: [staging, latest]
YAML
  asks 0 apply --filename "$scratch/session.yaml" --yes --no-audit
  kubectl delete pod --all --namespace legacy --grace-period 0 --force
  kubectl delete pod --all --namespace web --grace-period 0 --force
  for namespace in prod staging; do
    kubectl create namespace "$namespace"
    kubectl create deployment agent --namespace "$namespace" --image quay.io/acme/agent:1.4
    kubectl run agent-a --namespace "$namespace" --image quay.io/acme/agent:1.4
    kubectl run web --namespace "$namespace" --image gcr.io/acme/web:3.0-rc2
  done
  # From before there was a gate.
  kubectl label namespace prod imagegate/disable-filtering=true
  kubectl create deployment cache --namespace prod --image docker.io/library/redis:latest
  kubectl run cache-a --namespace prod --image docker.io/library/redis:latest
  kubectl label namespace prod imagegate/disable-filtering-
  kubectl run report --namespace prod --image quay.io/acme/report:7
  kubectl delete pod report --namespace prod --grace-period 0 --force
  export KUBE_EDITOR="sed -i -e 's|, quay.io/acme||' -e 's|latest]|latest, \"*-rc*\"]|'"
  PATH=$(dirname "$plugin"):$PATH
  : >"$scratch/session.txt"
  on_terminal 'kubectl imagegate status'
  on_terminal 'kubectl imagegate audit'
  printf '$ kubectl imagegate edit\n' >>"$scratch/session.txt"
  # The answer is typed once it is asked for.
  {
    eventually 60 grep -qF '[y/N]' "$scratch/session.txt"
    echo y
  } | script --quiet --return --flush --command 'kubectl imagegate edit' /dev/null >>"$scratch/session.txt"
  eventually 20 refused 'untrusted registry' kubectl run agent-b --image quay.io/acme/agent:1.4 --namespace prod
  on_terminal 'kubectl imagegate tail --no-follow --namespace prod --last 1'
  out=$(cat "$scratch/session.txt")
  has "$out" $'\e[31mdeny    docker.io/library/redis:latest  blocked-tag  1     prod/Deployment cache, prod/Pod cache-a'
  has "$out" $'\e[31m2 images would newly be denied:'
  has "$out" 'quay.io/acme/agent:1.4  2 Pods  prod/Deployment agent, prod/Pod agent-a, staging/Deployment agent and 1 more'
  has "$out" 'quay.io/acme/report:7  once, last 20'
  has "$out" 'apply this? [y/N] '
  has "$out" "2 of 2 replicas enforce $(policy_hash)"
  has "$out" 'prod/Pod agent-b  quay.io/acme/agent:1.4  untrusted-registry  by admin  imagegate-webhook-'
}
check 'a session at a terminal: status, audit, an edit up to the last replica, tail' session

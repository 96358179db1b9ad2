# Debug containers: added to a Pod that runs, by a subresource of its own.

local_gate
kubectl run target --image docker.io/acme/app:1 >/dev/null
readonly subresource=/api/v1/namespaces/default/pods/target/ephemeralcontainers

# debug NAME IMAGE: adds one, the way this API server takes it; prints the status code, then the answer.
debug() {
  local container
  container=$(jq -n --arg name "$1" --arg image "$2" '{name: $name, image: $image,
    imagePullPolicy: "IfNotPresent", terminationMessagePolicy: "File"}')
  # Before 1.22 the subresource is an object of a kind of its own; from then on it is the Pod.
  if ((server_minor < 22)); then
    api "$subresource" | jq --argjson one "$container" '.ephemeralContainers += [$one]' >"$scratch/debug.json"
    api "$subresource" -X PUT --data-binary "@$scratch/debug.json" -w '\n%{http_code}\n'
  else
    jq -n --argjson one "$container" '{spec: {ephemeralContainers: [$one]}}' >"$scratch/debug.json"
    api "$subresource" -X PATCH -H 'Content-Type: application/strategic-merge-patch+json' \
      --data-binary "@$scratch/debug.json" -w '\n%{http_code}\n'
  fi
}
answers() {
  local answer
  answer=$(debug "$2" "$3")
  same "$1" "$(tail -n 1 <<<"$answer")" || { printf '%s\n' "$answer"; return 1; }
  [[ -z ${4:-} ]] || has "$answer" "$4"
}
# there NAMES: just these, in whatever order this API server keeps them.
there() {
  same "$1" "$(kubectl get pod target -o json | jq -r '[.spec.ephemeralContainers[]?.name] | sort | join(",")')"
}

check 'a bad one is denied' answers 403 shell quay.io/acme/shell:1 \
  'shell image comes from an untrusted registry! (quay.io/acme/shell:1)'
check 'and is not in the Pod' there ''
check 'one without a tag is denied' answers 403 shell docker.io/busybox 'shell image has no tag!'
check 'a good one is admitted' answers 200 shell docker.io/busybox:1.36
check 'and is in the Pod' there shell
check 'a bad one beside it is denied' answers 403 second docker.io/busybox:latest \
  'second image has a non-allowed tag!'
beside_bad() {
  set_policy 'mode: audit'
  answers 200 second docker.io/busybox:latest
  set_policy '{}'
  answers 200 third docker.io/busybox:1.36
  there second,shell,third
}
check 'a good one beside a bad one that is there already is admitted' beside_bad

# A load of admission requests, through the API server.

# start_load WORKERS: creates good Pods as dry runs, as fast as it can, until stop_load. Each line of
# $scratch/load.txt is the status of one.
start_load() {
  local worker
  rm -f "$scratch/load.stop"
  : >"$scratch/load.txt"
  jq -n '{apiVersion: "v1", kind: "Pod", metadata: {name: "load"},
    spec: {containers: [{name: "app", image: "docker.io/acme/app:1"}]}}' >"$scratch/load.json"
  workers=()
  for ((worker = 0; worker < $1; worker++)); do
    spawn load load_worker
    workers+=("$spawned")
  done
  eventually 20 loaded 20 || say 'the load does not start'
}

load_worker() {
  until [[ -e $scratch/load.stop ]]; do
    # The answer is kept only where it is a failure.
    api '/api/v1/namespaces/default/pods?dryRun=All' -X POST --data-binary "@$scratch/load.json" \
      -o "$scratch/load.$BASHPID" -w '%{http_code}\n' >>"$scratch/load.txt" || printf 'curl failed\n' >>"$scratch/load.txt"
    [[ $(tail -n 1 "$scratch/load.txt") == 201 ]] || cat "$scratch/load.$BASHPID"
  done
}

# loaded COUNT: so many were answered.
loaded() {
  (($(wc -l <"$scratch/load.txt") >= $1))
}

# more_load COUNT: waits for so many more.
more_load() {
  local so_far
  so_far=$(wc -l <"$scratch/load.txt")
  eventually 60 loaded $((so_far + $1)) || say 'the load is stuck'
}

# stop_load: ends it, and fails unless every request was admitted.
stop_load() {
  local worker
  touch "$scratch/load.stop"
  for worker in "${workers[@]}"; do
    eventually 20 gone "$worker"
  done
  printf '%d requests\n' "$(wc -l <"$scratch/load.txt")"
  if grep -vx 201 "$scratch/load.txt"; then
    tail -n 20 "$scratch/load.log"
    return 1
  fi
}

# The gate: the real binary, and what it says of itself.

# start_gate NAME PORT ARGUMENT…: serves on that port until the end of the file. Sets `gate_id`,
# `gate_log`, `gate_admin` and `gate_operator`.
start_gate() {
  local name=$1 port=$2
  shift 2
  gate_log=$scratch/$name.log
  : >"$gate_log"
  # Nobody is told to go elsewhere here, so there is nothing to wait for at the end.
  spawn "$name" env IMAGEGATE_DRAIN_DELAY_SECONDS=0 "$binary" serve \
    --listen "127.0.0.1:$port" --admin-listen 127.0.0.1:0 --operator-listen 127.0.0.1:0 --log-format json "$@"
  gate_id=$spawned
  if ! eventually 20 gate_started; then
    tail -n 20 "$gate_log" >&2
    return 1
  fi
  gate_admin=$(jq -r 'select(.message == "ImageGate is ready!") | .admin' "$gate_log")
  gate_operator=$(jq -r 'select(.message == "ImageGate is ready!") | .operator' "$gate_log")
}

gate_started() {
  grep -q '"ImageGate is ready!"' "$gate_log"
}

stop_gate() {
  end_group "$gate_id"
}

# gate_page PATH: of the admin port.
gate_page() {
  curl -sS "http://$gate_admin/$1"
}

# becomes_policy CONDITION: what /policy shows meets that jq condition within 10 s.
becomes_policy() {
  eventually 10 policy_meets "$1" || say "not in force: $1"$'\n'"$(gate_page policy)"
}

policy_meets() {
  gate_page policy | jq -e "$1"
}

# metric SERIES: its value, the labels in the order of the alphabet; 0 where it is not there yet.
metric() {
  gate_page metrics | awk -v series="$1" '
    substr($0, 1, length(series) + 1) == series " " { value = $NF } END { print value + 0 }'
}

# decisions DECISION: how many were answered so, by whatever mode and operation.
decisions() {
  gate_page metrics | awk -v start="imagegate_admission_decisions_total{decision=\"$1\"" '
    index($0, start) == 1 { sum += $NF } END { print sum + 0 }'
}

policy_hash() {
  gate_page policy | jq -r .hash
}

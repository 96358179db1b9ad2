# The usual arrangement: a gate with a policy in a folder of this machine, asked at a URL.

# local_gate: serves $scratch/policy with a pair of its own until the end of the file.
# Sets `port`.
local_gate() {
  port=$(free_port)
  authority "$scratch/ca"
  pair "$scratch/ca" "$scratch/gate" /CN=gate IP:127.0.0.1
  set_policy '{}'
  start_gate gate "$port" --policy "$scratch/policy" --tls-cert "$scratch/gate.crt" \
    --tls-key "$scratch/gate.key"
  register_url "e2e-$file" "$port" "$scratch/ca.crt"
  wait_until_judged
}

# set_policy YAML: the full form. Where a gate is running, waits until it is in force.
set_policy() {
  local before
  mkdir -p "$scratch/policy"
  if [[ -z ${gate_admin:-} ]]; then
    printf '%s\n' "$1" >"$scratch/policy/policy.yaml"
    return
  fi
  before=$(policy_hash)
  [[ $(cat "$scratch/policy/policy.yaml") != "$1" ]] || return 0
  printf '%s\n' "$1" >"$scratch/policy.new"
  mv "$scratch/policy.new" "$scratch/policy/policy.yaml"
  eventually 10 another_hash "$before" || say "the policy is not in force: $1"
}

another_hash() {
  [[ $(policy_hash) != "$1" ]]
}

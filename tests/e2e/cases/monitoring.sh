# A real Prometheus scrapes the binary, and evaluates the rules that are shipped.

local_gate
prometheus_port=$(free_port)
readonly prometheus=http://127.0.0.1:$prometheus_port
jq -n --arg gate "$gate_admin" --arg rules "$root/deploy/prometheus" '{
  global: {scrape_interval: "1s", evaluation_interval: "1s"},
  rule_files: ["\($rules)/recording.yaml", "\($rules)/alerts.yaml"],
  scrape_configs: [{job_name: "imagegate",
    static_configs: [{targets: [$gate], labels: {namespace: "imagegate"}}]}]
}' >"$scratch/prometheus.yaml"
spawn prometheus prometheus --config.file="$scratch/prometheus.yaml" \
  --storage.tsdb.path="$scratch/prometheus" --web.listen-address="127.0.0.1:$prometheus_port"

ready() {
  eventually 30 curl -sf "$prometheus/-/ready" || { cat "$scratch/prometheus.log"; return 1; }
}
check 'Prometheus starts with the shipped rules' ready

# value QUERY: of its only series; nothing where there is none.
value() {
  curl -sS --get "$prometheus/api/v1/query" --data-urlencode "query=$1" |
    jq -r 'if .status == "success" then .data.result[].value[1] else error(.error) end'
}
# becomes VALUE QUERY
becomes() {
  eventually 20 is "$@" || say "expected: $1"$'\n'"     got: $(value "$2")"
}
is() {
  [[ $(value "$2") == "$1" ]]
}

check 'the binary is scraped' becomes 1 'up{job="imagegate"}'

promtool_content() {
  gate_page metrics | promtool check metrics
}
check 'promtool finds no fault with the metrics' promtool_content

queries() {
  gate_page metrics >"$scratch/scrape.txt"
  tests/deploy/queries.py --scrape "$scratch/scrape.txt"
}
check 'the shipped queries ask for what the binary exposes' queries

counters() {
  local allowed denied
  allowed=$(decisions allow) denied=$(decisions deny)
  succeeds try_pod docker.io/nginx:1.20
  succeeds try_pod docker.io/nginx:1.21
  refused 'no tag' try_pod docker.io/nginx
  refused 'untrusted' try_pod nginx:1.20
  refused 'non-allowed' try_pod docker.io/nginx:latest
  becomes $((allowed + 2)) \
    'sum(imagegate_admission_decisions_total{decision="allow",mode="enforce",operation="CREATE"})'
  becomes $((denied + 3)) \
    'sum(imagegate_admission_decisions_total{decision="deny",mode="enforce",operation="CREATE"})'
}
check 'a query shows the allow and deny counters' counters
check 'and the violations by rule' becomes 1 \
  'imagegate_violations_total{mode="enforce",rule="missing-tag"}'
check 'and the latency' becomes 1 \
  'sum(imagegate_admission_duration_seconds_count) >= bool 5'
check 'and the policy in force' becomes 1 "imagegate_policy_info{hash=\"$(policy_hash)\"}"

check 'the recording rules find what they ask for' becomes 1 'job:imagegate_replicas_able:count'
check 'one policy is in force' becomes 1 'job:imagegate_policies:count'

# raised NAME: the alert is pending or firing.
raised() {
  curl -sS "$prometheus/api/v1/alerts" | jq -e --arg name "$1" 'any(.data.alerts[]; .labels.alertname == $name)'
}
reload_failed() {
  ! raised ImageGatePolicyReloadFailed || say 'it is raised before anything has failed'
  printf 'allowedRegistries: []\n' >"$scratch/policy/policy.yaml"
  becomes 0 imagegate_policy_last_reload_successful
  eventually 10 raised ImageGatePolicyReloadFailed || say 'it is not raised'
}
check 'a bad edit raises the alert about it' reload_failed
reload_healed() {
  printf '{}\n' >"$scratch/policy/policy.yaml"
  becomes 1 imagegate_policy_last_reload_successful
  eventually 10 lowered ImageGatePolicyReloadFailed || say 'it is still raised'
}
lowered() {
  ! raised "$1"
}
check 'a good one ends it' reload_healed
gate_lost() {
  stop_gate
  becomes 0 'up{job="imagegate"}'
  eventually 20 raised ImageGateNoReplicaReady || say 'it is not raised'
}
check 'a gate that is gone raises the alert about that' gate_lost

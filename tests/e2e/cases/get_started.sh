# docs/get-started.md, command by command: both installations, and all that is shown after them.

page=$root/docs/get-started.md
port=$(free_port)
export HELM_CACHE_HOME=$scratch/helm HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm

# fenced LANGUAGE NUMBER: that one of the page's blocks in this language, counted from 1.
fenced() {
  awk -v fence="\`\`\`$1" -v wanted="$2" '
    $0 == "```" { inside = 0 }
    inside && n == wanted
    $0 == fence { inside = 1; n++ }' "$page"
}
# run_block NUMBER: its commands, in a copy of deploy/ that asks the port of the gate on this machine.
run_block() {
  local commands
  commands=$(fenced sh "$1" | sed 's|REGISTRY|registry.invalid|')
  [[ -n $commands ]] || say "the page has no block $1" || return
  (cd "$scratch" && bash -euc "$commands" </dev/null)
}
# shows NUMBER: the block's commands show what the block says, byte for byte.
shows() {
  fenced console "$1" >"$scratch/expected.txt"
  [[ -s $scratch/expected.txt ]] || say "the page has no block $1" || return
  transcript "$scratch/expected.txt"
}
shows_at_last() {
  eventually 20 shows "$1" || shows "$1"
}
# gate_when_mounted FOLDER: what the kubelet does, once there is something to mount.
gate_when_mounted() {
  eventually 60 is_mounted "$1/policy" && eventually 60 is_mounted "$1/tls" || return
  exec env IMAGEGATE_DRAIN_DELAY_SECONDS=0 "$binary" serve --listen "127.0.0.1:$port" \
    --admin-listen 127.0.0.1:0 --operator-listen 127.0.0.1:0 --policy "$1/policy" --tls-cert "$1/tls/tls.crt" --tls-key "$1/tls/tls.key"
}
# cluster_parts NAME: kubelet and controllers for the next installation, as $scratch/NAME.
cluster_parts() {
  mkdir -p "$scratch/$1/policy" "$scratch/$1/tls"
  spawn "$1-policy" keep_volume configmap imagegate imagegate-webhook-config "$scratch/$1/policy"
  parts=("$spawned")
  spawn "$1-tls" keep_volume secret imagegate imagegate-webhook-certificates "$scratch/$1/tls"
  parts+=("$spawned")
  spawn "$1-replicas" keep_replicas 2
  parts+=("$spawned")
  spawn "$1-gate" gate_when_mounted "$scratch/$1"
  parts+=("$spawned")
}
stop_parts() {
  local id
  for id in "${parts[@]}"; do
    end_group "$id"
  done
}

cp -R "$root/deploy" "$scratch/deploy"
rm -rf "$scratch/deploy"/{certificates,secret.yaml,webhook.yaml}
set_port "$scratch/deploy/templates/webhook.yaml" "$port"
set_port "$scratch/deploy/helm/imagegate/templates/webhook.yaml" "$port"

cluster_parts manifests
check 'deploy/install.sh' run_block 2
check 'a Pod is denied, byte for byte' shows 1
check 'a good one is created' shows 2
check 'the policy is changed, with a warning' shows 3
check 'the change is in force' shows_at_last 4
check 'clean up' run_block 4
stop_parts

helm_steps() {
  local commands first
  commands=$(fenced sh 3)
  first=$(sed -n 1,2p <<<"$commands")
  commands=$(sed 1,2d <<<"$commands")
  cd "$scratch" || return
  bash -euc "${first/REGISTRY/registry.invalid}"
  # API servers before 1.21 do not do it themselves; the page says so.
  if ((server_minor < 21)); then
    kubectl label namespace kube-system kubernetes.io/metadata.name=kube-system --overwrite
    kubectl label namespace imagegate kubernetes.io/metadata.name=imagegate --overwrite
  fi
  eventually 20 judges || say 'the gate does not judge'
  bash -euc "$commands"
}
cluster_parts helm
check 'helm, in two steps' helm_steps
check 'a Pod is denied after helm too, byte for byte' shows 1
check 'a good one is created after helm too' shows 2
helm_gone() {
  succeeds helm uninstall imagegate --namespace imagegate
  run_block 4
}
check 'clean up after helm' helm_gone
stop_parts

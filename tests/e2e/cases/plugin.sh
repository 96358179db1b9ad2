# The kubectl plugin: status and explain, with two replicas behind the API server's port-forward.

plugin=$root/target/debug/kubectl-imagegate
port=$(free_port)
deploy=$scratch/deploy
make_manifests
for manifest in namespace secret configmap webhook; do
  kubectl apply --filename "$deploy/$manifest.yaml" >/dev/null
done
if ((server_minor < 21)); then
  kubectl label --overwrite namespace imagegate kubernetes.io/metadata.name=imagegate >/dev/null
fi
route_service "$port"
mount_volume configmap imagegate imagegate-webhook-config "$scratch/policy"
mount_volume secret imagegate imagegate-webhook-certificates "$scratch/tls"
start_kubelet
for name in one two; do
  [[ $name == one ]] && at=$port || at=$(free_port)
  start_gate "$name" "$at" --policy "$scratch/policy" --tls-cert "$scratch/tls/tls.crt" \
    --tls-key "$scratch/tls/tls.key"
  make_replica imagegate "imagegate-webhook-$name" "$gate_admin" "$at"
done
wait_until_judged

if [[ -n ${PLUGIN_SHELL:-} ]]; then
  cp "$KUBECONFIG" /tmp/plugin-e2e.kubeconfig
  printf '%s\n' "$scratch" >/tmp/plugin-e2e.scratch
  until [[ -e /tmp/plugin-e2e.stop ]]; do sleep 1; done
fi

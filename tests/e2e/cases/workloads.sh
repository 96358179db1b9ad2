# Every kind that holds a pod spec. Pods follow the policy's mode, templates what it says of them.

local_gate
cronjobs=batch/v1
kubectl get --raw /apis/batch/v1 | jq -e 'any(.resources[]; .name == "cronjobs")' >/dev/null ||
  cronjobs=batch/v1beta1

# create KIND IMAGE: asks the API server for one, and creates nothing.
create() {
  local restart=Always
  [[ $1 != Job && $1 != CronJob ]] || restart=Never
  jq -n --arg kind "$1" --arg image "$2" --arg restart "$restart" --arg cronjobs "$cronjobs" \
    -f "$e2e/data/workloads.jq" | kubectl create --dry-run=server --filename -
}

readonly message='app image comes from an untrusted registry! (quay.io/acme/app:1)'
readonly kinds=(Deployment ReplicaSet StatefulSet DaemonSet Job CronJob ReplicationController PodTemplate)

admitted() {
  succeeds create "$1" docker.io/acme/app:1
  [[ $said != *untrusted* ]] || say 'it is warned of'
}
warned() {
  succeeds create "$1" quay.io/acme/app:1
  has "$said" "$message"
  grep -q '^Warning: ' <<<"$said" || say "no warning: $said"
}
denied() {
  refused "$message" create "$1" quay.io/acme/app:1
}
ignored() {
  succeeds create "$1" quay.io/acme/app:1
  [[ $said != *untrusted* ]] || say 'it is warned of'
}

check 'Pod: a good image is admitted' admitted Pod
check 'Pod: a bad image is denied, while templates are only warned of' denied Pod
for kind in "${kinds[@]}"; do
  check "$kind: a bad image is warned of" warned "$kind"
done
set_policy 'templates: enforce'
for kind in "${kinds[@]}"; do
  check "$kind: a bad image is denied where templates are enforced" denied "$kind"
  check "$kind: a good image is admitted then" admitted "$kind"
done
set_policy 'templates: ignore'
for kind in "${kinds[@]}"; do
  check "$kind: a bad image is ignored where templates are" ignored "$kind"
done
check 'Pod: a bad image is still denied' denied Pod

scaled() {
  set_policy 'templates: ignore'
  succeeds kubectl create deployment scaled --image quay.io/acme/app:1
  set_policy 'templates: enforce'
  succeeds kubectl scale deployment scaled --replicas 3
  succeeds kubectl annotate deployment scaled e2e=1
  refused "untrusted registry" kubectl set image deployment/scaled app=quay.io/acme/app:2
  succeeds kubectl delete deployment scaled
}
check 'a Deployment that is there already can be scaled and annotated, not given a bad image' scaled

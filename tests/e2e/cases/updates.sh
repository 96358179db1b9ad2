# Updates of what is there already: only a change of the image is judged.

local_gate

# What was there before the gate: a Pod that it would not admit.
set_policy 'mode: audit'
kubectl run bad --image quay.io/acme/app:1 >/dev/null
set_policy '{}'

check 'a bad Pod that is there can be labelled' succeeds kubectl label pod bad team=shop
check 'and annotated' succeeds kubectl annotate pod bad note=1
finalized() {
  succeeds kubectl patch pod bad --type json \
    --patch '[{"op":"add","path":"/metadata/finalizers","value":["example.com/e2e"]}]'
  succeeds kubectl patch pod bad --type json --patch '[{"op":"remove","path":"/metadata/finalizers"}]'
}
check 'and given a finalizer, and rid of it' finalized
status_written() {
  kubectl get pod bad -o json | jq '.status.message = "e2e"' >"$scratch/pod.json"
  succeeds kubectl replace --raw /api/v1/namespaces/default/pods/bad/status --filename "$scratch/pod.json"
}
check 'and the kubelet can write its status' status_written
check 'another bad image is denied' refused 'untrusted registry! (quay.io/acme/app:2)' \
  kubectl set image pod/bad bad=quay.io/acme/app:2
check 'and so is one without a tag' refused 'no tag! (docker.io/acme/app)' \
  kubectl set image pod/bad bad=docker.io/acme/app
check 'a good image is admitted' succeeds kubectl set image pod/bad bad=docker.io/acme/app:1
check 'and then the old, bad image is denied' refused 'untrusted registry! (quay.io/acme/app:1)' \
  kubectl set image pod/bad bad=quay.io/acme/app:1

judged_again() {
  set_policy 'mode: audit'
  succeeds kubectl run old --image quay.io/acme/app:1
  set_policy 'updates: all'
  refused 'untrusted registry' kubectl label pod old team=shop
}
check 'updates: all judges every update' judged_again
check 'a bad Pod can be deleted even then' succeeds kubectl delete pod old
check 'a Pod with a good image can be deleted' succeeds kubectl delete pod bad

# CVE-2023-34091 was a gate that looked away while an object was being deleted.
leaving() {
  local finalizer='"/metadata/finalizers"'
  set_policy '{}'
  succeeds kubectl run leaving --image docker.io/acme/app:1
  succeeds kubectl patch pod leaving --type json \
    --patch "[{\"op\":\"add\",\"path\":$finalizer,\"value\":[\"example.com/e2e\"]}]"
  succeeds kubectl delete pod leaving --wait=false
  refused 'untrusted registry! (quay.io/acme/app:3)' kubectl set image pod/leaving leaving=quay.io/acme/app:3
  succeeds kubectl patch pod leaving --type json --patch "[{\"op\":\"remove\",\"path\":$finalizer}]"
}
check 'a Pod that is being deleted gets no bad image either, and can go' leaving

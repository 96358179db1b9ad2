# The kubectl plugin on a large cluster: everything is judged, page by page, in bounded memory. With
# E2E_PODS=10000 E2E_NAMESPACES=200 it is the size that the documentation gives figures for.

pods=${E2E_PODS:-1200} namespaces=${E2E_NAMESPACES:-12}

populates() {
  python3 "$e2e/lib/populate.py" "$server" "$work/cluster/ca.crt" "$work/cluster/admin.crt" \
    "$work/cluster/admin.key" "$namespaces" "$pods"
}
# measured NAME ARGUMENT…: runs the plugin; its seconds and its largest memory go to the end of the output.
measured() {
  local status=0
  python3 - "$plugin" "${@:2}" >"$scratch/out.txt" 2>"$scratch/err.txt" <<'PYTHON' || status=$?
import resource, subprocess, sys, time
begin = time.monotonic()
status = subprocess.run(sys.argv[1:]).returncode
seconds = time.monotonic() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open("/dev/stderr", "a") as err:
    print(f"{seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of processor, {used.ru_maxrss // 1024} MiB", file=err)
sys.exit(status)
PYTHON
  printf '      %s: %s\n' "$1" "$(tail -n 1 "$scratch/err.txt")" >>"$work/figures"
  measured_status=$status
}
# all_pods: the namespace of each Pod, those that another file of cases left behind among them.
all_pods() {
  kubectl get pods --all-namespaces -o jsonpath='{range .items[*]}{.metadata.namespace}{"\n"}{end}'
}
judges_everything() {
  local memory
  printf '{allowedRegistries: [docker.io, gcr.io]}\n' >"$scratch/policy.yaml"
  measured "audit -o $1" audit --policy "$scratch/policy.yaml" -o "$1"
  # No webhook is registered here, so nothing is in its reach, and nothing fails.
  same 0 "$measured_status"
  has "$(cat "$scratch/err.txt")" "in $(all_pods | wc -l) Pods and $((pods / 5)) workloads of $(all_pods | sort -u | wc -l) namespaces"
  memory=$(tail -n 1 "$scratch/err.txt" | sed 's/.*, \([0-9]*\) MiB/\1/')
  ((memory <= 150)) || say "$memory MiB"
}
check "$pods objects are there" populates
check 'audit: all of them, in 150 MiB' judges_everything table
check 'audit, in JSON: all of them, in 150 MiB' judges_everything json
cat "$work/figures"

#!/usr/bin/env bash
# Runs the end-to-end cases: a real API server, the real binary, kubectl, helm and Prometheus. One
# line for each case, a summary at the end; exits 1 if any failed.
#
#   tests/e2e/run.sh            every file of tests/e2e/cases
#   tests/e2e/run.sh FILE…      these, by name without `.sh`
#
# KUBEBUILDER_ASSETS   the folder with etcd, kube-apiserver and kubectl; helm from there or PATH
# IMAGEGATE_BINARY     what is tested (default target/debug/imagegate)
# E2E_KEEP=1           keeps the logs of every process, and says where
set -euo pipefail
e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$e2e/../.." && pwd)
readonly e2e root
cd "$root"
for part in requirements process check pki cluster controllers gate webhook volume local_gate load kubelet \
  plugin transcript; do
  # shellcheck source=/dev/null
  source "$e2e/lib/$part.sh"
done

require_everything
work=$(mktemp -d "${TMPDIR:-/tmp}/imagegate-e2e.XXXXXX")
scratch=$work/cluster
mkdir "$scratch"
: >"$work/results"
running=

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  [[ -z $running ]] || end_group "$running"
  end_everything "$work"
  if [[ -n ${E2E_KEEP:-} ]]; then
    printf 'the logs are in %s\n' "$work"
  else
    rm -rf "$work"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# run_file NAME: in a process group of its own, so that an interrupt here ends all of it at once.
# Whatever ends it, the next one finds the cluster as this one did.
run_file() {
  local status=0
  mkdir "$work/$1"
  set -m
  (
    set +m
    trap - EXIT INT TERM HUP
    file=$1
    scratch=$work/$1
    # What goes wrong between two cases.
    exec 2>"$scratch/file.log"
    set -E
    trap 'printf "line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR
    # shellcheck source=/dev/null
    source "$e2e/cases/$1.sh"
    printf 'complete\n' >"$scratch/complete"
  ) &
  running=$!
  set +m
  wait "$running" || status=$?
  running=
  if [[ ! -e $work/$1/complete ]]; then
    printf 'it ended with %s before its last case\n' "$status" >>"$work/$1/file.log"
    report "$1: runs to its end" 1 "$work/$1/file.log"
  fi
  reset_cluster
  end_everything "$work/$1"
}

files=("$@")
if ((${#files[@]} == 0)); then
  for path in "$e2e"/cases/*.sh; do
    files+=("$(basename "$path" .sh)")
  done
fi
for name in "${files[@]}"; do
  [[ -e $e2e/cases/$name.sh ]] || { printf 'no such file of cases: %s\n' "$name" >&2; exit 2; }
done

start_cluster
printf 'API server %s, %s\n' "$server_version" "$("$binary" --version)"
for name in "${files[@]}"; do
  run_file "$name"
done
summarize

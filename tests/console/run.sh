#!/usr/bin/env bash
# Two gates on this machine, sample traffic, and the console that looks at them; until it is interrupted.
#
# Usage: run.sh GATE PLUGIN [FLAG…]
#   GATE, PLUGIN  the binaries imagegate and kubectl-imagegate
#   FLAG          of `kubectl imagegate console`, such as --no-browser
set -euo pipefail

(($# >= 2)) || { sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2; exit 2; }
gate=$(realpath -- "$1")
plugin=$(realpath -- "$2")
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v python3 >/dev/null || { echo 'missing: python3' >&2; exit 2; }

work=$(mktemp -d)
children=()
cleanup() {
  trap - EXIT
  kill "${children[@]}" 2>/dev/null || true
  wait || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 0' INT TERM

# serve NAME WEBHOOK ADMIN OPERATOR: a gate at these ports.
serve() {
  IMAGEGATE_DRAIN_DELAY_SECONDS=0 "$gate" serve --self-signed --policy "$work/policy" \
    --listen "127.0.0.1:$2" --admin-listen "127.0.0.1:$3" --operator-listen "127.0.0.1:$4" >"$work/$1.log" 2>&1 &
  children+=($!)
  for _ in $(seq 200); do
    ! grep -q 'ImageGate is ready!' "$work/$1.log" || return 0
    kill -0 "${children[-1]}" 2>/dev/null || break
    read -rt 0.05 <> <(:) || true
  done
  cat "$work/$1.log" >&2
  exit 1
}

cp -r "$here/policy" "$work/policy"
serve first 3000 8080 8081
serve second 3001 8082 8083
"$here/traffic.py" https://127.0.0.1:3000 https://127.0.0.1:3001 &
children+=($!)
printf 'edit %s while you look\n' "$work/policy/policy.yaml" >&2
"$plugin" console --endpoint http://127.0.0.1:8081 --endpoint http://127.0.0.1:8083 "$@" &
children+=($!)
wait "${children[-1]}"

#!/usr/bin/env bash
# Fuzzes each target, one after another. Fails at the first finding.
#
# Usage: run.sh [SECONDS [TARGET…]]        other inputs each time
#        run.sh --inputs N [TARGET…]       the same N inputs each time, for CI: it must not fail by luck
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

corpus=corpus
if [[ ${1:-} == --inputs ]]; then
  amount="$2 inputs"
  # What earlier runs found would lead to other inputs.
  corpus=$(mktemp -d)
  trap 'rm -rf "$corpus"' EXIT
  options=(-seed=1 "-runs=$2")
  shift
else
  amount="${1:-60} s"
  options=("-max_total_time=${1:-60}")
fi
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=(reference json review policy format pattern tag images import)
./seeds.sh "$corpus"

# What cargo-fuzz passes without a sanitizer. The code has no `unsafe`, so that coverage is what is
# needed, and that works with a stable toolchain.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 -Cdebug-assertions
  -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
host=$(rustc -vV | sed -n 's/^host: //p')
# With a target named, build scripts are not instrumented.
cargo build --release --target "$host"

for target in "${targets[@]}"; do
  printf '=== %s: %s\n' "$target" "$amount"
  mkdir -p "artifacts/$target"
  status=0
  "target/$host/release/$target" "$corpus/$target" -artifact_prefix="artifacts/$target/" \
    "${options[@]}" -max_len=16384 -timeout=5 -rss_limit_mb=1024 \
    -print_final_stats=1 >"$target.log" 2>&1 || status=$?
  grep -E '^(stat::number_of_executed_units|stat::average|stat::peak)' "$target.log" || true
  if [[ $status -ne 0 ]]; then
    tail -n 40 "$target.log"
    exit 1
  fi
done

#!/usr/bin/env bash
# Fuzzes each target for some seconds, one after another. Fails at the first finding.
#
# Usage: run.sh [SECONDS [TARGET…]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-60}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=(reference review policy pattern)
./seeds.sh
# The sanitizer needs a nightly toolchain; coverage alone does not, and the code has no `unsafe`.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  printf '=== %s for %s s\n' "$target" "$seconds"
  cargo fuzz run --sanitizer none --fuzz-dir . "$target" -- \
    -max_total_time="$seconds" -max_len=16384 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
    2>&1 | tee "$target.log" | grep -E '^(stat::|SUMMARY|thread|==)|panicked|Failing input|Done' || true
  grep -q '^Done' "$target.log" || { tail -40 "$target.log"; exit 1; }
done

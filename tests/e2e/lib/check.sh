# Cases: one line for each, what was said if it failed, and the count at the end.

# check NAME COMMAND…: a case. It holds if every command of COMMAND does.
check() {
  local name="$file: $1" status
  shift
  set +e
  (
    set -e
    "$@"
  ) >"$scratch/case.log" 2>&1
  status=$?
  set -e
  report "$name" "$status" "$scratch/case.log"
}

# report NAME STATUS LOG
report() {
  if (($2 == 0)); then
    printf 'ok    %s\n' "$1"
    printf 'ok\n' >>"$work/results"
  else
    printf 'FAIL  %s\n' "$1"
    tail -n 40 "$3" | sed 's/^/      /'
    printf 'FAIL  %s\n' "$1" >>"$work/results"
  fi
}

# skip NAME WHY: a case that this API server cannot show.
skip() {
  printf 'skip  %s: %s (%s)\n' "$file" "$1" "$2"
  printf 'skip\n' >>"$work/results"
}

# summarize: the last line; fails if a case did, or if there was none.
summarize() {
  local total failed skipped
  total=$(wc -l <"$work/results")
  failed=$(grep -c '^FAIL' "$work/results" || true)
  skipped=$(grep -c '^skip' "$work/results" || true)
  if ((failed > 0)); then
    grep '^FAIL' "$work/results"
  fi
  printf '%d cases, %d failed, %d skipped, %d s\n' "$total" "$failed" "$skipped" "$SECONDS"
  ((failed == 0 && total > skipped))
}

# --- What a case may say --------------------------------------------------------------------------

say() {
  printf '%s\n' "$*"
  return 1
}

# same EXPECTED ACTUAL
same() {
  [[ $1 == "$2" ]] || say "expected: $1"$'\n'"     got: $2"
}

# has TEXT PART: PART is in TEXT, literally.
has() {
  [[ $1 == *"$2"* ]] || say "not there: $2"$'\n'"       in: $1"
}

# succeeds COMMAND…: sets `said` to all that it says.
succeeds() {
  said=$("$@" 2>&1) || say "failed: $*"$'\n'"$said"
  printf '%s\n' "$said"
}

# refused TEXT COMMAND…: it fails and says TEXT.
refused() {
  local text=$1
  shift
  if said=$("$@" 2>&1); then
    say "not refused: $*"$'\n'"$said"
  fi
  has "$said" "$text"
}

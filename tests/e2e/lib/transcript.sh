# Transcripts: commands with what they must show, byte for byte.

# transcript FILE: runs each line that starts with `$ ` and compares all that is shown, but for what no
# two runs have in common: how much which replica has seen since when.
transcript() {
  local line shown=$scratch/transcript.txt
  while IFS= read -r line; do
    [[ $line == '$ '* ]] || continue
    printf '%s\n' "$line"
    bash -c "${line#'$ '}" 2>&1 </dev/null || true
  done <"$1" >"$shown"
  diff <(without_moments "$1") <(without_moments "$shown")
}

without_moments() {
  sed -e 's/of [0-9]* images seen here since [^,]*,/of N images seen here since MOMENT,/' \
    -e 's/^Warning: seen by `[^`]*`;/Warning: seen by `REPLICA`;/' "$1"
}

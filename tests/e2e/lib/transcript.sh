# Transcripts: commands with what they must show, byte for byte.

# transcript FILE: runs each line that starts with `$ ` and compares all that is shown.
transcript() {
  local line shown=$scratch/transcript.txt
  while IFS= read -r line; do
    [[ $line == '$ '* ]] || continue
    printf '%s\n' "$line"
    bash -c "${line#'$ '}" 2>&1 </dev/null || true
  done <"$1" >"$shown"
  diff "$1" "$shown"
}

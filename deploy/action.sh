#!/usr/bin/env bash
# What action.yml runs: gets a release of ImageGate, unless a binary is named, and judges manifests.
# Prints annotations, adds a summary to the job, and writes SARIF where that is asked for.
#
# Reads the variables INPUT_* and RELEASES, which action.yml sets, and those of a runner.
set -euo pipefail
# A wrong checksum ends the script from within a command substitution too.
shopt -s inherit_errexit

# The lines of a text that are not blank.
lines() {
  local line
  while IFS= read -r line; do
    [[ -z ${line//[[:space:]]/} ]] || printf '%s\0' "$line"
  done <<<"$1"
}

# Downloads the release for this machine, checks its sum, and says where the binary is.
download() {
  local version=${INPUT_VERSION#v} name directory
  [[ -n $version ]] ||
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1)
  name=imagegate-$version-$(uname -m)-linux
  directory=$(mktemp -d "${RUNNER_TEMP:-/tmp}/imagegate.XXXXXX")
  local file
  for file in "$name.tar.gz" "SHA256SUMS-$(uname -m)"; do
    curl --fail --silent --show-error --location --retry 3 --proto '=https,file' --proto-redir '=https' \
      --output "$directory/$file" "$RELEASES/v$version/$file"
  done
  (cd "$directory" && grep -F "  $name.tar.gz" "SHA256SUMS-$(uname -m)" |
    sha256sum --check --strict --quiet) >&2
  tar --extract --gzip --file "$directory/$name.tar.gz" --directory "$directory"
  printf '%s\n' "$directory/$name/bin/imagegate"
}

binary=${INPUT_BINARY:-}
if [[ -z $binary ]]; then
  binary=$(download)
fi

arguments=(check --namespace "${INPUT_NAMESPACE:-default}" --fail-on "${INPUT_FAIL_ON:-deny}")
[[ -z ${INPUT_POLICY:-} ]] || arguments+=("--policy=$INPUT_POLICY")
while IFS= read -r -d '' path; do arguments+=("--filename=$path"); done < <(lines "${INPUT_PATHS:-.}")
while IFS= read -r -d '' word; do arguments+=("$word"); done < <(lines "${INPUT_ARGUMENTS:-}")

status=0
"$binary" "${arguments[@]}" --output github || status=$?
# The same verdict in other forms: its exit code is known already.
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  "$binary" "${arguments[@]}" --output markdown 2>/dev/null >>"$GITHUB_STEP_SUMMARY" || true
fi
if [[ -n ${INPUT_SARIF_FILE:-} ]]; then
  "$binary" "${arguments[@]}" --output sarif 2>/dev/null >"$INPUT_SARIF_FILE" || true
fi
[[ -z ${GITHUB_OUTPUT:-} ]] || printf 'exit-code=%s\n' "$status" >>"$GITHUB_OUTPUT"
exit "$status"

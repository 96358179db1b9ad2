#!/usr/bin/env bash
# Mutation testing: changes one expression at a time and looks whether a test fails. Takes the part
# to mutate, core, reload or limits, and then options of cargo-mutants, such as `--file '**/glob.rs'`
# or `--shard 1/40`. Prints the score, and fails where it is below LEAST_SCORE (95) percent.
#
# The core is mutated in a package of its own, which holds nothing else and whose tests are modules
# of one test binary: that is what makes a mutant cost seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

core=src
[[ -d crates/core/src ]] && core=crates/core/src
rooms=(image policy admission)
work=$PWD/target/mutants
export CARGO_TARGET_DIR=$work/build PROPTEST_CASES=${PROPTEST_CASES:-64}
export CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0

# The tests that use nothing but the core. An allocator of its own is one for the whole binary.
core_tests() {
  local file used
  for file in tests/*.rs; do
    used=$(grep -oE '(imagegate|support)::[a-z_]+|allocation_counter' "$file" | sort -u || true)
    if grep -qE '^imagegate::' <<<"$used" &&
      ! grep -qvE '^(imagegate::(image|policy|admission)|support::policy)$' <<<"$used"; then
      printf '%s\n' "${file##*/}"
    fi
  done
}

# A package in $work/core with the core alone.
lay_out_core() {
  local package=$work/core file
  mkdir -p "$package"
  rm -rf "$package"/{src,tests,Cargo.toml}
  mkdir -p "$package"/{src,tests/support}
  # Without the targets, which are not there.
  sed '/^\[\[/,/^$/d' Cargo.toml >"$package/Cargo.toml"
  printf '\n[workspace]\n' >>"$package/Cargo.toml"
  cp Cargo.lock "$package"
  cp -r "${rooms[@]/#/$core/}" "$package/src"
  for file in docs config deploy; do ln -sfn "$PWD/$file" "$package/$file"; done
  ln -s "$PWD/tests/data" "$package/tests/data"
  cp tests/*.rs "$package/tests"
  cp tests/support/policy.rs "$package/tests/support"
  printf '//! What several tests share.\npub(crate) mod policy;\n' >"$package/tests/support/mod.rs"
  {
    printf '//! The core alone.\nextern crate self as imagegate;\n'
    printf 'pub mod %s;\n' "${rooms[@]}"
    for file in $(core_tests); do
      printf '#[cfg(test)]\n#[path = "../tests/%s"]\nmod tests_%s;\n' "$file" "${file%.rs}"
    done
  } >"$package/src/lib.rs"
  cp -r .cargo "$package"
  # The few slow tests last: most mutants are caught before they start.
  mkdir -p "$package/.config"
  printf '[[profile.default.overrides]]\nfilter = "test(agrees_on_)"\npriority = -100\n' \
    >"$package/.config/nextest.toml"
  cd "$package"
}

part=${1:?core, reload or limits}
shift
options=(--output "$work/$part" --no-shuffle --colors never)
case $part in
  core)
    lay_out_core
    options+=(--in-place --cargo-arg=--lib)
    ;;
  reload)
    options+=(--file 'src/reload/**')
    options+=("--cargo-arg="{--lib,--test,'reload_*'})
    ;;
  limits)
    options+=("--file=src/server/"{limits,places,progress,body}.rs)
    options+=("--cargo-arg="{--lib,--test,'server_*'})
    ;;
  *)
    printf 'no such part: %s\n' "$part" >&2
    exit 64
    ;;
esac

# It stops at the first test that fails.
if cargo nextest --version >/dev/null 2>&1; then
  options+=(--test-tool nextest)
fi

mkdir -p "$work/$part"
rm -rf "$work/$part"/mutants.out*
status=0
cargo mutants "${options[@]}" "$@" || status=$?

# 2: some were missed; 3: some timed out, as what loops for ever does. All else is the run's own failure.
case $status in
  0 | 2 | 3) ;;
  *) exit "$status" ;;
esac
outcomes=$work/$part/mutants.out/outcomes.json
[[ -s $outcomes ]] || exit 0
jq -r --argjson least "${LEAST_SCORE:-95}" '
  def score: {
    caught: map(select(.summary == "CaughtMutant" or .summary == "Timeout")) | length,
    viable: map(select(.summary != "Unviable")) | length,
  };
  [.outcomes[] | select(.scenario != "Baseline") | {file: .scenario.Mutant.file, summary}]
  | (group_by(.file)[] | {name: .[0].file} + score | "\(.caught) of \(.viable) caught in \(.name)"),
    (score | "\(.caught) of \(.viable) viable mutants caught; at least \($least) % are asked for",
      if .caught * 100 < .viable * $least then "too few\n" | halt_error(2) else empty end)
' "$outcomes"

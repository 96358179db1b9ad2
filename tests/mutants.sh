#!/usr/bin/env bash
# Mutation testing: changes one expression at a time and looks whether a test fails. Takes the part
# to mutate, core, reload or limits, and then options of cargo-mutants, such as `--file '**/glob.rs'`
# or `--shard 1/40`. Prints the score, and fails where it is below LEAST_SCORE (95) percent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$PWD/target/mutants
export CARGO_TARGET_DIR=$work/build PROPTEST_CASES=${PROPTEST_CASES:-64}
export CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0

part=${1:?core, reload or limits}
shift
options=(--output "$work/$part" --no-shuffle --colors never)
# What is slow and holds a bound of memory, or two parsers against each other, would notice a mutant last.
slow=(--skip policy_bounds:: --skip agrees_on_ --skip be_nested --skip skipped_and_read_likewise)
case $part in
  core)
    options+=(--package imagegate-core "--cargo-arg="{--lib,--test=core})
    ;;
  reload)
    options+=(--package imagegate --file 'src/reload/**' "--cargo-arg="{--lib,--test=webhook})
    ;;
  limits)
    options+=(--package imagegate "--file=src/server/"{allowance,arrivals,body,budgets,limits,places,progress,slot}.rs)
    options+=("--cargo-arg="{--lib,--test=webhook})
    ;;
  *)
    printf 'no such part: %s\n' "$part" >&2
    exit 64
    ;;
esac

mkdir -p "$work/$part"
rm -rf "$work/$part"/mutants.out*
status=0
cargo mutants "${options[@]}" "$@" -- -- "${slow[@]}" || status=$?

# 2: some were missed; 3: some timed out, as what loops for ever does. All else is the run's own failure.
case $status in
  0 | 2 | 3) ;;
  *) exit "$status" ;;
esac
outcomes=$work/$part/mutants.out/outcomes.json
if [[ ! -s $outcomes ]]; then
  echo 'nothing was mutated' >&2
  exit 1
fi
jq -r --argjson least "${LEAST_SCORE:-95}" '
  def score: {
    caught: map(select(.summary == "CaughtMutant" or .summary == "Timeout")) | length,
    viable: map(select(.summary != "Unviable")) | length,
  };
  [.outcomes[] | select(.scenario != "Baseline") | {file: .scenario.Mutant.file, summary}]
  | (group_by(.file)[] | {name: .[0].file} + score | "\(.caught) of \(.viable) caught in \(.name)"),
    (score | "\(.caught) of \(.viable) viable mutants caught; at least \($least) % are asked for",
      if .viable == 0 or .caught * 100 < .viable * $least then "too few\n" | halt_error(2) else empty end)
' "$outcomes"

#!/usr/bin/env python3
"""Counts the instructions of each case and compares them with the committed baseline.

Counts hardly depend on the machine and not on its load, so that a regression shows where a
stopwatch sees noise. They do depend on the compiler, and on the widest instruction set: valgrind
offers AVX2, which the baseline was taken with.
"""

import argparse
import pathlib
import re
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "load"))
import environment

BASELINE = pathlib.Path(__file__).parent / "baseline.tsv"
# What another version of the compiler may change. A lost fast path costs more.
TOLERANCE = 0.10


def instructions(binary, case, count):
    """Of a whole process."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, case, str(count)],
        check=True, capture_output=True, text=True,
    )
    return int(re.search(r"refs:\s+([\d,]+)", run.stderr)[1].replace(",", ""))


def per_time(binary, case, times):
    """Of the work alone, without the start and the first time."""
    return round((instructions(binary, case, 1 + times) - instructions(binary, case, 1)) / times)


def read():
    rows = (line.split("\t") for line in BASELINE.read_text().splitlines()[1:])
    return {case: int(count) for case, count in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="the benchmark `instructions`")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    arguments = parser.parse_args()
    if "avx2" not in pathlib.Path("/proc/cpuinfo").read_text():
        parser.exit(1, "the baseline is of processors with AVX2, which this one is not\n")
    cases = subprocess.run([arguments.binary], check=True, capture_output=True, text=True)
    print(environment.line())
    cases = [line.split() for line in cases.stdout.splitlines()]
    counts = {case: per_time(arguments.binary, case, int(times)) for case, times in cases}
    if arguments.update:
        rows = "".join(f"{case}\t{count}\n" for case, count in counts.items())
        BASELINE.write_text("case\tinstructions\n" + rows)
    baseline = read()
    failed = 0
    for case, count in counts.items():
        before = baseline.get(case, 0)
        ratio = count / max(before, 1)
        verdict = "ok"
        if ratio > 1 + TOLERANCE:
            verdict = "FAILED: more than before"
        elif ratio < 1 - TOLERANCE:
            verdict = "ok, less than before: --update makes that the baseline"
        failed += ratio > 1 + TOLERANCE
        print(f"{case:24} {count:>12,}  {ratio:5.2f} of {before:,}  {verdict}")
    if set(baseline) - set(counts):
        parser.exit(1, f"no such case any more: {sorted(set(baseline) - set(counts))}\n")
    print(f"{len(counts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

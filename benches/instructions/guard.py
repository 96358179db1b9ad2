#!/usr/bin/env python3
"""Counts the instructions of each case and compares them with the committed baseline.

Counts hardly depend on the machine and not on its load, so that a regression shows where a
stopwatch sees noise. They do depend on the compiler, and on the widest instruction set: valgrind
offers AVX2, which the baseline was taken with.

A baseline is the median of several rounds, and its spread is how far apart they were, as a share of
it. A case fails when it is further over its baseline than the tolerance, which is at least twice the
spread; --update refuses a case of which that is not so.
"""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "load"))
import environment

BASELINE = pathlib.Path(__file__).parent / "baseline.tsv"
COLUMNS = "case\tinstructions\tspread"
# Over a baseline of the same compiler.
TOLERANCE = 0.05
# Of another one, which may inline and unroll otherwise. A lost fast path costs more.
OTHER_COMPILER = 0.10
# A spread of more than this part of the tolerance would fail, or hide, by chance.
MOST_SPREAD = TOLERANCE / 2
ROUNDS = 5


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


def counted(binary, case, times, rounds):
    """The median of so many rounds, and their spread."""
    counts = [per_time(binary, case, times) for _ in range(rounds)]
    count = round(statistics.median(counts))
    return count, (max(counts) - min(counts)) / count


def compiler():
    return environment.output("rustc", "--version")


def read():
    """The compiler of the baseline, and its counts."""
    first, _, *lines = BASELINE.read_text().splitlines()
    rows = (line.split("\t") for line in lines)
    return first.removeprefix("# "), {case: int(count) for case, count, _ in rows}


def write(counts):
    rows = "".join(f"{case}\t{count}\t{spread:.5f}\n" for case, (count, spread) in counts.items())
    BASELINE.write_text(f"# {compiler()}\n{COLUMNS}\n{rows}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="the benchmark `instructions`")
    parser.add_argument("--rounds", type=int, help=f"of each case; one, and {ROUNDS} with --update")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("--match", default="", help="only cases whose name has this in it")
    arguments = parser.parse_args()
    if arguments.update and arguments.match:
        parser.error("a baseline has all cases")
    if "avx2" not in pathlib.Path("/proc/cpuinfo").read_text():
        parser.exit(1, "the baseline is of processors with AVX2, which this one is not\n")
    listed = subprocess.run([arguments.binary], check=True, capture_output=True, text=True)
    print(environment.line())
    rounds = arguments.rounds or (ROUNDS if arguments.update else 1)
    cases = [line.split() for line in listed.stdout.splitlines()]
    counts = {case: counted(arguments.binary, case, int(times), rounds)
              for case, times in cases if arguments.match in case}
    wide = [case for case, (_, spread) in counts.items() if spread > MOST_SPREAD]
    if arguments.update:
        if wide:
            parser.exit(1, f"more than {MOST_SPREAD:.2%} from round to round: {wide}\n")
        write(counts)
    of, baseline = read()
    tolerance = TOLERANCE if of == compiler() else OTHER_COMPILER
    print(f"baseline of {of}: {tolerance:.0%} more is too much")
    failed = 0
    for case, (count, spread) in counts.items():
        before = baseline.get(case, 0)
        ratio = count / max(before, 1)
        verdict = "ok"
        if ratio > 1 + tolerance:
            verdict = "FAILED: more than before"
        elif ratio < 1 - tolerance:
            verdict = "ok, less than before: --update makes that the baseline"
        failed += ratio > 1 + tolerance
        apart = f"  spread {spread:.3%}" if rounds > 1 else ""
        print(f"{case:24} {count:>12,}  {ratio:6.3f} of {before:,}{apart}  {verdict}")
    gone = sorted(set(baseline) - {case for case, _ in cases})
    if gone:
        parser.exit(1, f"no such case any more: {gone}\n")
    print(f"{len(counts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Measures `imagegate check` beside a floor that reads the same files, and one that reads and parses them,
and does nothing else.

The three are run in turn, round by round, on two processors; the medians are shown, and those of the ratios
round by round, with their median absolute deviation. What parsing alone takes is what the second floor takes
more than the first. The memory is the most that the kernel counted of the process. What the tree has is
counted again in what the command says. The floor of the JSON list parses it as YAML, while the command has a
parser for JSON.

usage: check.py --check BINARY --floor BINARY [--rounds 9] [--formats] [--list]

--formats   also each of the nine formats, once per round
--list      also one List of 100 MB, as YAML and as JSON
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "load"))

import environment  # noqa: E402

FORMATS = ["text", "json", "ndjson", "sarif", "junit", "github", "gitlab", "markdown", "csv"]


def run(command, out=os.devnull):
    """Wall-clock seconds, processor seconds, MiB at most, and what it says on standard error."""
    with open(out, "wb") as file, tempfile.TemporaryFile() as said:
        started = time.monotonic()
        child = subprocess.Popen(command, stdout=file, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if child.returncode not in (0, 1):
        sys.exit(f"{command} ended with {child.returncode}\n{text}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


def generate(arguments):
    text = subprocess.run(
        [sys.executable, HERE / "tree.py", *arguments], check=True, capture_output=True, text=True
    ).stdout
    return json.loads(text)


def compare(check, floor, path, rounds):
    """Runs all three, and prints a row."""
    commands = [[floor, "read", path], [floor, "parse", path], [check, "check", "-f", path]]
    # Once before, so that all of them find the files in memory.
    run(commands[0])
    turns = [[run(command) for command in commands] for _ in range(rounds)]
    wall, cpu = ([[each[at] for each in turn] for turn in turns] for at in (0, 1))
    middle = statistics.median
    print(
        f"| {path.name} | {middle(turn[2] for turn in wall):.2f} s | {middle(turn[2] for turn in cpu):.2f} s "
        f"| {middle(turn[0] for turn in cpu):.3f} s | {middle(turn[1] - turn[0] for turn in cpu):.2f} s "
        f"| {ratio(turn[2] / turn[0] for turn in cpu)} | {ratio(turn[2] / (turn[1] - turn[0]) for turn in cpu)} "
        f"| {ratio(turn[2] / turn[1] for turn in cpu)} | {ratio(turn[2] / turn[1] for turn in wall)} "
        f"| {max(turn[2][2] for turn in turns):.0f} MiB |"
    )
    return turns[-1][2][3]


def ratio(values):
    """The median, and how far from it a ratio is in the median."""
    values = list(values)
    median = statistics.median(values)
    return f"{median:.2f} ±{statistics.median(abs(each - median) for each in values):.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", type=pathlib.Path, required=True)
    parser.add_argument("--floor", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--formats", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, processors)
    print(f"{environment.line()} Load {os.getloadavg()[0]:.1f} before.")
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        has = generate([str(tree)])
        print(has)
        print("| what | time | CPU | CPU: reading | CPU: parsing | CPU over reading | over parsing | over both "
              "| time over both | memory |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        said = compare(options.check, options.floor, tree, options.rounds)
        if f"{has['images']} images" not in said:
            sys.exit(f"not {has['images']} images:\n{said}")
        if options.list:
            for suffix in ("yaml", "json"):
                path = pathlib.Path(folder) / f"list.{suffix}"
                has = generate(["--list", str(path)])
                said = compare(options.check, options.floor, path, 3)
                if f"{has['images']} images" not in said:
                    sys.exit(f"not {has['images']} images:\n{said}")
        if options.formats:
            print("| format | time | CPU | memory | bytes |")
            print("|---|---|---|---|---|")
            for each in FORMATS:
                out = pathlib.Path(folder) / "out"
                rows = [run([options.check, "check", "-f", tree, "-o", each], out) for _ in range(3)]
                wall, cpu = (statistics.median(row[at] for row in rows) for at in (0, 1))
                memory = max(row[2] for row in rows)
                print(f"| {each} | {wall:.2f} s | {cpu:.2f} s | {memory:.0f} MiB | {out.stat().st_size} |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures, simulates, and compares the simulation with processes; `make scale` and its siblings run it.

usage: scale.py BINARY WEBHOOK measure|model|compare

measure   writes benches/scale/measured.tsv: what a review and a handshake cost the release binary
model     prints the table of docs/sizing.md and draws its charts
compare   the model beside 1, 2 and 4 replicas as processes, a kill and a drain included; a minute

BINARY is the program of this directory, WEBHOOK the release binary. Replicas are on one processor, and
what loads them on another.
"""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "load"))

import environment  # noqa: E402
from servers import self_made_pair  # noqa: E402


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ("measure", "model", "compare"):
        sys.exit(__doc__)
    binary, webhook, what = sys.argv[1:]
    if what == "model":
        sys.exit(subprocess.run([binary, what, HERE.parent.parent / "docs"]).returncode)
    with tempfile.TemporaryDirectory() as directory:
        self_made_pair(pathlib.Path(directory))
        pathlib.Path(directory, "policy.yaml").write_text("allowedRegistries: [docker.io, gcr.io]\n")
        done = subprocess.run(["taskset", "-c", "1", binary, what, webhook, directory],
                              stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    if what == "measure":
        (HERE / "measured.tsv").write_text(f"# {environment.line()}\n{done.stdout}")
    print(f"{environment.line()}\n\n{done.stdout}", end="")


if __name__ == "__main__":
    main()

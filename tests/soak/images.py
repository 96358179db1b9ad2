#!/usr/bin/env python3
"""Asks the release binary for a million images that are all different, and looks whether its memory of
them stays as large as it may be.

Runs for so many seconds and so many images, whichever comes last. Prints memory, what is remembered, what
was forgotten and what was lost, every minute. Fails where a request failed, where the counts do not add
up, or where memory grows by more than 2 MiB once there is no room for another image.

Usage: images.py BINARY [IMAGES [SECONDS]]. Needs wrk and openssl.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from soak import HERE, POLICIES, ROUND, rotate, started, state, write

MOST_GROWTH = 2.0


def main():
    binary = sys.argv[1]
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    with tempfile.TemporaryDirectory() as directory:
        rounds = soak(binary, Path(directory), images, seconds)
    sys.exit(report(rounds, images))


def soak(binary, directory, images, seconds):
    policy, pair = directory / "policy", directory / "pair"
    policy.mkdir()
    pair.mkdir()
    write(policy / "policy.yaml", POLICIES[0])
    rotate(pair)
    process, ready = started(binary, policy, pair)
    rounds, begun, told = [], time.monotonic(), -60.0
    print("    s   requests    images remembered forgotten   lost  p99 ms  RSS MiB", flush=True)
    try:
        figures = {"requests": 0, "failed": 0, "p99": 0.0}
        while True:
            at = time.monotonic() - begun
            figures.update(at=at, **state(process.pid), **counts(ready["admin"]))
            rounds.append(figures)
            over = at >= seconds and figures["images"] >= images
            if over or at - told >= 60:
                told = at
                requests = sum(each["requests"] for each in rounds)
                print("{at:5.0f} {all:10d} {images:9.0f} {entries:10.0f} {evicted:9.0f} {lost:6.0f} "
                      "{p99:7.3f} {rss:8.2f}".format(all=requests, **figures), flush=True)
            if over:
                return rounds
            figures = load(ready["listen"], len(rounds))
    finally:
        process.kill()
        process.wait()


def load(address, number):
    output = subprocess.run(
        ["wrk", "-t2", "-c16", f"-d{ROUND}s", "-s", HERE / "images.lua", f"https://{address}/validate"],
        check=True, capture_output=True, text=True, env={**os.environ, "ROUND": str(number)})
    return json.loads(output.stdout.splitlines()[-1])


def counts(admin):
    with urllib.request.urlopen(f"http://{admin}/metrics") as page:
        text = page.read().decode()
    total = lambda name: sum(
        float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))
    return {"images": total("imagegate_observed_images_total"),
            "entries": total("imagegate_observed_entries"),
            "evicted": total("imagegate_observed_evictions_total"),
            "lost": total("imagegate_observed_losses_total")}


def report(rounds, images):
    last = rounds[-1]
    full = [each for each in rounds if each["evicted"] > 0]
    growth = last["rss"] - full[0]["rss"] if full else 0.0
    failed = sum(each["failed"] for each in rounds)
    print(f"{last['images']:.0f} images, each once, {last['lost']:.0f} more lost; {failed} requests failed; "
          f"memory {rounds[0]['rss']:.2f} MiB at the start, {growth:+.2f} MiB since it was full")
    adds_up = last["entries"] + last["evicted"] == last["images"]
    if not adds_up:
        print("what is remembered and what was forgotten is not what was asked for")
    enough = last["images"] >= images and full
    return 0 if enough and adds_up and not failed and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs the release binary under load for a long time, and looks for what creeps.

Load on 16 connections, another policy each second, another key pair each half minute. Prints memory,
descriptors, threads and latency of each round, and the slope of memory; draws them as an SVG chart.
Fails where a request failed, descriptors or threads grew, or memory grows by more than 1 MiB an hour
once it is warm (only told from noise by runs of an hour and more).

Usage: soak.py BINARY [SECONDS [CHART]]. Needs wrk and openssl.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
REVIEW = HERE.parent / "data/admission-reviews/create-pods.json"
ROUND = 10
POLICIES = ["allowedRegistries: [docker.io]\n", "allowedRegistries: [gcr.io]\nrequireDigest: true\n"]


def main():
    binary = sys.argv[1]
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 600
    chart = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory() as directory:
        rounds = soak(binary, Path(directory), seconds)
    if chart:
        chart.write_text(draw(rounds))
    sys.exit(report(rounds))


def soak(binary, directory, seconds):
    policy, pair = directory / "policy", directory / "pair"
    policy.mkdir()
    pair.mkdir()
    write(policy / "policy.yaml", POLICIES[0])
    rotate(pair)
    process, ready = started(binary, policy, pair)
    stop = threading.Event()
    threading.Thread(target=churn, args=(policy, pair, stop), daemon=True).start()
    rounds, begun = [], time.monotonic()
    print("    s   requests failed  p50 ms  p99 ms p99.9 ms  RSS MiB  fds threads", flush=True)
    try:
        while time.monotonic() - begun < seconds:
            figures = load(ready["listen"])
            figures.update(at=time.monotonic() - begun, **state(process.pid))
            rounds.append(figures)
            print("{at:5.0f} {requests:10d} {failed:6d} {p50:7.3f} {p99:7.3f} {p999:8.3f} "
                  "{rss:8.2f} {descriptors:4d} {threads:7d}".format(**figures), flush=True)
        with urllib.request.urlopen(f"http://{ready['admin']}/metrics") as page:
            reloads = re.findall(r"^imagegate_(?:policy|tls)_reloads_total.*$",
                                 page.read().decode(), re.M)
        print("\n".join(reloads))
    finally:
        stop.set()
        process.kill()
        process.wait()
    return rounds


def started(binary, policy, pair):
    """A process that serves on ports of its own, and what it said when it was ready."""
    process = subprocess.Popen(
        [binary, "serve", "--policy", policy, "--tls-cert", pair / "tls.crt",
         "--tls-key", pair / "tls.key", "--listen", "127.0.0.1:0",
         "--admin-listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0", "--log-format", "json"],
        stderr=subprocess.PIPE, text=True)
    ready = next(json.loads(line) for line in process.stderr if "is ready!" in line)
    # Whoever does not read the log makes its lines be dropped, and that is load too.
    threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
    return process, ready


def churn(policy, pair, stop):
    count = 0
    while not stop.wait(1):
        count += 1
        write(policy / "policy.yaml", POLICIES[count % 2])
        if count % 30 == 0:
            rotate(pair)


def load(address):
    output = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{ROUND}s", "-s", HERE / "review.lua",
         f"https://{address}/validate"],
        check=True, capture_output=True, text=True, env={**os.environ, "REVIEW": str(REVIEW)})
    return json.loads(output.stdout.splitlines()[-1])


def state(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    field = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])
    return {"rss": field("VmRSS") / 1024, "threads": field("Threads"),
            "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir()))}


def write(path, text):
    """By rename, so that no reader sees half of it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.rename(path)


def rotate(pair):
    new = pair.with_name("pair.new")
    new.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=soak", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", new / "tls.key", "-out", new / "tls.crt"], check=True, capture_output=True)
    for name in ("tls.key", "tls.crt"):
        (new / name).rename(pair / name)
    shutil.rmtree(new)


def report(rounds):
    warm = rounds[len(rounds) // 4:]
    failed = sum(each["failed"] for each in rounds)
    slope = fit([(each["at"] / 3600, each["rss"]) for each in warm])
    span = (warm[-1]["at"] - warm[0]["at"]) / 3600
    grown = {name: warm[-1][name] - warm[0][name] for name in ("descriptors", "threads")}
    print(f"{sum(each['requests'] for each in rounds)} requests, {failed} failed; "
          f"memory {slope:+.2f} MiB an hour; descriptors {grown['descriptors']:+d}, "
          f"threads {grown['threads']:+d}")
    creeps = span >= 1 and slope > 1
    # The next round's connections may be counted with the last one's.
    return 1 if failed or creeps or grown["threads"] > 0 or grown["descriptors"] > 32 else 0


def fit(points):
    """The slope of the line with the least squares."""
    count = len(points)
    if count < 2:
        return 0.0
    x, y = (sum(each) / count for each in zip(*points))
    spread = sum((point[0] - x) ** 2 for point in points)
    return sum((point[0] - x) * (point[1] - y) for point in points) / spread


def draw(rounds):
    panels = [("latency, ms", [("p50", "#2a78d6"), ("p99", "#c46a1b"), ("p999", "#b3382c")]),
              ("memory, MiB", [("rss", "#2a78d6")]),
              ("descriptors, threads", [("descriptors", "#2a78d6"), ("threads", "#c46a1b")])]
    width, height, left = 860, 170, 60
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
             f'height="{height * len(panels)}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>']
    end = rounds[-1]["at"]
    for row, (title, lines) in enumerate(panels):
        top, bottom = row * height + 30, (row + 1) * height - 25
        most = max(each[name] for each in rounds for name, _ in lines) * 1.1
        parts.append(f'<text x="{left}" y="{top - 12}" font-weight="bold">{title}</text>')
        for part in (0, 0.5, 1):
            y = bottom - (bottom - top) * part
            parts.append(f'<path d="M{left} {y:.1f}H{width - 20}" stroke="#ddd"/>'
                         f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">'
                         f'{most * part:.3g}</text>')
        for index, (name, colour) in enumerate(lines):
            points = " ".join(
                f"{left + (width - left - 20) * each['at'] / end:.1f},"
                f"{bottom - (bottom - top) * each[name] / most:.1f}" for each in rounds)
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                         'stroke-width="1.5"/>'
                         f'<text x="{width - 20 - 90 * index}" y="{top - 12}" fill="{colour}" '
                         f'text-anchor="end">{name}</text>')
        parts.append(f'<text x="{width - 20}" y="{bottom + 16}" text-anchor="end">'
                     f'{end:.0f} s</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main()

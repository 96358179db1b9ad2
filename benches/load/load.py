#!/usr/bin/env python3
"""A real load over TLS on the release binary, beside a floor that does nothing.

Contenders of one row are driven in turn, round by round, from another core, and compared round by
round; the medians of those ratios are what is reported. A figure whose rounds vary too much is not
shown, and where too many are not, there is no report.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import ssl
import subprocess
import sys
import tempfile
import urllib.request

import report
from servers import Floor, Gate, Nginx, Reloads, mount, self_made_pair

GENERATOR_CORE = "1"
# A turn with fewer requests is done again, so many times.
LEAST_REQUESTS = 100
TRIES = 5
HERE = pathlib.Path(__file__).parent


def wrk(port, connections, body, seconds):
    """HTTP/1.1."""
    output = subprocess.run(
        ["taskset", "-c", GENERATOR_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
         "-s", HERE / "post.lua", f"https://127.0.0.1:{port}/validate", "--", body],
        check=True, capture_output=True, text=True,
    ).stdout
    return json.loads(output.splitlines()[-1])


def h2load(port, connections, body, seconds):
    """HTTP/2, one stream at a time on each connection."""
    with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
        subprocess.run(
            ["taskset", "-c", GENERATOR_CORE, "h2load", "-t1", f"-c{connections}", "-m1",
             f"--duration={seconds}", "-d", body, "-H", "content-type: application/json",
             f"--log-file={log.name}", f"https://127.0.0.1:{port}/validate"],
            check=True, capture_output=True,
        )
        rows = [line.split() for line in log]
    times = sorted(int(row[2]) for row in rows if row[1] == "200")
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] if times else 0
    return {"requests": len(times), "seconds": seconds, "failed": len(rows) - len(times),
            "p50": at(0.5), "p99": at(0.99), "p999": at(0.999)}


PROTOCOLS = {"HTTP/1.1": wrk, "HTTP/2": h2load}


def drive(server, protocol, connections, body, seconds):
    """One turn: what was answered, how fast, and what it cost the server."""
    for _ in range(TRIES):
        before = server.cpu_seconds()
        result = PROTOCOLS[protocol](server.port, connections, body, seconds)
        if result["failed"]:
            raise RuntimeError(f"{result['failed']} requests failed")
        if result["requests"] > LEAST_REQUESTS:
            break
    else:
        raise RuntimeError("hardly anything was answered: the machine has no time for this")
    cpu = server.cpu_seconds() - before
    result["cpu"] = cpu / result["requests"] * 1e6
    result["rate"] = result["requests"] / result["seconds"]
    return result


def rows(arguments):
    """What is measured: contenders, protocol, connections, verdict, size in kB."""
    sizes = arguments.sizes
    for protocol in PROTOCOLS:
        for connections in arguments.connections:
            for size in sizes:
                yield ("floor", "gate"), protocol, connections, "allowed", size
                if arguments.full or connections == 16:
                    yield ("floor", "gate"), protocol, connections, "denied", size
        for connections in arguments.connections if arguments.full else [16]:
            for size in sizes:
                for verdict in ("allowed", "denied") if arguments.full else ("allowed",):
                    yield ("gate", "gate, reloads"), protocol, connections, verdict, size
        for size in sizes:
            yield ("gate, no log", "gate, all logged"), protocol, 16, "denied", size
            yield ("gate, no memory", "gate"), protocol, 16, "allowed", size
            if arguments.before:
                yield ("gate, before", "gate"), protocol, 16, "allowed", size
                yield ("gate, before", "gate"), protocol, 16, "denied", size
        yield ("plain hyper", "floor"), protocol, 16, "allowed", sizes[0]
        if shutil.which("nginx"):
            yield ("nginx", "floor"), protocol, 16, "allowed", sizes[0]


class Field:
    """All servers of a run, started when they are first needed."""

    def __init__(self, arguments, directory):
        self.arguments, self.directory = arguments, directory
        self.pair = self_made_pair(directory)
        self.volume = directory / "policy"
        mount(self.volume, 0)
        subprocess.run([arguments.floor, "bodies", directory], check=True)
        self.gate = Gate(arguments.gate, self.pair, self.volume)
        self.idle_memory = self.gate.memory()
        self.others = {}

    def body(self, verdict, size):
        return self.directory / f"{verdict}-{size}.json"

    def answer(self, verdict, size):
        """What the webhook answers, for the others to answer too."""
        path = self.directory / f"answer-{verdict}-{size}.json"
        if not path.exists():
            request = urllib.request.Request(
                f"https://127.0.0.1:{self.gate.port}/validate",
                self.body(verdict, size).read_bytes(), {"Content-Type": "application/json"},
            )
            trusting = ssl._create_unverified_context()
            answer = urllib.request.urlopen(request, context=trusting).read()
            if json.loads(answer)["response"]["allowed"] != (verdict == "allowed"):
                raise RuntimeError(f"{verdict}-{size} was not {verdict}")
            path.write_bytes(answer)
        return path

    def server(self, name, verdict, size):
        if name in ("gate", "gate, reloads"):
            return self.gate
        # The webhook answers any body; each of the others has one answer for all.
        key = (name,) if name.startswith("gate") else (name, verdict, size)
        if key not in self.others:
            answer = self.answer(verdict, size)
            self.others[key] = {
                "floor": lambda: Floor(self.arguments.floor, self.pair, answer),
                "plain hyper": lambda: Floor(self.arguments.floor, self.pair, answer, "plain"),
                "nginx": lambda: Nginx(self.directory, self.pair, answer),
                "gate, no log": lambda: self.another_gate(max_log_lines_per_second=0),
                "gate, all logged": lambda: self.another_gate(max_log_lines_per_second=2**31),
                "gate, no memory": lambda: self.another_gate(observed_images=0),
                "gate, before": lambda: Gate(self.arguments.before, self.pair, self.volume),
            }[name]()
        return self.others[key]

    def another_gate(self, **settings):
        return Gate(self.arguments.gate, self.pair, self.volume, **settings)

    def measure(self, row):
        """Rounds of the contenders in turn: a list of results for each."""
        contenders, protocol, connections, verdict, size = row
        results = {name: [] for name in contenders}
        for number in range(-1, self.arguments.rounds):
            for name in contenders:
                server = self.server(name, verdict, size)
                reloads = Reloads(self.volume) if name.endswith("reloads") else None
                # The first round warms up and is not counted.
                seconds = self.arguments.seconds if number >= 0 else 1
                result = drive(server, protocol, connections, self.body(verdict, size), seconds)
                if reloads:
                    reloads.stop()
                if number >= 0:
                    results[name].append(result)
        return results

    def stop(self):
        for server in [self.gate, *self.others.values()]:
            server.stop()


def starts(arguments, directory, count=15):
    """Milliseconds from exec to ready."""
    times = []
    for _ in range(count):
        gate = Gate(arguments.gate, (directory / "tls.crt", directory / "tls.key"),
                    directory / "policy")
        times.append(gate.ready_after * 1000)
        gate.stop()
    return statistics.median(times), min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", required=True, help="the release binary")
    parser.add_argument("--floor", required=True, help="the floor's binary")
    parser.add_argument("--before", help="an older release binary, to be driven beside this one")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="for report and chart")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of one turn")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 12, 100], help="in kB")
    parser.add_argument("--match", default="", help="only rows whose name has this regex")
    parser.add_argument("--full", action="store_true", help="every combination")
    arguments = parser.parse_args()
    if arguments.rounds < 5:
        parser.error("fewer than 5 rounds say nothing")
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        field = Field(arguments, directory)
        measured = []
        try:
            for row in rows(arguments):
                name = ", ".join(map(str, (*row[0], *row[1:])))
                if not re.search(arguments.match, name):
                    continue
                print(name, file=sys.stderr, flush=True)
                measured.append((row, field.measure(row)))
            process = {
                "idle_memory": field.idle_memory,
                "memory": field.gate.memory(),
                "peak_memory": field.gate.memory("VmHWM"),
                "generation": field.gate.generation(),
                "binary": pathlib.Path(arguments.gate).stat().st_size / 2**20,
                "starts": starts(arguments, directory),
            }
        finally:
            field.stop()
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "raw.json").write_text(json.dumps({"rows": measured, "process": process}))
    return report.write(arguments, measured, process)


if __name__ == "__main__":
    sys.exit(main())

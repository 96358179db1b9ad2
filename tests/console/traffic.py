#!/usr/bin/env python3
"""Sample traffic for a gate: AdmissionReviews as an API server would send them, with the images of a company that does
not exist. For `make console` and for the test of the console.

Usage: traffic.py URL…                reviews until it is interrupted, some a second, in waves
       traffic.py URL --reviews N     so many, as fast as they go
       traffic.py URL --images N      Pods with so many different images in all
       traffic.py URL --hostile       texts that try to break out of a page

Trusts any certificate: the gate of `--self-signed` has nobody to vouch for it.
"""

import argparse
import http.client
import json
import math
import random
import ssl
import sys
import time
import urllib.parse

TEAMS = ["checkout", "payments", "search", "warehouse", "mobile", "ci", "dev-anna", "dev-li", "monitoring"]
APPS = ["api", "web", "worker", "migrate", "cache", "gateway", "report", "sync"]
GOOD = ["registry.example.com/shop", "registry.example.com/platform", "docker.io/library", "gcr.io/acme"]
BAD = ["ghcr.io/someone", "quay.io/unknown", "registry.example.net/mirror"]
# The containers of one Pod, where many images are wanted: as many as a gate remembers of one request.
CONTAINERS = 32
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>document.title='broken'</script>",
    "\u202etxt.exe",
    "a\u001b[31mred",
    "' onfocus=alert(1) autofocus='",
    "javascript:alert(1)",
]


class Gate:
    """One connection to the webhook, opened again where it is lost."""

    def __init__(self, url: str):
        self.address = urllib.parse.urlsplit(url).netloc
        self.context = ssl._create_unverified_context()
        self.connection = None
        self.number = 0

    def review(self, namespace, images, owner, user="system:serviceaccount:kube-system:replicaset-controller", name=""):
        self.number += 1
        containers = [{"name": f"app-{index}" if index else "app", "image": image} for index, image in enumerate(images)]
        metadata = {"namespace": namespace, "generateName": f"{owner[1]}-"}
        metadata["ownerReferences"] = [
            {"apiVersion": "v1", "kind": owner[0], "name": owner[1], "uid": "1", "controller": True}
        ]
        if name:
            metadata["name"] = name
        request = {
            "uid": f"705ab4f5-6393-11e8-b7cc-{self.number:012d}",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "CREATE",
            "namespace": namespace,
            "name": name,
            "userInfo": {"username": user, "groups": ["system:authenticated"]},
            "object": {"metadata": metadata, "spec": {"containers": containers}},
        }
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        self._post(json.dumps(body))

    def _post(self, body: str):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.address, timeout=10, context=self.context)
            self.connection.request("POST", "/validate", body, {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise http.client.HTTPException(f"the gate answered {answer.status}")
        except Exception:
            self.connection = None
            raise


def sample(gate: Gate, chance: random.Random):
    """A Pod as there are many; one in eight breaks a rule."""
    team, app = chance.choice(TEAMS), chance.choice(APPS)
    tag = f"{chance.randint(1, 3)}.{chance.randint(0, 9)}"
    place = chance.choice(GOOD)
    image = f"{place}/{app}:{tag}"
    if chance.random() < 0.2:
        image += "@sha256:" + "".join(chance.choice("0123456789abcdef") for _ in range(64))
    if chance.random() < 0.125:
        image = chance.choice([f"{chance.choice(BAD)}/{app}:{tag}", f"{place}/{app}:latest", f"{place}/{app}", app])
    kind = chance.choice(["ReplicaSet", "ReplicaSet", "Job", "StatefulSet", "DaemonSet"])
    user = chance.choice(["replicaset-controller", "job-controller", "statefulset-controller"])
    gate.review(team, [image], (kind, f"{app}-{chance.randint(100, 999)}"), f"system:serviceaccount:kube-system:{user}")


def many(gate: Gate, images: int, chance: random.Random):
    for start in range(0, images, CONTAINERS):
        numbers = range(start, min(images, start + CONTAINERS))
        place = chance.choice(GOOD + BAD)
        team, app = chance.choice(TEAMS), chance.choice(APPS)
        listed = [f"{place}/team-{number % 97}/{app}:1.{number}" for number in numbers]
        gate.review(team, listed, ("ReplicaSet", f"{app}-{start}"))


def hostile(gate: Gate):
    for text in HOSTILE:
        gate.review(text, [text, f"evil.example/x:{len(text)}"], ("Job", text), text, name=text)


def forever(gates: list[Gate], chance: random.Random):
    began = time.monotonic()
    while True:
        wave = 1 + math.sin((time.monotonic() - began) / 40)
        try:
            for _ in range(1 + int(6 * wave)):
                sample(chance.choice(gates), chance)
        except (OSError, http.client.HTTPException):
            time.sleep(1)  # The gate is away, as while it is built anew.
        time.sleep(0.4 + 0.3 * chance.random())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("urls", nargs="+")
    arguments.add_argument("--reviews", type=int, default=0)
    arguments.add_argument("--images", type=int, default=0)
    arguments.add_argument("--hostile", action="store_true")
    arguments = arguments.parse_args()
    gates, chance = [Gate(url) for url in arguments.urls], random.Random(7)
    gate = gates[0]
    if arguments.hostile:
        hostile(gate)
    many(gate, arguments.images, chance)
    for _ in range(arguments.reviews):
        sample(gate, chance)
    if not (arguments.hostile or arguments.images or arguments.reviews):
        forever(gates, chance)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)

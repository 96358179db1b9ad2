#!/usr/bin/env python3
"""Puts a small load on a running ImageGate and scrapes its metrics every second, for panels.py.

Usage: scrape.py WEBHOOK ADMIN POLICY-DIRECTORY >SAMPLES.json

The minute of a small cluster: most Pods are in order; after a while a team rolls out an image without
a fixed tag; then a registry is added to the policy, and the Pods from there are refused no longer.
"""

import http.client
import json
import math
import pathlib
import random
import ssl
import sys
import threading
import time
import urllib.request

DURATION = 60
ROLLOUT = range(20, 31)
EDIT = 42
CLIENTS = 4

GOOD = ["docker.io/library/nginx:1.27", "gcr.io/acme/web:2.4.1", "docker.io/library/redis:7.4"]
ELSEWHERE = "quay.io/acme/worker:3.1"
FLOATING = "docker.io/acme/shop:latest"
BARE = "nginx"


def main():
    webhook, admin, policy = sys.argv[1:]
    edited = pathlib.Path(policy, "ALLOWED_REGISTRIES")
    start = time.monotonic()
    for seed in range(CLIENTS):
        threading.Thread(target=client, args=(webhook, start, seed), daemon=True).start()
    samples = []
    for second in range(DURATION + 1):
        pause_until(start + second)
        if second == EDIT:
            edited.write_text(edited.read_text().strip() + ",quay.io\n")
        samples.append({"time": time.time(), "metrics": scrape(admin)})
    json.dump(samples, sys.stdout)


def client(webhook, start, seed):
    """Asks about Pods, more or fewer a second as time goes by."""
    chance = random.Random(seed)
    # The certificate is one that the gate has made for itself.
    connection = http.client.HTTPSConnection(webhook, context=ssl._create_unverified_context())
    due = start
    while True:
        second = time.monotonic() - start
        due += chance.expovariate(rate(second) / CLIENTS)
        pause_until(due)
        connection.request("POST", "/validate?timeout=5s", review(image(second, chance)),
                           {"Content-Type": "application/json"})
        connection.getresponse().read()


def rate(second):
    extra = 45 if int(second) in ROLLOUT else 0
    return 120 + 18 * math.sin(second / 4) + extra


def image(second, chance):
    drawn = chance.random()
    if int(second) in ROLLOUT and drawn < 0.35:
        return FLOATING
    if drawn < (0.35 if int(second) in ROLLOUT else 0) + 0.12:
        return ELSEWHERE
    if drawn > 0.97:
        return BARE
    if drawn > 0.95:
        return FLOATING
    return chance.choice(GOOD)


def review(name):
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": name}]}}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "shop",
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": pod}})


def scrape(admin):
    with urllib.request.urlopen(f"http://{admin}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def pause_until(moment):
    time.sleep(max(0, moment - time.monotonic()))


main()

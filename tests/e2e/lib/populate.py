#!/usr/bin/env python3
"""Fills a cluster with plain objects: populate.py SERVER CA CERTIFICATE KEY NAMESPACES PODS

Each namespace gets Deployments, each of them its ReplicaSet and ten Pods, as controllers would have made
them. Nothing runs; to the API server it is all the same.
"""

import http.client
import json
import ssl
import sys
import threading
from urllib.parse import urlsplit

SERVER, CA, CERTIFICATE, KEY = sys.argv[1:5]
NAMESPACES, PODS = int(sys.argv[5]), int(sys.argv[6])
PODS_OF_ONE = 10
AT_ONCE = 8
IMAGES = [
    "docker.io/library/nginx:1.27",
    "gcr.io/acme/web:3",
    "quay.io/acme/agent:1",
    "docker.io/library/redis:latest",
    "docker.io/acme/app:7",
]

context = ssl.create_default_context(cafile=CA)
context.load_cert_chain(CERTIFICATE, KEY)


def spec(number):
    """A pod spec of an ordinary size, with three images."""
    container = {
        "name": "app",
        "image": IMAGES[number % len(IMAGES)],
        "env": [{"name": f"VARIABLE_{each}", "value": "a value of some length"} for each in range(8)],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    }
    return {
        "containers": [container, {"name": "side", "image": "docker.io/acme/side:1"}],
        "initContainers": [{"name": "init", "image": "gcr.io/acme/init:1"}],
    }


def owned(name, kind, owner):
    """Metadata with a controller."""
    reference = {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "u", "controller": True}
    return {"name": name, "labels": {"app": owner}, "ownerReferences": [reference]}


def objects(namespace, first):
    """Of one namespace: paths and objects."""
    for each in range(PODS // NAMESPACES // PODS_OF_ONE):
        app = f"app-{each}"
        template = {"metadata": {"labels": {"app": app}}, "spec": spec(first + each)}
        selector = {"matchLabels": {"app": app}}
        base = f"namespaces/{namespace}"
        yield f"/apis/apps/v1/{base}/deployments", {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": app},
            "spec": {"replicas": PODS_OF_ONE, "selector": selector, "template": template},
        }
        yield f"/apis/apps/v1/{base}/replicasets", {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": owned(f"{app}-1", "Deployment", app),
            "spec": {"replicas": PODS_OF_ONE, "selector": selector, "template": template},
        }
        for pod in range(PODS_OF_ONE):
            yield f"/api/v1/{base}/pods", {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": owned(f"{app}-1-{pod}", "ReplicaSet", f"{app}-1"),
                "spec": spec(first + each),
            }


def create(work):
    """Creates each of them, over one connection."""
    connection = http.client.HTTPSConnection(urlsplit(SERVER).netloc, context=context)
    for path, body in work:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"{path}: {answer.status} {said[:300]}")


names = [f"team-{number:03}" for number in range(NAMESPACES)]
create(
    ("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for name in names
)
work = [each for number, name in enumerate(names) for each in objects(name, number)]
threads = [threading.Thread(target=create, args=(work[part::AT_ONCE],)) for part in range(AT_ONCE)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

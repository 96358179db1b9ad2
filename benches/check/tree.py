#!/usr/bin/env python3
"""Writes a tree of manifests of the kind that large public repositories have: applications with their
services, custom resources, charts, kustomizations, definitions of custom resources, some JSON, and a few
files that nobody can read. The same arguments give the same bytes.

usage: tree.py DIRECTORY [--files 5000] [--images 20000] [--broken 2]
       tree.py --list FILE --megabytes 100      one List, of Pods, of about that size

Prints what there is, as JSON: files, images that can be read, broken files, bytes.
"""

import argparse
import json
import pathlib
import random

HOSTS = ["docker.io/library", "docker.io/acme", "gcr.io/acme", "gcr.io/google-samples"]
OTHERS = ["quay.io/acme", "ghcr.io/acme/tools", "registry.k8s.io", "mcr.microsoft.com/oss"]
NAMES = ["api", "cache", "console", "gateway", "ingest", "ledger", "mailer", "queue", "search", "web"]
ENVIRONMENTS = ["base", "dev", "production", "staging"]


class Tree:
    def __init__(self, root, seed=15):
        self.root = root
        self.random = random.Random(seed)
        self.images = 0
        self.bytes = 0
        self.files = 0

    def image(self):
        """Nine in ten are fine by the built-in policy."""
        self.images += 1
        pick = self.random
        name, minor = pick.choice(NAMES), pick.randrange(60)
        sort = pick.random()
        if sort < 0.03:
            return f"{pick.choice(OTHERS)}/{name}:v1.{minor}.0"
        if sort < 0.06:
            return f"{pick.choice(HOSTS)}/{name}:latest"
        if sort < 0.09:
            return f"{pick.choice(HOSTS)}/{name}"
        if sort < 0.10:
            return f"{name}:1.{minor}"
        if sort < 0.25:
            digest = f"{pick.getrandbits(256):064x}"
            return f"{pick.choice(HOSTS)}/{name}:1.{minor}@sha256:{digest}"
        return f"{pick.choice(HOSTS)}/{name}:1.{minor}.{pick.randrange(10)}"

    def container(self, indent, name):
        environment = "".join(
            f"""
  - name: SETTING_{number}
    value: "{self.random.randrange(10_000)}\""""
            for number in range(self.random.randrange(6))
        )
        block = f"""- name: {name}
  image: {self.image()}
  imagePullPolicy: IfNotPresent
  ports:
  - containerPort: 8080
    name: http
  env:
  - name: LOG_LEVEL
    value: info{environment}
  resources:
    requests: {{cpu: 100m, memory: 128Mi}}
    limits:
      memory: 256Mi
  readinessProbe:
    httpGet: {{path: /ready, port: http}}
    periodSeconds: 10
  volumeMounts:
  - name: config
    mountPath: /etc/{name}"""
        return block.replace("\n", "\n" + " " * indent)

    def pod_spec(self, indent, count):
        """A pod spec with so many images."""
        first = max(1, count - self.random.randrange(2))
        lines = ["securityContext:", "  runAsNonRoot: true", "containers:"]
        lines += [self.container(0, f"c{number}") for number in range(first)]
        if count > first:
            lines += ["initContainers:", self.container(0, "init")]
        lines += ["volumes:", "- name: config", "  configMap:", "    name: settings"]
        return "\n".join(lines).replace("\n", "\n" + " " * indent)

    def head(self, version, kind, name):
        return f"""apiVersion: {version}
kind: {kind}
metadata:
  name: {name}
  namespace: {self.random.choice(NAMES)}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: shop
"""

    def templated(self, version, kind, name, count):
        return f"""{self.head(version, kind, name)}spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      {self.pod_spec(6, count)}
"""

    def cron_job(self, name, count):
        return f"""{self.head("batch/v1", "CronJob", name)}spec:
  schedule: "*/5 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          {self.pod_spec(10, count)}
"""

    def pod(self, name, count):
        return f"{self.head('v1', 'Pod', name)}spec:\n  {self.pod_spec(2, count)}\n"

    def task(self, name, count):
        steps = "".join(
            f"\n  - name: s{number}\n    image: {self.image()}\n    script: |\n      #!/bin/sh\n      make test"
            for number in range(count)
        )
        return f"{self.head('tekton.dev/v1', 'Task', name)}spec:\n  steps:{steps}\n"

    def workflow(self, name, count):
        templates = "".join(
            f"\n  - name: t{number}\n    container:\n      image: {self.image()}\n      command: [run]"
            for number in range(count)
        )
        head = self.head("argoproj.io/v1alpha1", "Workflow", name)
        return f"{head}spec:\n  entrypoint: t0\n  templates:{templates}\n"

    def service(self, name):
        return f"""{self.head("v1", "Service", name)}spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
  - name: http
    port: 80
    targetPort: http
"""

    def config_map(self, name):
        lines = "".join(f"\n    key_{n} = {self.random.randrange(9999)}" for n in range(12))
        return f"{self.head('v1', 'ConfigMap', name)}data:\n  settings.toml: |{lines}\n"

    def definition(self, name):
        """A definition of a custom resource: long, and without an image."""
        properties = "".join(
            f"""
              field{number}:
                description: What the field {number} of the spec is for, in a sentence of usual length.
                type: string"""
            for number in range(150)
        )
        return f"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {name}s.example.com
spec:
  group: example.com
  names: {{kind: {name.capitalize()}, plural: {name}s}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:{properties}
"""

    def as_json(self, name, count):
        containers = [{"name": f"c{n}", "image": self.image()} for n in range(count)]
        return json.dumps({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"template": {"spec": {"containers": containers}}},
        }, indent=2)

    def application(self, name, count):
        """The usual file: several objects."""
        pick = self.random.random()
        if pick < 0.6:
            workload = self.templated("apps/v1", "Deployment", name, count)
        elif pick < 0.7:
            workload = self.templated("apps/v1", "StatefulSet", name, count)
        elif pick < 0.75:
            workload = self.templated("apps/v1", "DaemonSet", name, count)
        elif pick < 0.8:
            workload = self.cron_job(name, count)
        elif pick < 0.85:
            workload = self.pod(name, count)
        elif pick < 0.9:
            workload = self.templated("argoproj.io/v1alpha1", "Rollout", name, count)
        elif pick < 0.95:
            workload = self.task(name, count)
        else:
            workload = self.workflow(name, count)
        objects = [workload]
        if self.random.random() < 0.6:
            objects.append(self.service(name))
        if self.random.random() < 0.4:
            objects.insert(0, self.config_map(name))
        return "---\n".join(objects)

    def broken(self, number):
        """What nobody can read, each in its own way. Its images are not counted."""
        images = self.images
        good = self.templated("apps/v1", "Deployment", "broken", 1)
        kinds = [
            good.replace("  replicas: 2", "  replicas: {{ .Values.replicas }}"),
            good.replace("  replicas: 2", "\treplicas: 2"),
            good.replace("  replicas: 2", "  replicas: 2\n  replicas: 3"),
            good.replace("      containers:", "      containers: [{name: a, image: 1.27}]\n      c:"),
            good.replace("  selector:", " selector: [unclosed\n  x:"),
            good + "  tail: 'not closed",
        ]
        text = kinds[number % len(kinds)].encode()
        if number % 7 == 0:
            text = good.encode().replace(b"part-of: shop", b"part-of: \xff\xfe")
        self.images = images
        return text

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(data)
        self.bytes += len(data)
        self.files += 1


def grow(tree, files, images, broken):
    bad = files * broken // 100
    kustomizations = files // 20
    charts = files // 50
    definitions = files // 100
    documents = files // 10
    rest = files - bad - kustomizations - 2 * charts - definitions - documents
    for number in range(bad):
        tree.write(f"broken/{number % 10}/bad-{number:03}.yaml", tree.broken(number))
    for number in range(kustomizations):
        text = "resources:\n- deployment.yaml\nimages:\n- name: web\n  newTag: 1.4.2\n"
        head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        tree.write(f"overlays/{number:03}/kustomization.yaml", (head if number % 2 else "") + text)
    for number in range(charts):
        tree.write(f"charts/{number:03}/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
        values = "image:\n  repository: docker.io/acme/web\n  tag: 1.4.2\nreplicas: 2\n"
        tree.write(f"charts/{number:03}/values.yaml", values)
    for number in range(definitions):
        tree.write(f"crds/{number:03}.yaml", tree.definition(f"thing{number}"))
    for number in range(documents):
        name = tree.random.choice(NAMES)
        tree.write(f"config/{number % 50:02}/{name}-{number:04}.yml", tree.config_map(name))
    for number in range(rest):
        left = images - tree.images
        count = max(1, round(left / (rest - number)) + tree.random.randrange(-3, 4))
        count = left if number == rest - 1 else min(count, left - (rest - number - 1))
        name = f"{tree.random.choice(NAMES)}-{number:04}"
        folder = f"apps/{number % 97:02}/{tree.random.choice(ENVIRONMENTS)}"
        if number % 33 == 0:
            tree.write(f"{folder}/{name}.json", tree.as_json(name, count))
        else:
            tree.write(f"{folder}/{name}.yaml", tree.application(name, count))
    return {"files": tree.files, "images": tree.images, "broken": bad, "bytes": tree.bytes}


def one_list(path, megabytes):
    """A dump of a cluster: one List, as JSON where the name says so."""
    tree = Tree(path.parent)
    is_json = path.suffix == ".json"
    size = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{"apiVersion":"v1","kind":"List","items":[\n' if is_json
                   else "apiVersion: v1\nkind: List\nitems:\n")
        number = 0
        while size < megabytes * 1_000_000:
            name = f"pod-{number}"
            if is_json:
                containers = [{"name": f"c{n}", "image": tree.image()} for n in range(3)]
                text = json.dumps({
                    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
                    "spec": {"containers": containers, "nodeName": "node-1"},
                    "status": {"phase": "Running", "hostIP": "10.0.0.1"},
                })
                text = (",\n" if number else "") + text
            else:
                text = "- " + tree.pod(name, 3).rstrip().replace("\n", "\n  ") + "\n"
            size += file.write(text)
            number += 1
        file.write("\n]}\n" if is_json else "")
    return {"files": 1, "images": tree.images, "broken": 0, "bytes": path.stat().st_size}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("directory", type=pathlib.Path, nargs="?")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--broken", type=int, default=2, help="per cent of the files")
    parser.add_argument("--list", type=pathlib.Path, help="write one List in place of a tree")
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args()
    if options.list:
        print(json.dumps(one_list(options.list, options.megabytes)))
    elif options.directory:
        tree = Tree(options.directory)
        print(json.dumps(grow(tree, options.files, options.images, options.broken)))
    else:
        parser.error("name a directory, or a file with --list")


if __name__ == "__main__":
    main()

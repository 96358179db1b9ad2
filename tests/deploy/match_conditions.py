#!/usr/bin/env python3
"""Evaluates the match conditions over tables of requests.

The API servers that the other tests run are older than match conditions, so this asks another
implementation of CEL, cel-python (pip install cel-python). Exits 77 where it is not installed.

An expression that errs is a refusal for everything, which is why each kind and each field that may be
absent is in the table.
"""

import sys
from pathlib import Path

try:
    import celpy
except ImportError:
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "deploy/helm/imagegate/files"


def containers(*images):
    return [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]


def pod(**spec):
    return {"metadata": {}, "spec": spec}


def templated(template):
    return {"spec": {"template": template}}


def cron_job(template, **spec):
    return {"spec": {"jobTemplate": templated(template), **spec}}


A = pod(containers=containers("a:1"))
B = pod(containers=containers("b:1"))
BARE = pod(containers=[{"name": "placeholder"}])
IMAGE_VOLUME = {"name": "v", "image": {"reference": "a:1"}}

# kind, old object, new object, whether the gate is to be asked about the update
UPDATES = [
    ("Pod", A, A, False),
    ("Pod", A, {**A, "metadata": {"labels": {"x": "y"}, "finalizers": ["z"]}}, False),
    ("Pod", A, pod(containers=containers("a:1"), nodeName="n"), False),
    ("Pod", A, B, True),
    ("Pod", A, pod(containers=containers("a:1"), initContainers=containers("b:1")), True),
    ("Pod", A, pod(containers=containers("a:1"), ephemeralContainers=containers("a:1")), True),
    ("Pod", A, pod(containers=containers("a:1"), volumes=[IMAGE_VOLUME]), True),
    (
        "Pod",
        pod(containers=containers("a:1"), volumes=[IMAGE_VOLUME]),
        pod(containers=containers("a:1"), volumes=[{"name": "v", "image": {"reference": "b:1"}}]),
        True,
    ),
    (
        "Pod",
        pod(containers=containers("a:1"), volumes=[{"name": "v", "emptyDir": {}}]),
        pod(containers=containers("a:1"), volumes=[{"name": "v", "emptyDir": {}}]),
        False,
    ),
    ("Pod", pod(containers=containers("a", "b")), pod(containers=containers("b", "a")), True),
    ("ReplicationController", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, False),
    ("ReplicationController", {"spec": {}}, templated(A), True),
    ("CronJob", cron_job(A), cron_job(A, suspend=True), False),
    ("CronJob", cron_job(A), cron_job(B), True),
    ("PodTemplate", {"template": A}, {"template": A}, False),
    ("PodTemplate", {"template": A}, {"template": B}, True),
]
for each in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
    UPDATES += [
        (each, templated(A), {"spec": {"replicas": 7, "template": A}}, False),
        (each, templated(A), templated(B), True),
        (each, templated(BARE), templated(BARE), False),
        (each, templated(BARE), templated(A), True),
    ]

# Where a custom resource has its images is not known.
UPDATES += [
    ("Rollout", templated(A), templated(A), True),
    ("Thing", {"spec": "text"}, {}, True),
]
GROUPS = {"Rollout": "argoproj.io", "Thing": "example.com", "CronJob": "batch", "Job": "batch"}
GROUPS |= dict.fromkeys(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"], "apps")


OPTED_OUT = {"metadata": {"labels": {"imagegate/disable-filtering": "true", "a": "b"}}}
OPTED_IN = {"metadata": {"labels": {"imagegate/disable-filtering": "false", "a": "b"}}}
OTHER = {"metadata": {"labels": {"a": "b"}}}
NONE = {"metadata": {}}

RELABELLED = [
    ("Namespace", OPTED_OUT, OPTED_OUT, False),
    ("Namespace", OPTED_OUT, {**OPTED_OUT, "spec": {"finalizers": []}}, False),
    ("Namespace", OTHER, NONE, False),
    ("Namespace", NONE, NONE, False),
    ("Namespace", OTHER, OPTED_OUT, True),
    ("Namespace", NONE, OPTED_OUT, True),
    ("Namespace", OPTED_OUT, OPTED_IN, True),
    ("Namespace", OPTED_OUT, OTHER, True),
    ("Namespace", OPTED_OUT, NONE, True),
]


def main() -> int:
    return int(disagrees("images-changed", UPDATES) | disagrees("opt-out-changed", RELABELLED))


def disagrees(name: str, updates) -> bool:
    environment = celpy.Environment()
    program = environment.program(environment.compile((FILES / f"{name}.cel").read_text()))
    failed = False
    # On CREATE the API server has no old object; cel-python cannot pass null on, so any will do.
    creates = [(kind, new, new, True) for kind, _, new, _ in updates]
    for operation, rows in (("UPDATE", updates), ("CREATE", creates)):
        for kind, old, new, wanted in rows:
            group = GROUPS.get(kind, "")
            request = {"operation": operation, "kind": {"group": group, "kind": kind}}
            got = bool(
                program.evaluate(
                    {
                        "request": celpy.json_to_cel(request),
                        "oldObject": celpy.json_to_cel(old),
                        "object": celpy.json_to_cel(new),
                    }
                )
            )
            if got != wanted:
                print(f"{name}, {operation} {kind}: {old} -> {new}: asked {got}, wanted {wanted}")
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())

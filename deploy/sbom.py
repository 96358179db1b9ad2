#!/usr/bin/env python3
"""Prints the bill of materials of the binary, as CycloneDX 1.5 JSON.

Lists the packages that are linked into the binary for one target, from Cargo.lock by way of
`cargo metadata`; packages of tests and build scripts are not among them. The serial number is made
from the content, so that the same lock file has the same bill.

Needs cargo and Python's standard library.
"""

import json
import subprocess
import sys
import uuid


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else host()
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version=1",
                              f"--filter-platform={target}"))
    linked = linked_packages(target)
    packages = {package["id"]: package for package in metadata["packages"]
                if (package["name"], package["version"]) in linked}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"] if node["id"] in packages}
    root = metadata["resolve"]["root"]

    components = sorted((component(packages[each]) for each in packages.keys() - {root}),
                        key=lambda each: each["bom-ref"])
    dependencies = sorted(
        ({"ref": reference(packages[each]),
          "dependsOn": sorted(reference(packages[other])
                              for other in nodes[each]["dependencies"] if other in packages)}
         for each in packages), key=lambda each: each["ref"])
    content = json.dumps([components, dependencies], sort_keys=True)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": {**component(packages[root]), "type": "application"}},
        "components": components,
        "dependencies": dependencies,
    }
    json.dump(bill, sys.stdout, indent=2)
    print()


def linked_packages(target):
    """Names and versions. `cargo metadata` lists optional packages that no feature asks for too."""
    lines = run("cargo", "tree", "--locked", "--package=imagegate", f"--target={target}", "--prefix=none",
                "--edges=normal,no-proc-macro", "--format={p}").splitlines()
    words = [line.split() for line in lines]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def component(package):
    found = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package.get("license"):
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return found


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def host():
    lines = run("rustc", "-vV").splitlines()
    return next(line.removeprefix("host: ") for line in lines if line.startswith("host: "))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()

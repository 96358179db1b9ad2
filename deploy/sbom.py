#!/usr/bin/env python3
"""Prints the bill of materials of the binaries, as CycloneDX 1.5 JSON.

Lists the packages that are linked into the binaries for one target, from Cargo.lock by way of
`cargo metadata`, and those in the page that the plugin embeds, from console/package-lock.json; packages of
tests, build scripts and build tools are not among them. The serial number is made from the content, so that the
same lock files have the same bill.

Needs cargo and Python's standard library.
"""

import base64
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "console/package-lock.json"
# The build of the pages writes down whose code it took.
IN_PAGE = [ROOT / "crates/kubectl-imagegate/src/console/dist/licences.md",
           ROOT / "docs/playground/licences.txt", ROOT / "docs/playground/editor.licences.txt"]
BINARIES = ["imagegate", "kubectl-imagegate"]


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else host()
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version=1",
                              f"--filter-platform={target}"))
    linked = linked_packages(target)
    packages = {package["id"]: package for package in metadata["packages"]
                if (package["name"], package["version"]) in linked}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"] if node["id"] in packages}
    root = metadata["resolve"]["root"]

    page = page_packages()
    plugin = next(package for package in packages.values() if package["name"] == "kubectl-imagegate")
    components = sorted([component(packages[each]) for each in packages.keys() - {root}] +
                        [of_page["component"] for of_page in page], key=lambda each: each["bom-ref"])
    depends_on = {reference(packages[each]): {reference(packages[other])
                                              for other in nodes[each]["dependencies"] if other in packages}
                  for each in packages}
    depends_on |= {of_page["component"]["bom-ref"]: set(of_page["needs"]) for of_page in page}
    depends_on[reference(plugin)] |= {of_page["component"]["bom-ref"] for of_page in page if of_page["direct"]}
    dependencies = [{"ref": each, "dependsOn": sorted(depends_on[each])} for each in sorted(depends_on)]
    content = json.dumps([components, dependencies], sort_keys=True)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": component(packages[root])},
        "components": components,
        "dependencies": dependencies,
    }
    json.dump(bill, sys.stdout, indent=2)
    print()


def linked_packages(target):
    """Names and versions. `cargo metadata` lists optional packages that no feature asks for too."""
    lines = run("cargo", "tree", "--locked", *(f"--package={name}" for name in BINARIES), f"--target={target}",
                "--prefix=none", "--edges=normal,no-proc-macro", "--format={p}").splitlines()
    words = [line.split() for line in lines if line]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def page_packages():
    """What is in the page: each as a component, whether the page asks for it itself, and what it needs of the others."""
    lock = json.loads(LOCK.read_text())["packages"]
    named = set(re.findall(r"^## (\S+) - (\S+) \((.+)\)$", "".join(path.read_text() for path in IN_PAGE), re.MULTILINE))
    locked = {(path.rpartition("node_modules/")[2], package["version"], package["license"]): package
              for path, package in lock.items() if path and not package.get("dev")}
    if not named or named - locked.keys():
        sys.exit(f"sbom.py: in the page, and not in {LOCK.name}: {sorted(named - locked.keys()) or 'nothing'}")
    references = {name: npm_reference(name, version) for name, version, _ in named}
    if len(references) < len(named):
        sys.exit("sbom.py: the page has two versions of one package")
    wanted = lock[""]["dependencies"]
    found = []
    for name, version, licence in sorted(named):
        package = locked[name, version, licence]
        algorithm, _, digest = package["integrity"].partition("-")
        if algorithm != "sha512":
            sys.exit(f"sbom.py: {name} has no SHA-512 in {LOCK.name}")
        found.append({
            "component": {
                "type": "library",
                "bom-ref": references[name],
                "name": name,
                "version": version,
                "hashes": [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}],
                "licenses": [{"expression": licence}],
                "purl": references[name],
            },
            "direct": name in wanted,
            "needs": [references[other] for other in package.get("dependencies", {}) if other in references],
        })
    return found


def npm_reference(name, version):
    """The `@` of a scope is written out in a purl."""
    return f"pkg:npm/{quote(name)}@{version}"


def component(package):
    found = {
        "type": "application" if package["name"] in BINARIES else "library",
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

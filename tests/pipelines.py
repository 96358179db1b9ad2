"""Runs what docs/pipelines.md, action.yml and .pre-commit-hooks.yaml offer, as far as that goes without
the platforms: the action's script against a release in a directory, the hook by the real pre-commit, and
the snippets of the page in a directory of manifests.

usage: pipelines.py BINARY, which is put in front of PATH; tests/pipelines.sh calls it
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import yaml

ROOT = pathlib.Path(__file__).parent.parent.resolve()
BINARY = pathlib.Path(sys.argv[1]).resolve()
MACHINE = os.uname().machine
POD = """apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
    - name: web
      image: {}
"""


def run(command, directory, expected, **variables):
    """Runs a command with imagegate in PATH, and returns what it printed."""
    path = f"{BINARY.parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        command, cwd=directory, env={**os.environ, "PATH": path, **variables},
        capture_output=True, text=True, check=False,
    )
    if ran.returncode != expected:
        sys.exit(f"{command} exited with {ran.returncode}, not {expected}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout + ran.stderr


def manifests(directory):
    """A policy, an image that it refuses, and one that it takes."""
    (directory / "deploy").mkdir()
    (directory / "policy.yaml").write_text("allowedRegistries: [docker.io]\n")
    (directory / "deploy/bad.yaml").write_text(POD.format("quay.io/acme/web:1"))
    (directory / "deploy/good.yaml").write_text(POD.format("docker.io/library/nginx:1.27"))


def snippet(heading, language):
    """The first block of a language below a heading of the page."""
    page = (ROOT / "docs/pipelines.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL).group(1)


def action(directory):
    described = yaml.safe_load((ROOT / "action.yml").read_text())
    step = described["runs"]["steps"][0]
    script = (ROOT / "deploy/action.sh").read_text()
    for name in described["inputs"]:
        variable = "INPUT_" + name.upper().replace("-", "_")
        assert step["env"][variable] == f"${{{{ inputs.{name} }}}}", name
        assert f"${{{variable}" in script, f"{variable} is not read"
    assert "inputs." not in step["run"], "an input is a part of the script"

    def act(expected, **variables):
        return run([ROOT / "deploy/action.sh"], directory, expected,
                   GITHUB_ACTION_PATH=str(ROOT), RUNNER_TEMP=str(directory), **variables)

    page = yaml.safe_load(snippet("GitHub Actions", "yaml"))
    inputs = next(step["with"] for step in page["jobs"]["imagegate"]["steps"]
                  if "imagegate@" in step["uses"])
    assert set(inputs) <= set(described["inputs"])
    summary, output = directory / "summary.md", directory / "output"
    said = act(1, INPUT_BINARY=str(BINARY), INPUT_PATHS=inputs["paths"], INPUT_POLICY=inputs["policy"],
               INPUT_SARIF_FILE=inputs["sarif-file"], GITHUB_STEP_SUMMARY=str(summary),
               GITHUB_OUTPUT=str(output))
    assert re.search(r"^::error file=deploy/bad.yaml,line=7,col=14,", said, re.MULTILINE), said
    assert summary.read_text().startswith("### ImageGate: ❌ 1 finding fails"), summary.read_text()
    assert json.loads((directory / inputs["sarif-file"]).read_text())["runs"][0]["results"]
    assert output.read_text() == "exit-code=1\n"
    act(0, INPUT_BINARY=str(BINARY), INPUT_PATHS="\n deploy/good.yaml\n\n".replace(" ", ""),
        INPUT_POLICY="policy.yaml")
    act(0, INPUT_BINARY=str(BINARY), INPUT_PATHS="deploy", INPUT_POLICY="policy.yaml",
        INPUT_FAIL_ON="never")
    act(2, INPUT_BINARY=str(BINARY), INPUT_PATHS="$(touch owned); touch owned", INPUT_POLICY="policy.yaml")
    assert not (directory / "owned").exists()

    # A release in a directory, as `make release` writes it.
    release = directory / "releases/v9.9.9"
    release.mkdir(parents=True)
    name = f"imagegate-9.9.9-{MACHINE}-linux"
    with tarfile.open(release / f"{name}.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(BINARY, f"{name}/bin/imagegate")
    digest = hashlib.sha256((release / f"{name}.tar.gz").read_bytes()).hexdigest()
    sums = release / f"SHA256SUMS-{MACHINE}"
    downloaded = {"RELEASES": f"file://{directory}/releases", "INPUT_VERSION": "9.9.9",
                  "INPUT_PATHS": "deploy", "INPUT_POLICY": "policy.yaml"}
    sums.write_text(f"{digest}  {name}.tar.gz\n")
    assert "::error file=deploy/bad.yaml" in act(1, **downloaded)
    sums.write_text(f"{'0' * 64}  {name}.tar.gz\n")
    said = act(1, **downloaded)
    assert "::error" not in said and "checksum" in said, said
    print("action.yml: annotates, sums up, writes SARIF, downloads, and refuses a wrong checksum")


def pre_commit(directory):
    # pre-commit clones a commit: the hooks as they stand here are one, in a repository of their own.
    hooks = directory / "hooks"
    (hooks / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    shutil.copy(ROOT / "deploy/pre-commit.sh", hooks / "deploy")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]
    for repository in [hooks, directory]:
        run(["git", "init", "--quiet"], repository, 0)
        run(["git", "add", "."], repository, 0)
        run([*git, "commit", "--quiet", "--message=all"], repository, 0)
    config = yaml.safe_load(snippet("pre-commit", "yaml"))
    config["repos"][0]["repo"] = str(hooks)
    config["repos"][0]["rev"] = run(["git", "rev-parse", "HEAD"], hooks, 0).strip()
    (directory / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    tool = pathlib.Path(sys.executable).with_name("pre-commit")
    home = {"PRE_COMMIT_HOME": str(directory / "cache")}
    said = run([tool, "run", "--files", "deploy/bad.yaml", "deploy/good.yaml"], directory, 1, **home)
    assert "quay.io/acme/web:1" in said and "exit code: 1" in said, said
    run([tool, "run", "--files", "deploy/good.yaml"], directory, 0, **home)
    (directory / "notes.yaml").write_text("some: notes\n")
    run([tool, "run", "--files", "notes.yaml"], directory, 0, **home)
    written = directory / "gate/policy.yaml"
    written.parent.mkdir()
    written.write_text('allowedRegistries: ["gcr.io"] # ours\n')
    # What it does not know, git cannot tell to be changed.
    run(["git", "add", "gate/policy.yaml"], directory, 0)
    said = run([tool, "run", "--files", "gate/policy.yaml"], directory, 1, **home)
    assert "files were modified by this hook" in said, said
    assert written.read_text() == "allowedRegistries: [gcr.io]  # ours\n", written.read_text()
    print("pre-commit: refuses a commit with the image, takes one without, and formats a policy")


def gitlab(directory):
    job = yaml.safe_load(snippet("GitLab", "yaml"))["imagegate"]
    archive = job["variables"]["RELEASE"].rsplit("/", 1)[1].removesuffix(".tar.gz")
    assert job["variables"]["IMAGEGATE"] == f"./{archive}/bin/imagegate", job["variables"]
    # The runner stops at the first line that fails, and runs after_script all the same. What it would
    # download is the binary that is here.
    downloaded = {"IMAGEGATE": str(BINARY)}
    run(["sh", "-e", "-c", "\n".join(job["script"])], directory, 1, **downloaded)
    run(["sh", "-e", "-c", "\n".join(job["after_script"])], directory, 0, **downloaded)
    reports = job["artifacts"]["reports"]
    issues = json.loads((directory / reports["codequality"]).read_text())
    assert [issue["location"]["path"] for issue in issues] == ["deploy/bad.yaml"], issues
    assert 'failures="1"' in (directory / reports["junit"]).read_text()
    print("GitLab: the job fails, and both reports name the finding")


def tekton(directory):
    spec = yaml.safe_load(snippet("Tekton", "yaml"))["spec"]
    step = spec["steps"][0]
    values = {f"$(params.{each['name']})": each["default"] for each in spec["params"]}
    arguments = [values.get(word, word) for word in step["args"]]
    assert step["command"] == ["/imagegate"], "the entry point of the image"
    assert "quay.io/acme/web:1" in run([BINARY, *arguments], directory, 1)
    print("Tekton: the step's arguments refuse the image")


def make(directory):
    (directory / "Makefile").write_text(snippet("Make", "make"))
    (directory / "bin").mkdir()
    helm = directory / "bin/helm"
    path = f"{directory}/bin:{BINARY.parent}:{os.environ['PATH']}"
    for says, expected in [
        (f"cat <<'E'\n{POD.format('docker.io/library/nginx:1')}E", "quay.io/acme/web:1"),
        ("echo 'Error: no chart' >&2; exit 1", "Error 2"),
    ]:
        helm.write_text(f"#!/bin/sh\n{says}\n")
        helm.chmod(0o755)
        said = run(["make", "check-images"], directory, 2, PATH=path)
        assert expected in said, said
    print("Make: fails for the image, and for a chart that cannot be rendered")


for test in [action, pre_commit, gitlab, tekton, make]:
    with tempfile.TemporaryDirectory() as name:
        manifests(pathlib.Path(name))
        test(pathlib.Path(name))

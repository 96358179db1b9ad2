"""Where and when figures were taken: what each report says of itself.

Run by itself, it prints that line, for figures that other tools write.
"""

import datetime
import pathlib
import re
import subprocess


def line():
    """Commit, processor, compiler and date, as one sentence."""
    return (f"Commit {commit()}, {processor()}, {output('rustc', '--version')}, "
            f"{datetime.date.today().isoformat()}.")


def commit():
    changed = " with changes" if output("git", "status", "--porcelain", "--untracked-files=no") else ""
    return output("git", "rev-parse", "--short=12", "HEAD") + changed


def processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    cores = len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE))
    return f"{model[1] if model else 'a processor without a name'}, {cores} cores"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    print(line())

#!/usr/bin/env python3
"""Draws what a pull request shows of workflow commands: its changed lines, and the annotations below them.

Usage: annotations.py DIFF <COMMANDS >PICTURE.svg

DIFF is what `git diff` says, COMMANDS what `imagegate check -o github` says of the same tree. This is a
rendering of our own, and the picture says so: a platform draws them in its own way.
"""

import re
import sys
import textwrap
from html import escape
from urllib.parse import unquote

from terminal import COLOURS, GROUND, MARGIN, TEXT

WIDTH = 1096
SIZE = 14
ADVANCE = 0.6 * SIZE
LEADING = 21
# Where the text of a line begins, behind its numbers.
INDENT = 104
COLUMNS = int((WIDTH - 2 * MARGIN - INDENT - 40) / ADVANCE)
FAINT = COLOURS[90]
BAR = "#1b2740"
ADDED, REMOVED = "#12352d", "#3a1f2b"
KINDS = {"error": ("Check failure", COLOURS[31]), "warning": ("Check warning", COLOURS[33]),
         "notice": ("Check notice", COLOURS[34])}
MONO = 'font-family="JetBrains Mono, DejaVu Sans Mono, monospace" xml:space="preserve"'
SANS = 'font-family="Inter, DejaVu Sans, sans-serif"'


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        files = changed(file.read())
    annotations = commands(sys.stdin.read())
    sys.stdout.write(Picture().draw(files, annotations))


def changed(diff):
    """Each file with its lines: sign, number before, number after, text."""
    files, old, new = [], 0, 0
    for line in diff.splitlines():
        if line.startswith("+++ "):
            files.append((line[len("+++ b/"):], []))
        elif hunk := re.match(r"@@ -(\d+)(?:,\d+)? \+(\d+)", line):
            old, new = int(hunk[1]), int(hunk[2])
            if files[-1][1]:
                files[-1][1].append(("…", None, None, ""))
        elif files and line[:1] in (" ", "+", "-") and not line.startswith("--- "):
            sign, text = line[0], line[1:]
            files[-1][1].append((sign, old if sign != "+" else None, new if sign != "-" else None, text))
            old += sign != "+"
            new += sign != "-"
    return files


def commands(text):
    """Kind, file, line, title and message of each workflow command, by file and line."""
    found = {}
    for line in text.splitlines():
        if not (command := re.match(r"::(\w+) (.*?)::(.*)", line)):
            continue
        properties = dict(pair.split("=", 1) for pair in command[2].split(","))
        properties = {name: unquote(value) for name, value in properties.items()}
        place = properties.get("file"), int(properties.get("line", 1))
        found.setdefault(place, []).append((command[1], properties["title"], unquote(command[3])))
    return found


def counted(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"


class Picture:
    def __init__(self):
        self.y = 0
        self.parts = []

    def draw(self, files, annotations):
        self.y = MARGIN + 14
        shown = [each for group in annotations.values() for each in group]
        counts = ", ".join(counted(sum(1 for each in shown if each[0] == kind), kind) for kind in ("error", "warning"))
        self.text(MARGIN, f"A pull request with the annotations of imagegate check -o github: {counts}", TEXT, 17, SANS, True)
        self.y += 28
        self.text(MARGIN, "Drawn by resources/annotations.py from a real run and git diff. A rendering, not a screenshot of GitHub.",
                  FAINT, 13, SANS)
        self.y += 18
        for name, lines in files:
            self.file(name, lines, annotations)
        body = "".join(self.parts)
        height = self.y + MARGIN
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">\n'
                f'<rect width="{WIDTH}" height="{height}" rx="12" fill="{GROUND}"/>\n{body}</svg>\n')

    def file(self, name, lines, annotations):
        self.y += 16
        top = self.y
        self.box(MARGIN, self.y, WIDTH - 2 * MARGIN, 34, BAR)
        self.y += 22
        self.text(MARGIN + 14, name, TEXT, SIZE, MONO, True)
        self.y += 12
        for sign, old, new, text in lines:
            self.line(sign, old, new, text)
            for annotation in annotations.get((name, new), []) if new else []:
                self.annotation(name, new, *annotation)
        self.parts.append(f'<rect x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{self.y - top}" rx="6"'
                          f' fill="none" stroke="#33415c"/>\n')

    def line(self, sign, old, new, text):
        fill = {"+": ADDED, "-": REMOVED}.get(sign)
        if fill:
            self.box(MARGIN, self.y, WIDTH - 2 * MARGIN, LEADING, fill)
        self.y += 15
        for x, number in ((MARGIN + 38, old), (MARGIN + 76, new)):
            if number:
                self.parts.append(f'<text x="{x}" y="{self.y}" text-anchor="end" fill="{FAINT}" font-size="12" {MONO}>'
                                  f'{number}</text>\n')
        self.text(MARGIN + 86, sign if sign in "+-" else "", COLOURS[32 if sign == "+" else 31], SIZE, MONO)
        self.text(MARGIN + INDENT, text if sign != "…" else "…", TEXT if sign != "…" else FAINT, SIZE, MONO)
        self.y += LEADING - 15

    def annotation(self, name, number, kind, title, message):
        word, colour = KINDS[kind]
        rows = [row for line in message.split("\n") for row in textwrap.wrap(
            line, COLUMNS, break_on_hyphens=False, subsequent_indent="  ")]
        left, height = MARGIN + INDENT - 14, 62 + LEADING * len(rows)
        self.y += 8
        self.box(left, self.y, WIDTH - MARGIN - left - 14, height, BAR)
        self.box(left, self.y, 4, height, colour)
        self.y += 24
        self.text(left + 18, word, colour, 14, SANS, True)
        self.text(left + 132, f"on line {number} in {name}", FAINT, 14, SANS)
        self.y += 24
        self.text(left + 18, title, TEXT, 14, SANS, True)
        for row in rows:
            self.y += LEADING
            self.text(left + 18, row, TEXT if not row.startswith("hint: ") else COLOURS[36], 13, MONO)
        self.y += 14 + 8

    def box(self, x, y, width, height, fill):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>\n')

    def text(self, x, text, fill, size, font, bold=False):
        """An SVG drops white space at the start of an element."""
        stripped = text.lstrip()
        x += (len(text) - len(stripped)) * 0.6 * size
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(f'<text x="{x:.1f}" y="{self.y}" fill="{fill}" font-size="{size}"{weight} {font}>'
                          f'{escape(stripped)}</text>\n')


main()

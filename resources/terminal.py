#!/usr/bin/env python3
"""Draws a terminal session as SVG: text with its colours on stdin, a picture on stdout.

Usage: terminal.py TITLE [COLUMNS] <SESSION >PICTURE.svg
"""

import re
import sys
import textwrap
from html import escape

COLUMNS = 116
SIZE = 15
# The advance of the fonts named below, to the hundredth.
ADVANCE = 0.6 * SIZE
LEADING = 23
MARGIN = 26
# Above a prompt, so that the eye finds it.
SPACE = 11
BAR = 42

GROUND = "#0f1729"
TEXT = "#dbe4f3"
COLOURS = {
    30: "#4a5873", 31: "#ff7b86", 32: "#5fdd9d", 33: "#ffc46b",
    34: "#62b5ff", 35: "#d3a4ff", 36: "#5fd7e6", 37: TEXT, 90: "#7688a8",
}
PLAIN = (None, False, False, False)
# A `$` in bold green, as screenshots.sh writes it.
PROMPT = ("$", (32, True, False, False))
SIGNS = "-<>:=!&|+*/_~.#"


def main():
    columns = int(sys.argv[2]) if len(sys.argv) > 2 else COLUMNS
    sys.stdout.write(picture(sys.argv[1], session(sys.stdin.read(), columns), columns))


def session(text, columns):
    """The lines of a session, each a list of characters with their styles."""
    lines, style = [], PLAIN
    for line in text.replace("\r", "").rstrip("\n").split("\n"):
        cells = []
        for part in re.split(r"(\x1b\[[0-9;]*[A-Za-z])", line):
            if part.startswith("\x1b["):
                style = restyled(style, part)
            else:
                cells += [(character, style) for character in part]
        lines += wrapped(cells, columns)
    return lines


def restyled(style, sequence):
    if not sequence.endswith("m"):
        return style
    colour, bold, dim, italic = style
    for code in (int(code or 0) for code in sequence[2:-1].split(";")):
        if code == 0:
            colour, bold, dim, italic = PLAIN
        elif code == 1:
            bold = True
        elif code == 2:
            dim = True
        elif code == 3:
            italic = True
        elif code == 39:
            colour = None
        elif code in COLOURS:
            colour = code
    return colour, bold, dim, italic


def wrapped(cells, columns):
    """At words: a picture is read, where a terminal is also copied from."""
    text = "".join(character for character, _ in cells)
    indent = "  " if text.startswith("$ ") else text[:len(text) - len(text.lstrip())]
    pieces = textwrap.wrap(
        text, columns, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False,
        replace_whitespace=False) or [""]
    lines, at = [], 0
    for number, piece in enumerate(pieces):
        if number:
            piece = piece[len(indent):]
            while text[at].isspace():
                at += 1
        margin = [(" ", PLAIN)] * (len(indent) if number else 0)
        lines.append(margin + cells[at:at + len(piece)])
        at += len(piece)
    return lines


def picture(title, lines, columns):
    width = round(columns * ADVANCE + 2 * MARGIN)
    rows, y = "", BAR + MARGIN + 6
    for number, line in enumerate(lines):
        if number and line[:1] == [PROMPT]:
            y += SPACE
        rows += row(y, line)
        y += LEADING
    height = y + 4
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">
<rect width="{width}" height="{height}" rx="12" fill="{GROUND}"/>
<path d="M0 {BAR}V12a12 12 0 0 1 12-12h{width - 24}a12 12 0 0 1 12 12v{BAR - 12}z" fill="#1b2740"/>
<circle cx="26" cy="21" r="6.5" fill="#ff6159"/>
<circle cx="47" cy="21" r="6.5" fill="#ffbd2e"/>
<circle cx="68" cy="21" r="6.5" fill="#28c93f"/>
<text x="{width / 2}" y="26" text-anchor="middle" fill="#8fa0bf" font-size="13"
 font-family="Inter, DejaVu Sans, sans-serif">{escape(title)}</text>
<g font-family="JetBrains Mono, DejaVu Sans Mono, monospace" font-size="{SIZE}" xml:space="preserve">
{rows}</g>
</svg>
"""


def row(y, cells):
    """One element for each run of one style; each says where it begins, whatever the font.

    Signs beside each other are apart, or fonts for programmers draw them as one.
    """
    runs, start = [], 0
    for at in range(1, len(cells) + 1):
        signs = "".join(character for character, _ in cells[at - 1:at + 1])
        if (at == len(cells) or cells[at][1] != cells[start][1]
                or len(signs) == 2 and all(sign in SIGNS for sign in signs)):
            text = "".join(character for character, _ in cells[start:at])
            if text.strip():
                runs.append(run(MARGIN + start * ADVANCE, y, text, cells[start][1]))
            start = at
    return "".join(runs)


def run(x, y, text, style):
    # An SVG drops white space at the start of an element.
    x += (len(text) - len(text.lstrip())) * ADVANCE
    colour, bold, dim, italic = style
    fill = COLOURS[colour] if colour else "#7688a8" if dim else TEXT
    weight = ' font-weight="bold"' if bold else ""
    slant = ' font-style="italic"' if italic else ""
    return f'<text x="{x:.1f}" y="{y}" fill="{fill}"{weight}{slant}>{escape(text.strip())}</text>\n'


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Puts the frames of console/test/browser/film.mjs together: one moving picture.

Usage: film.py FOLDER PICTURE.webp

Needs Pillow (apt-get install python3-pil).
"""

import json
import pathlib
import sys

from PIL import Image


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    times = json.loads((folder / "times.json").read_text())
    frames = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]
    first, *others = frames
    # Text stays sharp at this quality, and what does not change from frame to frame costs nothing.
    first.save(sys.argv[2], save_all=True, append_images=others, duration=times, loop=0, quality=72, method=4)
    print(f"{len(frames)} frames, {sum(times) / 1000:.0f} s, {pathlib.Path(sys.argv[2]).stat().st_size} bytes")


if __name__ == "__main__":
    main()

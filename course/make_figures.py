#!/usr/bin/env python3
"""Draws the pictures of the lessons as SVG: each figures.py of a day or a task names its own. `--check` compares instead."""

import sys

from make_goldens import COURSE, module_of


def main():
    stale = []
    for script in sorted([*COURSE.glob("week*/*/figures.py"), *COURSE.glob("tasks/*/figures.py")]):
        for name, draw in module_of(script).FIGURES.items():
            path, picture = script.parent / name, draw()
            if "--check" not in sys.argv:
                path.write_text(picture, encoding="utf-8")
            elif not path.exists() or path.read_text(encoding="utf-8") != picture:
                stale.append(str(path.relative_to(COURSE)))
    if stale:
        sys.exit(f"not what make_figures.py draws: {', '.join(stale)}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Draws the pictures of the lessons as SVG, with Python alone. `--check` compares instead of writing."""

import math
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
INK, PALE, MARK, SOFT = "#222", "#f4f2ea", "#d9622b", "#4a7a8c"
FONT = 'font-family="Georgia, serif"'
MONO = 'font-family="monospace"'

# SmolLM2-135M: what a token meets, and the shape that leaves each station.
STATIONS = [
    ("text", '"The sky"', ""),
    ("token ids", "[504, 6376]", "one number a token"),
    ("embedding", "row 504 of 49152", "576 numbers a token"),
    ("norm", "RMSNorm", "576"),
    ("attention", "9 heads x 64, 3 for keys", "576, + residual"),
    ("norm ", "RMSNorm", "576"),
    ("MLP", "576 -> 1536 -> 576", "576, + residual"),
    ("norm  ", "RMSNorm", "576"),
    ("head", "49152 dot products", "49152 scores"),
    ("next word", "the largest score", '" was"'),
]


def text(x, y, words, size=14, anchor="middle", color=INK, font=FONT, weight=""):
    words = str(words).replace("&", "&amp;").replace("<", "&lt;")
    bold = ' font-weight="bold"' if weight else ""
    return f'<text x="{x:g}" y="{y:g}" {font} font-size="{size}" text-anchor="{anchor}" fill="{color}"{bold}>{words}</text>'


def box(x, y, w, h, fill=PALE, stroke=INK, width=1.2, round_=5):
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{round_}" fill="{fill}" stroke="{stroke}" stroke-width="{width}"/>'


def arrow(x1, y1, x2, y2, color=INK):
    angle = math.atan2(y2 - y1, x2 - x1)
    tips = [(x2 - 9 * math.cos(angle + s), y2 - 9 * math.sin(angle + s)) for s in (0.4, -0.4)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(x2, y2), *tips])
    line = f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{color}" stroke-width="1.4"/>'
    return line + f'<polygon points="{points}" fill="{color}"/>'


def page(width, height, parts, title):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    return "\n".join([head, f"<title>{title}</title>", box(0, 0, width, height, "#fdfdfb", "none"), *parts, "</svg>", ""])


def journey():
    parts = [text(24, 30, "One token's journey through SmolLM2-135M", 19, "start", weight="b")]
    x, y, w, h = 60, 60, 250, 46
    for i, (name, what, shape) in enumerate(STATIONS):
        top = y + i * 66
        inside = 3 <= i <= 6
        parts += [box(x + (40 if inside else 0), top, w, h), text(x + (40 if inside else 0) + w / 2, top + 20, name.strip(), 16, weight="b")]
        parts += [text(x + (40 if inside else 0) + w / 2, top + 38, what, 13, color=SOFT)]
        if shape:
            parts.append(text(x + w + 66, top + 28, shape, 14, "start", MARK))
        if i + 1 < len(STATIONS):
            parts.append(arrow(x + w / 2 + 20, top + h, x + w / 2 + 20, top + 64))
    top, bottom = y + 3 * 66 - 10, y + 7 * 66 - 12
    parts.append(f'<rect x="78" y="{top}" width="480" height="{bottom - top}" rx="8" fill="none" stroke="{MARK}" stroke-width="1.6" stroke-dasharray="6 4"/>')
    parts.append(text(568, top + 20, "30 times,", 14, "start", MARK))
    parts.append(text(568, top + 38, "each with its own weights", 14, "start", MARK))
    parts.append(text(568, y + 4 * 66 + 44, "looks at other tokens", 13, "start", SOFT))
    parts.append(text(568, y + 6 * 66 + 44, "each token for itself", 13, "start", SOFT))
    return page(740, 740, parts, "One token's journey")


def here(*marked):
    """The mark `you are here`: the same row of stations in every lesson, some of them lit."""
    parts, x = [], 8
    for name, _, _ in STATIONS:
        w = 14 + 7.4 * len(name.strip())
        lit = name in marked
        parts.append(box(x, 10, w, 26, MARK if lit else PALE, INK, 1))
        parts.append(text(x + w / 2, 28, name.strip(), 12, color="#fff" if lit else INK, weight="b" if lit else ""))
        x += w + 10
    left = 8 + sum(24 + 7.4 * len(n.strip()) for n, _, _ in STATIONS[:3]) - 4
    right = 8 + sum(24 + 7.4 * len(n.strip()) for n, _, _ in STATIONS[:7]) - 6
    parts.append(f'<path d="M {left:g} 42 v 6 H {right:g} v -6" fill="none" stroke="{INK}"/>')
    parts.append(text((left + right) / 2, 62, "30 layers", 12))
    return page(math.ceil(x), 70, parts, "You are here: " + ", ".join(name.strip() for name in marked))


def strides():
    parts = [text(20, 28, "A table of 2 rows and 3 columns lies in memory as 6 numbers in a row", 16, "start", weight="b")]
    letters = "abcdef"
    for i, letter in enumerate(letters):
        r, c = divmod(i, 3)
        parts += [box(40 + c * 46, 56 + r * 46, 46, 46), text(63 + c * 46, 85 + r * 46, letter, 18, font=MONO)]
        fill = "#f3d9cc" if r else PALE
        parts += [box(260 + i * 46, 79, 46, 46, fill), text(283 + i * 46, 108, letter, 18, font=MONO), text(283 + i * 46, 144, i, 13, color=SOFT, font=MONO)]
    parts += [text(20, 85, "row 0", 13, color=SOFT), text(20, 131, "row 1", 13, color=SOFT)]
    parts += [arrow(283, 66, 421, 66, MARK), text(352, 58, "next row: 3 steps", 13, color=MARK)]
    parts += [text(20, 178, "strides [3, 1];  element [1, 2] lies at 1 * 3 + 2 * 1 = 5, which is f", 14, "start", font=MONO)]
    return page(640, 200, parts, "Strides of a table")


def matmul():
    parts = [text(20, 28, "out[m][n] += row m of a . row n of b", 16, "start", font=MONO, weight="b")]
    a, b = [[1, 2], [3, 4]], [[5, 6], [7, 8]]
    for name, values, left, lit in (("a", a, 50, 1), ("b", b, 230, 0)):
        parts.append(text(left + 46, 60, name, 16, font=MONO))
        for r in range(2):
            for c in range(2):
                parts += [box(left + c * 46, 72 + r * 46, 46, 46, "#f3d9cc" if r == lit else PALE), text(left + 23 + c * 46, 101 + r * 46, values[r][c], 18, font=MONO)]
    parts.append(text(456, 60, "out", 16, font=MONO))
    for r in range(2):
        for c in range(2):
            value = sum(p * q for p, q in zip(a[r], b[c]))
            lit = (r, c) == (1, 0)
            parts += [box(410 + c * 46, 72 + r * 46, 46, 46, MARK if lit else PALE), text(433 + c * 46, 101 + r * 46, value, 17, color="#fff" if lit else INK, font=MONO)]
    parts += [arrow(330, 120, 400, 140, MARK), text(20, 196, "row 1 of a = [3 4], row 0 of b = [5 6]:   3*5 + 4*6 = 39  ->  out[1][0]", 15, "start", font=MONO)]
    return page(700, 214, parts, "A matrix product of rows")


def softmax():
    scores = [1.0, 2.0, 3.0]
    weights = [math.exp(s - 3) for s in scores]
    parts = [text(20, 28, "softmax of 1, 2, 3", 16, "start", font=MONO, weight="b")]
    for i, (s, w) in enumerate(zip(scores, weights)):
        p = w / sum(weights)
        for j, (value, top, label) in enumerate([(s / 3, f"{s:g}", "score"), (w, f"{w:.3f}", "exp(score - 3)"), (p, f"{p:.3f}", "divided by 1.503")]):
            x = 40 + j * 190 + i * 44
            parts += [box(x, 170 - 110 * value, 36, 110 * value, MARK if j == 2 else SOFT, INK, 1, 2), text(x + 18, 164 - 110 * value, top, 12, font=MONO)]
            if i == 1:
                parts.append(text(x + 18, 192, label, 14))
    return page(600, 206, parts, "Softmax in three steps")


def rms_norm():
    parts = [text(20, 28, "RMSNorm keeps the direction and sets the size", 16, "start", weight="b")]
    cx, cy, unit = 110, 230, 34
    radius = unit * math.sqrt(2)
    parts.append(f'<circle cx="{cx}" cy="{cy}" r="{radius:.1f}" fill="none" stroke="{SOFT}" stroke-dasharray="4 4"/>')
    parts += [arrow(cx, cy, cx + 3 * unit, cy - 4 * unit, INK), arrow(cx, cy, cx + 0.8485 * unit, cy - 1.1314 * unit, MARK)]
    parts += [text(cx + 3 * unit + 8, cy - 4 * unit, "x = [3, 4]", 14, "start", font=MONO)]
    parts += [text(cx + 52, cy - 10, "out = [0.8485, 1.1314]", 14, "start", MARK, MONO)]
    steps = ["squares         9 + 16 = 25", "mean            25 / 2 = 12.5", "root     sqrt(12.5 + eps) = 3.5355", "scale       1 / 3.5355 = 0.2828", "out    [3, 4] * 0.2828 * weight"]
    parts += [text(330, 90 + 26 * i, step, 14, "start", font=MONO) for i, step in enumerate(steps)]
    parts.append(text(330, 232, "dashed: every vector of root mean square 1", 13, "start", SOFT))
    return page(680, 300, parts, "RMSNorm of [3, 4]")


FIGURES = {
    "week0/0.0-one-token/journey.svg": journey,
    "week0/0.1-first-words/here.svg": lambda: here(*(name for name, _, _ in STATIONS)),
    "week0/0.2-index-matmul-softmax/here.svg": lambda: here("attention", "MLP", "head"),
    "week0/0.2-index-matmul-softmax/strides.svg": strides,
    "week0/0.2-index-matmul-softmax/matmul.svg": matmul,
    "week0/0.2-index-matmul-softmax/softmax.svg": softmax,
    "week1/1.4-rms-norm/here.svg": lambda: here("norm", "norm ", "norm  "),
    "week1/1.4-rms-norm/rms-norm.svg": rms_norm,
}


def main():
    stale = []
    for name, draw in FIGURES.items():
        path, picture = COURSE / name, draw()
        if "--check" not in sys.argv:
            path.write_text(picture, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != picture:
            stale.append(name)
    if stale:
        sys.exit(f"not what make_figures.py draws: {', '.join(stale)}")


if __name__ == "__main__":
    main()

"""What the figures.py of a day or a task draws with: boxes, arrows and words as SVG, with Python alone."""

import math

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

"""The figures of 1.2-rope."""

import math

from drawing import INK, MARK, MONO, PALE, SOFT, arrow, box, here, page, text


def pairs():
    """Which numbers of a head of 8 belong together."""
    parts = [text(20, 28, "The four pairs of a head of 8", 16, "start", weight="b")]
    colors = ["#f3d9cc", "#cfe0e6", "#e6e0b8", "#dcd0e6"]
    for y, name, pair_of in ((60, "interleaved", lambda i: i // 2), (130, "split halves", lambda i: i % 4)):
        parts.append(text(20, y + 28, name, 14, "start", color=SOFT))
        for i in range(8):
            parts += [box(150 + 52 * i, y, 46, 40, colors[pair_of(i)]), text(173 + 52 * i, y + 26, f"x{i}", 15, font=MONO)]
    parts.append(text(20, 206, "the same colour: one pair, turned by the same angle", 13, "start", SOFT))
    return page(600, 222, parts, "Interleaved pairs and split halves of a head of 8 numbers")


def clocks():
    """Pair i of SmolLM2 turns by 100000^(-2 i / 64) a token: three of its 32 pairs after 20 tokens."""
    parts = [text(20, 28, "Three of SmolLM2's 32 pairs, 20 tokens after the first", 16, "start", weight="b")]
    for n, i in enumerate((0, 8, 31)):
        turn = 100000 ** (-2 * i / 64)
        angle = 20 * turn
        cx, cy, r = 110 + 200 * n, 130, 62
        parts.append(f'<circle cx="{cx}" cy="{cy}" r="{r}" fill="{PALE}" stroke="{INK}"/>')
        parts += [arrow(cx, cy, cx + r, cy, SOFT), arrow(cx, cy, cx + r * math.cos(angle), cy - r * math.sin(angle), MARK)]
        parts.append(text(cx, 218, f"pair {i}", 14, weight="b"))
        parts.append(text(cx, 238, f"{turn:.3g} a token", 13, font=MONO))
        parts.append(text(cx, 258, f"{angle / (2 * math.pi):.3g} rounds", 13, color=MARK, font=MONO))
    return page(620, 276, parts, "Pairs turn at different speeds, like the hands of a clock")


FIGURES = {
    "here.svg": lambda: here("attention"),
    "pairs.svg": pairs,
    "clocks.svg": clocks,
}

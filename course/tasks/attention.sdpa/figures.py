"""The figures of attention.sdpa."""

import math

from drawing import INK, MARK, MONO, SOFT, arrow, box, page, text


def two_keys():
    """The case by hand: one query, two keys."""
    scores = [2.0, 0.0]
    total = sum(math.exp(s) for s in scores)
    weights = [math.exp(s) / total for s in scores]
    parts = [text(20, 28, "One query looks at two keys", 16, "start", weight="b")]
    parts += [box(20, 92, 150, 40, "#f3d9cc"), text(95, 117, "q = [2 0 0 0]", 14, font=MONO)]
    for j, (key, value) in enumerate((("[2 0 0 0]", "[1 0 0 0]"), ("[0 2 0 0]", "[0 1 0 0]"))):
        y = 52 + 80 * j
        parts += [box(230, y, 160, 40), text(310, y + 25, f"k{j} = {key}", 14, font=MONO), arrow(170, 112, 226, y + 20)]
        parts += [text(200, y + (14 if j == 0 else 36), f"{4 - 4 * j}", 13, color=SOFT, font=MONO)]
        parts += [text(424, y + 17, f"score {scores[j]:g}", 13, "start", font=MONO), text(424, y + 35, f"weight {weights[j]:.3f}", 13, "start", MARK, MONO)]
        parts += [box(540, y + 4, 170 * weights[j], 32, MARK, INK, 1, 2), text(722, y + 25, f"v{j} = {value}", 14, "start", font=MONO)]
    parts.append(text(20, 212, f"out = {weights[0]:.3f} * v0 + {weights[1]:.3f} * v1 = [{weights[0]:.3f} {weights[1]:.3f} 0 0]", 15, "start", font=MONO))
    return page(880, 232, parts, "One query, two keys: dot products 4 and 0, scores 2 and 0")


FIGURES = {
    "two-keys.svg": two_keys,
}

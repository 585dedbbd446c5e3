"""The figures of 1.7-sampling."""

import math

from drawing import INK, MARK, MONO, PALE, SOFT, arrow, box, here, page, text

P = 0.9


def line():
    """Five tokens end to end: what top-k and top-p keep of them, and where a point falls."""
    logits = [3.0, 2.2, 1.6, 0.4, -0.4]
    weights = [math.exp(v - logits[0]) for v in logits]
    shares = [w / sum(weights) for w in weights]
    parts = [text(20, 28, "Five tokens end to end, likeliest first", 16, "start", weight="b")]
    x, whole = 30.0, 560
    for i, share in enumerate(shares):
        kept = sum(shares[:i]) < P
        parts += [box(x, 60, whole * share, 44, "#f3d9cc" if kept else PALE, INK, 1, 2)]
        if share > 0.05:
            parts.append(text(x + whole * share / 2, 87, f"{share:.2f}", 13, font=MONO))
        x += whole * share
    parts += [arrow(30 + whole * P, 46, 30 + whole * P, 58, MARK), text(30 + whole * P, 42, f"p = {P}", 13, color=MARK)]
    n_kept = next(n for n in range(1, 6) if sum(shares[:n]) >= P)
    end = 30 + whole * sum(shares[:n_kept])
    parts += [arrow(30, 124, end, 124, SOFT), text((30 + end) / 2, 146, f"top-p {P} keeps {n_kept}: the one that crosses p stays", 13, color=SOFT)]
    return page(620, 166, parts, "Top-p keeps the tokens up to the one that crosses p")


FIGURES = {
    "here.svg": lambda: here("next word"),
    "line.svg": line,
}

"""The figures of mlp.silu."""

import math

from drawing import INK, MARK, MONO, SOFT, page, text


def curve():
    """SiLU and ReLU from -6 to 4."""
    left, top, unit = 40, 40, 40

    def point(x, y):
        return f"{left + (x + 6) * unit:.1f},{top + (4 - y) * unit:.1f}"

    xs = [i / 10 for i in range(-60, 41)]
    silu = " ".join(point(x, x / (1 + math.exp(-x))) for x in xs)
    relu = " ".join(point(x, max(x, 0)) for x in (-6, 0, 4))
    axis = f'<polyline points="{point(-6, 0)} {point(4, 0)}" stroke="{INK}" stroke-width="0.8" fill="none"/>'
    axis += f'<polyline points="{point(0, -0.6)} {point(0, 4)}" stroke="{INK}" stroke-width="0.8" fill="none"/>'
    lines = f'<polyline points="{relu}" fill="none" stroke="{SOFT}" stroke-width="1.4" stroke-dasharray="5 4"/>'
    lines += f'<polyline points="{silu}" fill="none" stroke="{MARK}" stroke-width="2.4"/>'
    parts = [text(20, 24, "SiLU (orange) and ReLU (dashed)", 16, "start", weight="b"), axis, lines]
    for x in (-4, -2, 2, 4):
        parts.append(text(left + (x + 6) * unit, top + 4 * unit + 18, f"{x}", 12, color=SOFT, font=MONO))
    parts.append(text(left + 4.72 * unit, top + 4.28 * unit + 26, "lowest: silu(-1.28) = -0.278", 12, color=MARK, font=MONO))
    return page(480, 250, parts, "SiLU dips to -0.278 at -1.28 and follows x for large x")


FIGURES = {
    "curve.svg": curve,
}

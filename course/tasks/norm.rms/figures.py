"""The figures of norm.rms."""

import math

from drawing import INK, MARK, MONO, SOFT, arrow, page, text


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
    "rms-norm.svg": rms_norm,
}

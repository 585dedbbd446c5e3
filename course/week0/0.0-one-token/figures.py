"""The figures of 0.0-one-token."""

from drawing import MARK, SOFT, STATIONS, arrow, box, page, text


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


FIGURES = {
    "journey.svg": journey,
}

"""The figures of 1.3-grouped-attention."""

from drawing import MARK, MONO, PALE, SOFT, arrow, box, here, page, text


def groups():
    """SmolLM2: nine query heads, three key heads."""
    parts = [text(20, 28, "SmolLM2: nine query heads share three key heads", 16, "start", weight="b")]
    colors = ["#f3d9cc", "#cfe0e6", "#e6e0b8"]
    for h in range(9):
        parts += [box(30 + 66 * h, 52, 54, 36, colors[h // 3]), text(57 + 66 * h, 75, f"q{h}", 15, font=MONO)]
        parts.append(arrow(57 + 66 * h, 88, 123 + 198 * (h // 3), 128, SOFT))
    for g in range(3):
        parts += [box(96 + 198 * g, 132, 54, 36, colors[g]), text(123 + 198 * g, 155, f"k{g} v{g}", 13, font=MONO)]
    parts.append(text(20, 200, "query head h reads key head h / 3: neighbours share", 14, "start", font=MONO))
    return page(640, 220, parts, "Query heads 0 1 2 read key head 0, 3 4 5 read 1, 6 7 8 read 2")


def mask():
    """Two new tokens after three."""
    parts = [text(20, 28, "Two new tokens after three: a mask of 2 rows and 5 columns", 16, "start", weight="b")]
    for j in range(5):
        parts.append(text(163 + 62 * j, 58, f"key {j}", 13, color=SOFT))
    for i in range(2):
        parts.append(text(20, 92 + 44 * i, f"query {i}, at {3 + i}", 13, "start", SOFT))
        for j in range(5):
            seen = j <= 3 + i
            parts += [box(134 + 62 * j, 68 + 44 * i, 56, 38, PALE if seen else MARK), text(162 + 62 * j, 92 + 44 * i, "0" if seen else "-inf", 14, color="#222" if seen else "#fff", font=MONO)]
    parts.append(text(20, 184, "position of query i: n_keys - n_queries + i", 14, "start", font=MONO))
    return page(620, 204, parts, "The causal mask of two queries behind three keys")


FIGURES = {
    "here.svg": lambda: here("attention"),
    "groups.svg": groups,
    "mask.svg": mask,
}

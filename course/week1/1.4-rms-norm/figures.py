"""The figures of 1.4-rms-norm."""

from drawing import MARK, MONO, SOFT, arrow, box, here, page, text


def mlp():
    """SmolLM2's MLP with its shapes."""
    parts = [text(20, 28, "The MLP of one token in SmolLM2", 16, "start", weight="b")]
    parts += [box(20, 96, 100, 44), text(70, 123, "x: 576", 14, font=MONO)]
    for y, name in ((60, "gate_proj"), (132, "up_proj")):
        parts += [arrow(120, 118, 156, y + 22), box(160, y, 120, 44, "#cfe0e6"), text(220, y + 20, name, 14), text(220, y + 37, "576 -> 1536", 12, color=SOFT, font=MONO)]
    parts += [arrow(280, 82, 316, 82), box(320, 60, 70, 44, MARK), text(355, 87, "SiLU", 14, color="#fff", weight="b")]
    parts += [arrow(390, 82, 446, 112), arrow(280, 154, 446, 124), box(450, 96, 60, 44, MARK), text(480, 124, "*", 20, color="#fff", weight="b")]
    parts += [arrow(510, 118, 546, 118), box(550, 96, 120, 44, "#cfe0e6"), text(610, 116, "down_proj", 14), text(610, 133, "1536 -> 576", 12, color=SOFT, font=MONO)]
    parts.append(text(20, 206, "orange: what you write; blue: matrix products with learned weights", 13, "start", SOFT))
    return page(700, 222, parts, "gate and up from 576 to 1536, SiLU of gate times up, down to 576")


FIGURES = {
    "here.svg": lambda: here("norm", "norm ", "MLP", "norm  "),
    "mlp.svg": mlp,
}

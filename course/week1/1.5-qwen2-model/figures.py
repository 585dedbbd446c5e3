"""The figures of 1.5-qwen2-model."""

import math

from drawing import INK, MARK, MONO, PALE, SOFT, arrow, box, here, page, text

# `generate --dump-layers`, SmolLM2, "The capital of France is": root mean square of a token's 576 numbers after the embedding
# and after each layer.
LAST = [0.108, 1.466, 2.609, 3.041, 3.224, 3.512, 3.675, 3.688, 3.737, 4.266, 4.926, 5.291, 5.103, 5.706, 5.902, 6.338, 7.097, 7.582,
        7.375, 7.521, 7.962, 8.362, 9.883, 11.405, 14.009, 17.912, 19.669, 20.889, 24.8, 27.752, 25.802]  # fmt: skip
FIRST = [0.08, 1.99, 8.72, 28.22, 28.12, 27.94, 27.66, 27.41, 27.02, 22.86, 6.16, 5.48, 946.35, 946.02, 945.52, 945.02, 944.33, 943.76,
         943.17, 942.84, 942.56, 942.56, 942.89, 942.65, 942.77, 941.58, 941.72, 941.46, 932.14, 350.85, 207.94]  # fmt: skip


def block():
    """The stream and the two sublayers that read a normed copy of it."""
    parts = [text(20, 28, "One block: two visits to the stream", 16, "start", weight="b")]
    parts += [arrow(30, 150, 610, 150), text(24, 140, "h", 15, "start", font=MONO), text(614, 140, "h", 15, "end", font=MONO)]
    for x, name, weight in ((70, "attention", "input_norm"), (340, "MLP", "post_attention_norm")):
        parts += [arrow(x, 150, x, 92), box(x - 24, 60, 60, 30), text(x + 6, 80, "norm", 13), text(x - 24, 50, weight, 12, "start", SOFT)]
        parts += [arrow(x + 36, 75, x + 74, 75), box(x + 76, 60, 84, 30, "#f3d9cc"), text(x + 118, 80, name, 13)]
        parts += [arrow(x + 160, 75, x + 196, 75), arrow(x + 196, 75, x + 196, 138, MARK)]
        parts += [f'<circle cx="{x + 196}" cy="150" r="11" fill="{PALE}" stroke="{INK}"/>', text(x + 196, 155, "+", 15, weight="b")]
    parts.append(text(20, 196, "the line below is never normed and never replaced", 13, "start", SOFT))
    return page(640, 214, parts, "A transformer block: norm, attention, add; norm, MLP, add")


def stream():
    """How large the stream is, layer by layer, on a logarithmic scale."""
    def point(i, value):
        return 70 + 17 * i, 250 - 46 * (math.log10(value) + 1.2)

    parts = [text(20, 28, "The size of the stream in SmolLM2", 16, "start", weight="b")]
    for value in (0.1, 1, 10, 100, 1000):
        _, y = point(0, value)
        parts += [f'<line x1="62" y1="{y:.1f}" x2="590" y2="{y:.1f}" stroke="#ddd"/>', text(54, y + 4, f"{value:g}", 12, "end", SOFT, MONO)]
    for values, color in ((FIRST, SOFT), (LAST, MARK)):
        points = " ".join("{:.1f},{:.1f}".format(*point(i, v)) for i, v in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
    parts += [text(400, 84, '"The", the first token', 13, "start", SOFT), text(400, 186, '"is", the last token', 13, "start", MARK)]
    for i in (0, 10, 20, 30):
        parts.append(text(70 + 17 * i, 272, "embedding" if i == 0 else f"layer {i - 1}", 12))
    parts.append(text(20, 296, "root mean square of 576 numbers", 13, "start", SOFT))
    return page(620, 310, parts, "The last token's stream grows from 0.1 to 26, the first token's to 946")


FIGURES = {
    "here.svg": lambda: here("embedding", "norm  ", "head"),
    "block.svg": block,
    "stream.svg": stream,
}

"""The figures of softmax.row."""

import math

from drawing import INK, MARK, MONO, SOFT, box, page, text


def softmax():
    scores = [1.0, 2.0, 3.0]
    weights = [math.exp(s - 3) for s in scores]
    parts = [text(20, 28, "softmax of 1, 2, 3", 16, "start", font=MONO, weight="b")]
    for i, (s, w) in enumerate(zip(scores, weights)):
        p = w / sum(weights)
        for j, (value, top, label) in enumerate([(s / 3, f"{s:g}", "score"), (w, f"{w:.3f}", "exp(score - 3)"), (p, f"{p:.3f}", "divided by 1.503")]):
            x = 40 + j * 190 + i * 44
            parts += [box(x, 170 - 110 * value, 36, 110 * value, MARK if j == 2 else SOFT, INK, 1, 2), text(x + 18, 164 - 110 * value, top, 12, font=MONO)]
            if i == 1:
                parts.append(text(x + 18, 192, label, 14))
    return page(600, 206, parts, "Softmax in three steps")


FIGURES = {
    "softmax.svg": softmax,
}

"""RoPE of one head in float64, with how far off a float32 may be: for the cases of rope.*."""

import math

from goldens import EPS, array, f32


def angles(head_dim, position, base):
    """cos and sin of each pair's angle at a position, as the engine's table holds them."""
    turns = [position * base ** (-2 * i / head_dim) for i in range(head_dim // 2)]
    return [f32(math.cos(t)) for t in turns], [f32(math.sin(t)) for t in turns]


def rope_case(function, name, x, cos, sin, split):
    x, cos, sin = ([f32(v) for v in values] for values in (x, cos, sin))
    half = len(x) // 2
    out, tolerance = [0.0] * len(x), [0.0] * len(x)
    for i in range(half):
        first, second = (i, i + half) if split else (2 * i, 2 * i + 1)
        a, b = x[first], x[second]
        for at, terms in ((first, (a * cos[i], -b * sin[i])), (second, (a * sin[i], b * cos[i]))):
            out[at] = math.fsum(terms)
            tolerance[at] = 4 * EPS * sum(map(abs, terms))  # two products and their sum, each rounded once
    want = {"x": array([len(x)], ["i"], out, tolerance)}
    return {"name": name, "function": function, "inputs": {"x": x, "cos": cos, "sin": sin}, "want": want}

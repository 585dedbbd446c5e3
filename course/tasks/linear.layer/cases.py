"""The cases of linear.layer, from small to large. Weights are numbers that their format holds exactly."""

import math
import random

from goldens import EPS, array, normal

NOT_WRITTEN = -77.0  # kNotWritten of learn/lesson_case.h: columns of other threads
F32, F16, Q8_0 = 0, 1, 2


def stored(rng, n, fmt):
    if fmt == F32:
        return normal(rng, n, 0.5)
    if fmt == F16:
        return [rng.randint(-512, 512) / 256 for _ in range(n)]
    # q8_0 keeps 32 numbers as integers up to 127 times a scale: with a 127 in each block the scale is 1.
    return [127.0 if i % 32 == 0 else float(rng.randint(-126, 126)) for i in range(n)]


def cases():
    rng = random.Random(110)

    def case(name, n_tokens, n_n, n_k, bias=True, rows=None, fmt=F32, x=None, weight=None):
        begin, end = rows or (0, n_n)
        x, weight = x or normal(rng, n_tokens * n_k), weight or stored(rng, n_n * n_k, fmt)
        b = normal(rng, n_n) if bias is True else bias
        out, tolerance = [NOT_WRITTEN] * (n_tokens * n_n), [0.0] * (n_tokens * n_n)
        for t in range(n_tokens):
            for n in range(begin, end):
                terms = [x[t * n_k + k] * weight[n * n_k + k] for k in range(n_k)] + ([b[n]] if b else [])
                out[t * n_n + n] = math.fsum(terms)
                tolerance[t * n_n + n] = (n_k + 1) * EPS * math.fsum(map(abs, terms))
        inputs = {"x": x, "weight": weight} | ({"bias": b} if b else {})
        inputs |= {"n_tokens": n_tokens, "n_rows": n_n, "format": fmt, "row_begin": begin, "row_end": end}
        want = {"out": array([n_tokens, n_n], ["token", "n"], out, tolerance)}
        return {"name": name, "function": "linear", "inputs": inputs, "want": want}

    return [
        case("one number", 1, 1, 1, bias=None, x=[3.0], weight=[2.0]),
        case("one number with a bias", 1, 1, 1, bias=[10.0], x=[3.0], weight=[2.0]),
        case("two rows", 1, 2, 2, bias=[0.0, 100.0], x=[1.0, 2.0], weight=[3.0, 4.0, 5.0, 6.0]),
        case("two tokens, three rows", 2, 3, 2),
        case("only rows 1 and 2 of four", 2, 4, 3, rows=(1, 3)),
        case("no bias", 3, 5, 4, bias=None),
        case("a weight of 16-bit floats", 2, 3, 4, fmt=F16),
        case("a weight of 8-bit blocks", 2, 3, 64, fmt=Q8_0),
        case("a row that is longer than 1024", 1, 2, 1056),
    ]

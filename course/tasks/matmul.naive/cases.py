"""The cases of matmul.naive, from small to large, and what float64 answers."""

import math
import random

from goldens import EPS, array, normal


def cases():
    rng = random.Random(11)

    def case(name, m, n, k, a=None, b=None, before=None, a_stride=None, b_stride=None, out_stride=None):
        a_stride, b_stride, out_stride = a_stride or k, b_stride or k, out_stride or n
        a = a or normal(rng, m * a_stride)
        b = b or normal(rng, n * b_stride)
        before = before or [0.0] * (m * out_stride)
        values, tolerance = list(before), [0.0] * len(before)
        for i in range(m):
            for j in range(n):
                terms = [a[i * a_stride + p] * b[j * b_stride + p] for p in range(k)]
                at = i * out_stride + j
                norm = abs(before[at]) + sum(map(abs, terms))
                values[at] = before[at] + math.fsum(terms)
                tolerance[at] = 2 * (k + 1) * EPS * norm  # k products and k sums, each rounded once
        inputs = {"a": a, "b": b, "out_before": before, "n_m": m, "n_n": n, "n_k": k}
        inputs |= {"a_stride": a_stride, "b_stride": b_stride, "out_stride": out_stride}
        want = {"out": array([m, out_stride], ["m", "n"], values, tolerance)}
        return {"name": name, "function": "matmul", "inputs": inputs, "want": want}

    return [
        case("one number times one number", 1, 1, 1, [3.0], [4.0]),
        case("a dot product of 3", 1, 1, 3, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
        case("2 x 2 times 2 x 2", 2, 2, 2, [1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]),
        case("one row of a, three rows of b", 1, 3, 2),
        case("adds to what is in out", 2, 2, 3, before=[10.0, 20.0, 30.0, 40.0]),
        case("rows of a lie 5 apart, 3 are used", 3, 2, 3, a_stride=5),
        case("rows of b lie 4 apart, 2 are used", 2, 3, 2, b_stride=4),
        case("rows of out lie 6 apart, 2 are used", 3, 2, 4, out_stride=6, before=normal(rng, 18)),
        case("5 x 37 times 7 x 37, every stride its own", 5, 7, 37, None, None, normal(rng, 5 * 9), 41, 40, 9),
    ]

#!/usr/bin/env python3
"""Writes course/golden/*.json: the cases of every task with answers in float64, and how far off a float32 may be.

Needs only Python itself. `--check` compares instead of writing. What the known mistakes answer (*.mutants.json) is
recorded by `tinyllm learn record TASK`.
"""

import json
import math
import random
import struct
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
EPS = 2.0**-24  # one rounding of a float32, relative
TINY = 2.0**-149  # the smallest float32: what underflow may lose


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def normal(rng, n, spread=1.0):
    return [f32(rng.gauss(0, spread)) for _ in range(n)]


def array(shape, axes, values, tolerance):
    return {"shape": shape, "axes": axes, "values": values, "tolerance": [float(f"{t:.3g}") for t in tolerance]}


def strides_cases():
    def dims_case(name, dims):
        strides = [math.prod(dims[i + 1 :]) for i in range(len(dims))]
        want = {"strides": array([len(dims)], ["i"], strides, [0] * len(dims))}
        return {"name": name, "function": "row_major_strides", "inputs": {"dims": dims}, "want": want}

    def offset_case(name, index, strides):
        offset = sum(i * s for i, s in zip(index, strides))
        want = {"offset": array([], [], [offset], [0])}
        return {"name": name, "function": "element_offset", "inputs": {"index": index, "strides": strides}, "want": want}

    return [
        dims_case("a row of 5", [5]),
        dims_case("a table of 2 rows, 3 columns", [2, 3]),
        dims_case("a box of 2 x 3 x 4", [2, 3, 4]),
        dims_case("a dimension of 1", [4, 1, 6]),
        dims_case("keys of SmolLM2: 30 layers, 2048 positions, 3 heads, 64 values", [30, 2048, 3, 64]),
        offset_case("the first element", [0, 0], [3, 1]),
        offset_case("row 1, column 2 of a 2 x 3 table", [1, 2], [3, 1]),
        offset_case("element [1, 2, 3] of a 2 x 3 x 4 box", [1, 2, 3], [12, 4, 1]),
        offset_case("rows that do not touch: 3 columns used of 8", [2, 1], [8, 1]),
        offset_case("key 63 of head 2, position 2047, layer 29", [29, 2047, 2, 63], [393216, 192, 64, 1]),
    ]


def matmul_cases():
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


def softmax_cases():
    rng = random.Random(13)

    def case(name, x):
        finite = [v for v in x if v != -math.inf]
        top = max(finite)
        weights = [math.exp(v - top) for v in x]
        total = math.fsum(weights)
        values = [w / total for w in weights]
        # exp multiplies a rounding of its argument by that argument; then n sums, root and product.
        far = [0 if v == -math.inf else top - v for v in x]
        tolerance = [(len(x) + 4 + 2 * d) * EPS * p + (TINY * 4 if p < 1e-30 else 0) for d, p in zip(far, values)]
        text = " ".join(repr(v) for v in x)
        want = {"x": array([len(x)], ["i"], values, tolerance)}
        return {"name": name, "function": "softmax", "inputs": {"x": text if -math.inf in x else x}, "want": want}

    return [
        case("one score", [7.0]),
        case("two equal scores", [0.5, 0.5]),
        case("scores 1, 2, 3", [1.0, 2.0, 3.0]),
        case("only negative scores", [-1.5, -0.5, -3.0, -2.0]),
        case("one masked score", [1.0, -math.inf, 2.0]),
        case("large scores", [1000.0, 1001.0, 998.0]),
        case("very negative scores", [-400.0, -401.0, -399.5]),
        case("a row of 64 scores", normal(rng, 64, 3.0)),
    ]


def rms_norm_cases():
    rng = random.Random(17)

    def case(name, x, weight, eps=1e-6):
        x, weight, eps = [f32(v) for v in x], [f32(v) for v in weight], f32(eps)
        mean = math.fsum(v * v for v in x) / len(x)
        values = [v / math.sqrt(mean + eps) * w for v, w in zip(x, weight)]
        tolerance = [(len(x) + 6) * EPS * abs(v) for v in values]  # n squares halved by the root, and 6 more
        inputs = {"x": x, "weight": weight, "eps": eps}
        want = {"out": array([len(x)], ["i"], values, tolerance)}
        return {"name": name, "function": "rms_norm", "inputs": inputs, "want": want}

    return [
        case("two numbers, 3 and 4", [3.0, 4.0], [1.0, 1.0]),
        case("weights 2 and 10", [3.0, 4.0], [2.0, 10.0]),
        case("a mean that is not 0", [1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]),
        case("three tiny numbers", [0.001, -0.002, 0.002], [1.0, 1.0, 1.0]),
        case("a large eps", [1.0, -1.0, 2.0], [1.0, 1.0, 1.0], 0.5),
        case("large numbers", normal(rng, 8, 300.0), normal(rng, 8)),
        case("a row of SmolLM2's 576", normal(rng, 576), normal(rng, 576), 1e-5),
    ]


TASKS = {
    "index.strides": strides_cases,
    "matmul.naive": matmul_cases,
    "softmax.row": softmax_cases,
    "norm.rms": rms_norm_cases,
}


def text_of(cases):
    rows = ",\n".join("  " + json.dumps(case) for case in cases)
    return '{"cases": [\n' + rows + "\n]}\n"


def main():
    stale = []
    for task, make in TASKS.items():
        path, text = FOLDER / f"{task}.json", text_of(make())
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        sys.exit(f"not what make_golden.py writes: {', '.join(stale)}")


if __name__ == "__main__":
    main()

"""The cases of softmax.row, from small to large, and what float64 answers."""

import math
import random

from goldens import EPS, TINY, array, listed, normal, unlisted


def cases():
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
        want = {"x": array([len(x)], ["i"], values, tolerance)}
        return {"name": name, "function": "softmax", "inputs": {"x": listed(x)}, "want": want}

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


def pytorch(case):
    import torch

    x = torch.tensor(unlisted(case["inputs"]["x"]), dtype=torch.float64)
    return {"x": torch.softmax(x, 0).tolist()}

"""The cases of norm.rms, from small to large, and what float64 answers."""

import math
import random

from goldens import EPS, array, f32, normal


def cases():
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


def pytorch(case):
    import torch

    x, weight = (torch.tensor(case["inputs"][name], dtype=torch.float64) for name in ("x", "weight"))
    return {"out": (x * torch.rsqrt(x.pow(2).mean() + case["inputs"]["eps"]) * weight).tolist()}

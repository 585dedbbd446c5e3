"""The cases of mlp.silu, from small to large, and what float64 answers."""

import math
import random

from goldens import EPS, TINY, array, f32, normal


def silu(x):
    return x / (1 + math.exp(-x)) if x > -700 else 0.0


def cases():
    rng = random.Random(41)

    def case(name, x):
        x = [f32(v) for v in x]
        values = [silu(v) for v in x]
        # exp makes a relative error of its argument's rounding; sum, quotient and product are rounded once each.
        # Below -88 exp(-x) is infinite in a float, and 0 is as good as the true 1e-37.
        tolerance = [(6 + 2 * abs(v)) * EPS * abs(s) + 4 * TINY + (abs(s) if v < -88 else 0) for v, s in zip(x, values)]
        want = {"out": array([len(x)], ["i"], values, tolerance)}
        return {"name": name, "function": "silu", "inputs": {"x": x}, "want": want}

    return [
        case("zero", [0.0]),
        case("one", [1.0]),
        case("minus one", [-1.0]),
        case("where the curve is lowest", [-1.2784645]),
        case("large numbers pass, very negative ones vanish", [20.0, -20.0]),
        case("exp overflows", [-100.0, 100.0, -1000.0]),
        case("a row of 64 numbers", normal(rng, 64, 2.0)),
    ]


def pytorch(case):
    import torch

    return {"out": torch.nn.functional.silu(torch.tensor(case["inputs"]["x"], dtype=torch.float64)).tolist()}

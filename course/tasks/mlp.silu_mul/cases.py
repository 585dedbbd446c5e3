"""The cases of mlp.silu_mul, from small to large, and what float64 answers."""

import math
import random

from goldens import EPS, TINY, array, f32, normal


def cases():
    rng = random.Random(43)

    def case(name, gate, up):
        gate, up = [f32(v) for v in gate], [f32(v) for v in up]
        values = [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)]
        # As for silu, and one product more.
        tolerance = [(7 + 2 * abs(g)) * EPS * abs(v) + (4 + 4 * abs(u)) * TINY for g, u, v in zip(gate, up, values)]
        want = {"out": array([len(gate)], ["i"], values, tolerance)}
        return {"name": name, "function": "silu_mul", "inputs": {"gate": gate, "up": up}, "want": want}

    return [
        case("a closed gate", [0.0], [5.0]),
        case("gate 1, up 2", [1.0], [2.0]),
        case("gate 2, up 1", [2.0], [1.0]),
        case("an open gate lets pass, times itself", [20.0, 20.0], [3.0, -0.5]),
        case("a gate far below zero", [-30.0, -80.0], [1000.0, 1.0]),
        case("up of zero", [3.0, -3.0], [0.0, 0.0]),
        case("a row of SmolLM2's 1536", normal(rng, 1536, 2.0), normal(rng, 1536)),
    ]


def pytorch(case):
    import torch

    gate, up = (torch.tensor(case["inputs"][name], dtype=torch.float64) for name in ("gate", "up"))
    return {"out": (torch.nn.functional.silu(gate) * up).tolist()}

"""The cases of rope.split_halves, from small to large, and what float64 answers."""

import random

from goldens import normal
from rope_oracle import angles, rope_case


def cases():
    rng = random.Random(31)

    def case(name, x, cos, sin):
        return rope_case("rope_split_halves", name, x, cos, sin, split=True)

    return [
        case("a turn by nothing: position 0", [1.0, 2.0], [1.0], [0.0]),
        case("a quarter turn", [1.0, 2.0], [0.0], [1.0]),
        case("two pairs, only the first one turns", [1.0, 2.0, 3.0, 4.0], [0.0, 1.0], [1.0, 0.0]),
        case("3 and 4 by the angle of 0.6 and 0.8", [3.0, 4.0], [0.6], [0.8]),
        case("two pairs, each by its own angle", [1.0, 2.0, 3.0, 4.0], *angles(4, 1, 10000)),
        case("a head of 8 at position 5", normal(rng, 8), *angles(8, 5, 10000)),
        case("a head of SmolLM2 at position 1000: 64 numbers, base 100000", normal(rng, 64), *angles(64, 1000, 100000)),
    ]


def pytorch(case):
    import torch

    x, cos, sin = (torch.tensor(case["inputs"][name], dtype=torch.float64) for name in ("x", "cos", "sin"))
    # transformers.models.qwen2.modeling_qwen2: q * cos + rotate_half(q) * sin.
    half = len(x) // 2
    rotated = torch.cat((-x[half:], x[:half]))
    return {"x": (x * torch.cat((cos, cos)) + rotated * torch.cat((sin, sin))).tolist()}

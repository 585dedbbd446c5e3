"""The cases of rope.interleaved, from small to large, and what float64 answers."""

import random

from goldens import normal
from rope_oracle import angles, rope_case


def cases():
    rng = random.Random(37)

    def case(name, x, cos, sin):
        return rope_case("rope_interleaved", name, x, cos, sin, split=False)

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
    # As Meta's Llama does it: each pair is a complex number, and a turn is a product with (cos, sin).
    turned = torch.view_as_complex(x.view(-1, 2)) * torch.complex(cos, sin)
    return {"x": torch.view_as_real(turned).flatten().tolist()}

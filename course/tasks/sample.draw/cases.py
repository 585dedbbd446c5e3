"""The cases of sample.draw, from small to large, in exact whole numbers. `random` is 64 bits, of which the upper 32 are given."""

import random

from goldens import array, normal
from sampling_oracle import candidates, in_order, inputs_of


def cases():
    rng = random.Random(61)

    def case(name, logits, share, masses=None):
        given, high = candidates(logits, masses), min(int(share * 2**32), 2**32 - 1)
        ordered = in_order(given)
        point, end = sum(c[2] for c in ordered) * (high << 32) >> 64, 0
        for _, token_id, mass in ordered:
            end += mass
            if point < end:
                break
        want = {"token_id": array([], [], [token_id], [0])}
        return {"name": name, "function": "draw", "inputs": inputs_of(given) | {"random_high": high}, "want": want}

    row = normal(rng, 100, 2.0)
    return [
        case("the only one", [1.0], 0.5),
        case("two equal ones, the first half", [1.0, 1.0], 0.3, [4, 4]),
        case("two equal ones, the second half", [1.0, 1.0], 0.7, [4, 4]),
        case("the very first point", [1.0, 2.0], 0.0, [4, 8]),
        case("the very last point", [1.0, 2.0], 1.0, [4, 8]),
        case("the likeliest comes first on the line", [0.0, 1.0, 3.0], 0.4, [2, 4, 10]),
        case("a point on a border belongs to the token behind it", [3.0, 2.0, 1.0], 0.5, [8, 4, 4]),
        case("equal logits lie by their ids", [1.0, 2.0, 2.0], 0.45, [2, 4, 4]),
        *(case(f"100 tokens, at {share}", row, share) for share in (0.1, 0.5, 0.8, 0.99)),
    ]

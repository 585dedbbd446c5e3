"""The cases of sample.top_p, from small to large, in exact whole numbers."""

import math
import random

from goldens import array, f32, normal
from sampling_oracle import FULL_MASS, candidates, in_order, inputs_of


def n_kept(ordered, p):
    if p >= 1:
        return len(ordered)
    target = max(1, -(-sum(c[2] for c in ordered) * math.ceil(p * 2**32) // 2**32))
    reached = 0
    for n, c in enumerate(ordered, 1):
        reached += c[2]
        if reached >= target:
            return n
    return len(ordered)


def cases():
    rng = random.Random(59)

    def case(name, logits, p, masses=None):
        given, p = candidates(logits, masses), f32(p)
        ordered = in_order(given)
        kept = ordered[: n_kept(ordered, p)]
        want = {"n_kept": array([], [], [len(kept)], [0]), "kept_ids": array([len(kept)], ["place"], [c[1] for c in kept], [0] * len(kept))}
        return {"name": name, "function": "keep_top_p", "inputs": inputs_of(given) | {"p": p}, "want": want}

    full = FULL_MASS
    return [
        case("one of one", [1.0], 0.5),
        case("the first one alone reaches p", [3.0, 1.0], 0.5),
        case("p is 1: all stay", [1.0, 3.0, 2.0], 1.0),
        case("a tiny p keeps the likeliest", [1.0, 3.0, 2.0], 1e-6),
        case("two equal halves, p exactly one of them", [2.0, 2.0], 0.5, [full, full]),
        case("half, quarter, quarter: three quarters are two", [3.0, 2.0, 2.0], 0.75, [full, full // 2, full // 2]),
        case("a little more than three quarters are three", [3.0, 2.0, 2.0], 0.76, [full, full // 2, full // 2]),
        case("the likeliest stands last", [0.0, 1.0, 2.0, 5.0], 0.9),
        case("a flat row of 10: 0.35 of it are four", [1.0] * 10, 0.35, [full] * 10),
        case("200 tokens, 0.9 of their mass", normal(rng, 200, 2.0), 0.9),
    ]


def pytorch(case):
    import torch

    given = case["inputs"]
    masses = torch.tensor(given["masses"], dtype=torch.float64)
    order = torch.sort(torch.tensor(given["logits"], dtype=torch.float64), descending=True, stable=True).indices
    shares = masses[order] / masses.sum()
    # As TopPLogitsWarper of transformers: a token goes when those before it have reached p already.
    keep = (shares.cumsum(0) - shares) < given["p"]
    kept = order[keep].tolist()
    return {"n_kept": [len(kept)], "kept_ids": kept}

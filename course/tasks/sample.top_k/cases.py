"""The cases of sample.top_k, from small to large."""

import random

from goldens import array, normal
from sampling_oracle import candidates, in_order, inputs_of


def cases():
    rng = random.Random(53)

    def case(name, logits, k):
        given = candidates(logits)
        kept = in_order(given)[: k if k > 0 else len(given)]
        want = {"n_kept": array([], [], [len(kept)], [0]), "kept_ids": array([len(kept)], ["place"], [c[1] for c in kept], [0] * len(kept))}
        return {"name": name, "function": "keep_top_k", "inputs": inputs_of(given) | {"k": k}, "want": want}

    return [
        case("one of one", [1.0], 1),
        case("the likelier of two", [1.0, 2.0], 1),
        case("two of four", [1.0, 4.0, 2.0, 3.0], 2),
        case("k is 0: all stay", [1.0, 3.0, 2.0], 0),
        case("k is negative: all stay", [1.0, 3.0, 2.0], -1),
        case("k is larger than the row", [1.0, 3.0], 5),
        case("equal logits: the lower ids stay", [2.0, 5.0, 5.0, 5.0, 1.0], 2),
        case("negative logits", [-3.0, -1.0, -2.0, -9.0], 3),
        case("40 of 200", normal(rng, 200, 3.0), 40),
    ]


def pytorch(case):
    import torch

    logits, k = torch.tensor(case["inputs"]["logits"], dtype=torch.float64), case["inputs"]["k"]
    ids = torch.sort(logits, descending=True, stable=True).indices.tolist()
    kept = ids if k <= 0 else ids[:k]
    return {"n_kept": [len(kept)], "kept_ids": kept}

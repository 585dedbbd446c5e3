"""The cases of attention.causal_mask, from small to large."""

import math

from goldens import array


def cases():
    def case(name, n_queries, n_keys):
        mask = [0.0 if j <= n_keys - n_queries + i else -math.inf for i in range(n_queries) for j in range(n_keys)]
        want = {"mask": array([n_queries, n_keys], ["query", "key"], mask, [0.0] * len(mask))}
        inputs = {"n_queries": n_queries, "n_keys": n_keys}
        return {"name": name, "function": "causal_mask", "inputs": inputs, "want": want}

    return [
        case("one token", 1, 1),
        case("a prompt of two", 2, 2),
        case("a prompt of four", 4, 4),
        case("one new token after three", 1, 4),
        case("two new tokens after three", 2, 5),
        case("a chunk of 7 after 9", 7, 16),
    ]


def pytorch(case):
    import torch

    n_queries, n_keys = case["inputs"]["n_queries"], case["inputs"]["n_keys"]
    whole = torch.full((n_keys, n_keys), -math.inf, dtype=torch.float64).triu(1)
    return {"mask": whole[n_keys - n_queries :].flatten().tolist()}

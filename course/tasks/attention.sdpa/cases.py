"""The cases of attention.sdpa, from small to large, and what float64 answers."""

import math
import random

from attention_oracle import attention_row, rows
from goldens import array, listed, normal, unlisted

NOT_WRITTEN = -77.0  # kNotWritten of learn/lesson_case.h: what the function must leave alone


def causal(n_queries, n_keys):
    return [0.0 if j <= n_keys - n_queries + i else -math.inf for i in range(n_queries) for j in range(n_keys)]


def cases():
    rng = random.Random(23)

    def case(name, n_queries, n_keys, head_dim, q=None, k=None, v=None, mask=None, q_stride=None, kv_stride=None):
        q_stride, kv_stride = q_stride or head_dim, kv_stride or head_dim
        q = q or normal(rng, n_queries * q_stride)
        k = k or normal(rng, n_keys * kv_stride)
        v = v or normal(rng, n_keys * kv_stride)
        keys, values = (rows(x, n_keys, kv_stride, 0, head_dim) for x in (k, v))
        out, tolerance = [NOT_WRITTEN] * len(q), [0.0] * len(q)
        for i, query in enumerate(rows(q, n_queries, q_stride, 0, head_dim)):
            own = mask[i * n_keys : (i + 1) * n_keys] if mask else None
            at = i * q_stride
            out[at : at + head_dim], tolerance[at : at + head_dim] = attention_row(query, keys, values, own)
        inputs = {"q": q, "k": k, "v": v} | ({"mask": listed(mask)} if mask else {})
        inputs |= {"n_queries": n_queries, "n_keys": n_keys, "head_dim": head_dim, "q_stride": q_stride, "kv_stride": kv_stride}
        want = {"out": array([n_queries, q_stride], ["query", "d"], out, tolerance)}
        return {"name": name, "function": "scaled_dot_product_attention", "inputs": inputs, "want": want}

    apart = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    return [
        case("one query, one key", 1, 1, 2, [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]),
        case("two keys, and the first one fits", 1, 2, 4, [2.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0], apart),
        case("a mask that hides the second key", 1, 2, 2, [1.0, 1.0], [1.0, 0.0, 3.0, 3.0], [5.0, 6.0, 7.0, 8.0], [0.0, -math.inf]),
        case("a mask that is added", 1, 3, 2, [1.0, -1.0], None, None, [0.5, -1.0, 0.25]),
        case("two queries, three keys", 2, 3, 2),
        case("each query has its own row of the mask", 3, 3, 4, mask=causal(3, 3)),
        case("two queries behind three that were there", 2, 5, 4, mask=causal(2, 5)),
        case("rows of q lie 6 apart, 2 are used", 3, 2, 2, q_stride=6),
        case("rows of k and v lie 5 apart, 3 are used", 2, 4, 3, kv_stride=5),
        case("large scores", 1, 3, 2, [40.0, -30.0], [30.0, -40.0, 29.0, -41.0, -35.0, 20.0]),
        case("a head of SmolLM2: 64 numbers, 20 tokens", 20, 20, 64, mask=causal(20, 20), q_stride=96, kv_stride=80),
    ]


def pytorch(case):
    import torch

    given = case["inputs"]
    n_queries, n_keys, d = given["n_queries"], given["n_keys"], given["head_dim"]
    q = torch.tensor(given["q"], dtype=torch.float64).view(n_queries, -1)[:, :d]
    k, v = (torch.tensor(given[name], dtype=torch.float64).view(n_keys, -1)[:, :d] for name in "kv")
    mask = torch.tensor(unlisted(given.get("mask", [0.0] * (n_queries * n_keys))), dtype=torch.float64).view(n_queries, n_keys)
    out = torch.full((n_queries, given["q_stride"]), NOT_WRITTEN, dtype=torch.float64)
    # torch.baddbmm is what torch.nn.MultiheadAttention calls.
    scores = torch.baddbmm(mask[None], (q / math.sqrt(d))[None], k.T[None])
    out[:, :d] = torch.bmm(torch.softmax(scores, -1), v[None])[0]
    return {"out": out.flatten().tolist()}

"""The cases of attention.grouped, from small to large, and what float64 answers."""

import math
import random

from attention_oracle import attention_row, rows
from goldens import array, listed, normal, unlisted

NOT_WRITTEN = -77.0  # kNotWritten of learn/lesson_case.h: heads outside of [head_begin, head_end)


def causal(n_queries, n_keys):
    return [0.0 if j <= n_keys - n_queries + i else -math.inf for i in range(n_queries) for j in range(n_keys)]


def cases():
    rng = random.Random(29)

    def case(name, n_queries, n_keys, n_heads, n_kv_heads, head_dim, mask=None, heads=None, q=None, k=None, v=None):
        begin, end = heads or (0, n_heads)
        q = q or normal(rng, n_queries * n_heads * head_dim)
        k = k or normal(rng, n_keys * n_kv_heads * head_dim)
        v = v or normal(rng, n_keys * n_kv_heads * head_dim)
        out, tolerance = [NOT_WRITTEN] * len(q), [0.0] * len(q)
        for h in range(begin, end):
            first = h // (n_heads // n_kv_heads) * head_dim
            keys, values = (rows(x, n_keys, n_kv_heads * head_dim, first, head_dim) for x in (k, v))
            for i, query in enumerate(rows(q, n_queries, n_heads * head_dim, h * head_dim, head_dim)):
                own = mask[i * n_keys : (i + 1) * n_keys] if mask else None
                at = (i * n_heads + h) * head_dim
                out[at : at + head_dim], tolerance[at : at + head_dim] = attention_row(query, keys, values, own)
        inputs = {"q": q, "k": k, "v": v} | ({"mask": listed(mask)} if mask else {})
        inputs |= {"n_queries": n_queries, "n_keys": n_keys, "n_heads": n_heads, "n_kv_heads": n_kv_heads}
        inputs |= {"head_dim": head_dim, "head_begin": begin, "head_end": end}
        want = {"out": array([n_queries, n_heads, head_dim], ["query", "head", "d"], out, tolerance)}
        return {"name": name, "function": "grouped_attention", "inputs": inputs, "want": want}

    return [
        case("one head", 1, 1, 1, 1, 2, q=[1.0, 2.0], k=[3.0, 4.0], v=[5.0, 6.0]),
        case("two heads with keys of their own", 1, 1, 2, 2, 1, q=[1.0, 1.0], k=[1.0, 1.0], v=[5.0, 6.0]),
        case("four heads, two share", 1, 1, 4, 2, 1, q=[1.0] * 4, k=[1.0, 1.0], v=[5.0, 6.0]),
        case("six heads, three share", 1, 2, 6, 2, 2),
        case("multi-query: all share one", 2, 3, 3, 1, 2),
        case("two queries, three keys, four heads", 2, 3, 4, 2, 2),
        case("a prompt of four with its mask", 4, 4, 4, 2, 4, causal(4, 4)),
        case("only heads 1 and 2 of four", 2, 2, 4, 2, 2, heads=(1, 3)),
        case("one new token of SmolLM2: 9 heads, 3 share, after 11", 1, 12, 9, 3, 64, causal(1, 12)),
    ]


def pytorch(case):
    import torch

    given = case["inputs"]
    n_queries, n_keys, n_heads, d = (given[name] for name in ("n_queries", "n_keys", "n_heads", "head_dim"))
    n_kv_heads = given["n_kv_heads"]
    q = torch.tensor(given["q"], dtype=torch.float64).view(1, n_queries, n_heads, d).transpose(1, 2)
    k, v = (torch.tensor(given[name], dtype=torch.float64).view(1, n_keys, n_kv_heads, d).transpose(1, 2) for name in "kv")
    # As repeat_kv of transformers: key head g stands n_heads / n_kv_heads times in a row.
    k, v = (x.repeat_interleave(n_heads // n_kv_heads, dim=1) for x in (k, v))
    mask = torch.tensor(unlisted(given.get("mask", [0.0] * (n_queries * n_keys))), dtype=torch.float64).view(n_queries, n_keys)
    weights = torch.softmax(torch.matmul(q, k.transpose(2, 3)) / math.sqrt(d) + mask, dim=-1)
    out = torch.full((n_queries, n_heads, d), NOT_WRITTEN, dtype=torch.float64)
    heads = slice(given["head_begin"], given["head_end"])
    out[:, heads] = torch.matmul(weights, v)[0].transpose(0, 1)[:, heads]
    return {"out": out.flatten().tolist()}

"""The cases of attention.multi_head, from small to large, and what float64 answers."""

import math
import random

from attention_oracle import attention_row, rows
from goldens import array, listed, normal, unlisted

NOT_WRITTEN = -77.0  # kNotWritten of learn/lesson_case.h: heads outside of [head_begin, head_end)


def causal(n_queries, n_keys):
    return [0.0 if j <= n_keys - n_queries + i else -math.inf for i in range(n_queries) for j in range(n_keys)]


def cases():
    rng = random.Random(111)

    def case(name, n_queries, n_keys, n_heads, head_dim, mask=None, heads=None, q=None, k=None, v=None):
        begin, end = heads or (0, n_heads)
        q = q or normal(rng, n_queries * n_heads * head_dim)
        k = k or normal(rng, n_keys * n_heads * head_dim)
        v = v or normal(rng, n_keys * n_heads * head_dim)
        out, tolerance = [NOT_WRITTEN] * len(q), [0.0] * len(q)
        for h in range(begin, end):
            first = h * head_dim
            keys, values = (rows(x, n_keys, n_heads * head_dim, first, head_dim) for x in (k, v))
            for i, query in enumerate(rows(q, n_queries, n_heads * head_dim, h * head_dim, head_dim)):
                own = mask[i * n_keys : (i + 1) * n_keys] if mask else None
                at = (i * n_heads + h) * head_dim
                out[at : at + head_dim], tolerance[at : at + head_dim] = attention_row(query, keys, values, own)
        inputs = {"q": q, "k": k, "v": v} | ({"mask": listed(mask)} if mask else {})
        inputs |= {"n_queries": n_queries, "n_keys": n_keys, "n_heads": n_heads}
        inputs |= {"head_dim": head_dim, "head_begin": begin, "head_end": end}
        want = {"out": array([n_queries, n_heads, head_dim], ["query", "head", "d"], out, tolerance)}
        return {"name": name, "function": "multi_head_attention", "inputs": inputs, "want": want}

    return [
        case("one head", 1, 1, 1, 2, q=[1.0, 2.0], k=[3.0, 4.0], v=[5.0, 6.0]),
        case("two heads, one key each", 1, 1, 2, 1, q=[1.0, 1.0], k=[1.0, 1.0], v=[5.0, 6.0]),
        case("two heads, two keys", 1, 2, 2, 2),
        case("two queries, three keys, three heads", 2, 3, 3, 2),
        case("a prompt of three with its mask", 3, 3, 2, 4, causal(3, 3)),
        case("only heads 1 and 2 of four", 2, 2, 4, 2, heads=(1, 3)),
        case("twelve heads of eight, one query", 1, 5, 12, 8),
    ]


def pytorch(case):
    import torch

    given = case["inputs"]
    n_queries, n_keys, n_heads, d = (given[name] for name in ("n_queries", "n_keys", "n_heads", "head_dim"))
    q = torch.tensor(given["q"], dtype=torch.float64).view(1, n_queries, n_heads, d).transpose(1, 2)
    k, v = (torch.tensor(given[name], dtype=torch.float64).view(1, n_keys, n_heads, d).transpose(1, 2) for name in "kv")
    mask = torch.tensor(unlisted(given.get("mask", [0.0] * (n_queries * n_keys))), dtype=torch.float64).view(n_queries, n_keys)
    weights = torch.softmax(torch.matmul(q, k.transpose(2, 3)) / math.sqrt(d) + mask, dim=-1)
    out = torch.full((n_queries, n_heads, d), NOT_WRITTEN, dtype=torch.float64)
    heads = slice(given["head_begin"], given["head_end"])
    out[:, heads] = torch.matmul(weights, v)[0].transpose(0, 1)[:, heads]
    return {"out": out.flatten().tolist()}

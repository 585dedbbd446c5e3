"""The cases of attention.qwen2, from small to large: a layer of a few numbers, in float64 with its bound of error."""

import random

from error_bound import exact, rows
from goldens import normal
from tiny_model_oracle import TinyModel, answer


def cases():
    rng = random.Random(103)

    def case(name, n_tokens, hidden, n_heads, n_kv_heads, head_dim, bias=True, before=0, n_layers=1, layer=0):
        model = TinyModel(rng, hidden, n_heads, n_kv_heads, head_dim, n_layers=n_layers, bias=bias)
        x = normal(rng, n_tokens * hidden)
        deltas, keys, values = model.attention(layer, [exact(row) for row in rows(x, hidden)])
        inputs = model.inputs() | {"x": x, "n_before": before, "layer": layer}
        want = {
            "keys": answer([n_tokens, n_kv_heads * head_dim], ["position", "i"], keys),
            "values": answer([n_tokens, n_kv_heads * head_dim], ["position", "i"], values),
            "delta": answer([n_tokens - before, hidden], ["token", "i"], deltas[before:]),
        }
        return {"name": name, "function": "attention", "inputs": inputs, "want": want}

    return [
        case("one token, no bias", 1, 2, 1, 1, 2, bias=False),
        case("one token", 1, 2, 1, 1, 2),
        case("two tokens", 2, 2, 1, 1, 2),
        case("two heads that share", 3, 4, 2, 1, 2),
        case("one new token after two", 3, 4, 2, 1, 2, before=2),
        case("two new tokens after two, heads of four", 4, 4, 4, 2, 4, before=2),
        case("the second of two layers", 3, 4, 2, 1, 2, n_layers=2, layer=1, before=1),
    ]

"""The cases of model.block, from small to large: a layer of a few numbers, in float64 with its bound of error."""

import random

from error_bound import exact, rows
from goldens import normal
from tiny_model_oracle import TinyModel, answer


def cases():
    rng = random.Random(105)

    def case(name, n_tokens, hidden, n_heads, n_kv_heads, head_dim, intermediate, before=0, n_layers=1, layer=0):
        model = TinyModel(rng, hidden, n_heads, n_kv_heads, head_dim, intermediate, n_layers=n_layers)
        h = normal(rng, n_tokens * hidden)
        out = model.block(layer, [exact(row) for row in rows(h, hidden)])
        inputs = model.inputs() | {"hidden": h, "n_before": before, "layer": layer}
        want = {"hidden": answer([n_tokens - before, hidden], ["token", "i"], out[before:])}
        return {"name": name, "function": "transformer_block", "inputs": inputs, "want": want}

    return [
        case("one token", 1, 2, 1, 1, 2, 3),
        case("two tokens", 2, 2, 1, 1, 2, 3),
        case("two heads, three tokens", 3, 4, 2, 1, 2, 6),
        case("one new token after two", 3, 4, 2, 1, 2, 6, before=2),
        case("the second of two layers", 3, 4, 2, 1, 2, 5, before=1, n_layers=2, layer=1),
    ]

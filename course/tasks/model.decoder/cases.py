"""The cases of model.decoder, from small to large: a whole model of a few numbers, in float64 with its bound of error."""

import random

from tiny_model_oracle import TinyModel, answer


def cases():
    rng = random.Random(106)

    def case(name, ids, n_layers, hidden=2, n_heads=1, n_kv_heads=1, head_dim=2, intermediate=3, vocab=5, before=0):
        model = TinyModel(rng, hidden, n_heads, n_kv_heads, head_dim, intermediate, n_layers, vocab)
        normed = model.normed(ids)[before:]
        inputs = {"token_ids": ids, "n_before": before} | model.inputs()
        want = {
            "normed": answer([len(normed), hidden], ["token", "i"], normed),
            "logits": answer([len(normed), vocab], ["token", "id"], model.logits(normed)),
        }
        return {"name": name, "function": "decoder", "inputs": inputs, "want": want}

    return [
        case("no layer: embedding, norm, head", [3], 0),
        case("one layer, one token", [3], 1),
        case("one layer, two tokens", [3, 1], 1),
        case("two layers", [3, 1], 2),
        case("two layers, one new token after two", [4, 2, 0], 2, before=2),
        case("three layers of two heads, after one", [1, 4, 4], 3, 4, 2, 1, 2, 5, 7, before=1),
    ]

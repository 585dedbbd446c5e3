"""The cases of loader.safetensors: headers as they stand in a file, and what is in them, sorted by name."""

import json

from goldens import lines


def cases():
    def case(name, tensors, metadata=None, padding=0):
        document = ({"__metadata__": metadata} if metadata is not None else {}) | {
            key: {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]} for key, (dtype, shape, begin, end) in tensors.items()
        }
        header = json.dumps(document, separators=(",", ":")) + " " * padding
        found = [f"data from byte {8 + len(header)} on"]
        found += [f"{key} {dtype} {shape} bytes {begin} to {end}" for key, (dtype, shape, begin, end) in sorted(tensors.items())]
        return {"name": name, "function": "read_safetensors_header", "inputs": {"header": {"text": header}}, "want": {"found": lines(found)}}

    return [
        case("no tensor", {}),
        case("one vector", {"w": ("F32", [2], 0, 8)}),
        case("one matrix", {"w": ("BF16", [2, 3], 0, 12)}),
        case("a single number", {"scale": ("F32", [], 0, 4)}),
        case("two tensors, one behind the other", {"a": ("F16", [4], 0, 8), "b": ("F32", [1, 2], 8, 16)}),
        case("the second name comes first in the data", {"b": ("F32", [1], 0, 4), "a": ("F32", [3], 4, 16)}),
        case("metadata is no tensor", {"w": ("F32", [2], 0, 8)}, metadata={"format": "pt"}),
        case("spaces behind the JSON belong to the header", {"w": ("F32", [2], 0, 8)}, padding=5),
        case("the first tensors of SmolLM2", {
            "model.embed_tokens.weight": ("BF16", [49152, 576], 0, 56623104),
            "model.layers.0.input_layernorm.weight": ("BF16", [576], 56623104, 56624256),
            "model.layers.0.mlp.down_proj.weight": ("BF16", [576, 1536], 56624256, 58393728),
        }, metadata={"format": "pt"}, padding=7),
    ]  # fmt: skip

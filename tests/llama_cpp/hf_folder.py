"""Hugging Face folders for the tests: SmolLM2 made from its GGUF file, and a tokenizer for models that have none."""

import json
import re
import struct

import gguf
import numpy as np


def write_safetensors(path, tensors):
    """tensors: {name: array of float16}"""
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            file.write(values.tobytes())


def split_halves(rows, n_heads):
    """Rows of q or k as GGUF has them, pairs side by side, in the order of Hugging Face: first halves, second halves."""
    n_out, n_in = rows.shape
    return rows.reshape(n_heads, n_out // n_heads // 2, 2, n_in).swapaxes(1, 2).reshape(n_out, n_in)


NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip


def hugging_face_name(name):
    parts = name.split(".")
    if parts[0] != "blk":
        return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}[name]
    return f"model.layers.{parts[1]}.{NAMES[parts[2]]}.{parts[3]}"


# Pretokenizers as tokenizer.json has them, by llama.cpp's name: (stages before ByteLevel, whether ByteLevel splits as GPT-2).
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}
PRETOKENIZERS = {
    "gpt-2": ([], True),
    "smollm": ([{"type": "Digits", "individual_digits": True}], True),
    "llama-bpe": ([{**SPLIT, "pattern": {"Regex": LLAMA3}}], False),
    "qwen2": ([{**SPLIT, "pattern": {"Regex": LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")}}], False),
}


def tokenizer_files(folder, tokens, merges, types, pretokenizer, config):
    """tokens: as GGUF has them; types 3: special; pretokenizer: of PRETOKENIZERS."""
    added = [
        {"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i, text in enumerate(tokens)
        if types[i] == 3
    ]
    stages, splits = PRETOKENIZERS[pretokenizer]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": splits}
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"} if pretokenizer == "qwen2" else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*stages, byte_level]}, "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "ignore_merges": pretokenizer == "llama-bpe",
                  "vocab": {text: i for i, text in enumerate(tokens)}, "merges": merges},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def smollm2_folder(folder, gguf_path):
    """The packaged SmolLM2 as its authors would publish it, weights in float16."""
    folder.mkdir()
    reader = gguf.GGUFReader(gguf_path)
    value = {name: field.contents() for name, field in reader.fields.items()}
    n_heads, n_kv_heads = value["llama.attention.head_count"], value["llama.attention.head_count_kv"]
    tensors = {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])
        if ".attn_q." in tensor.name:
            values = split_halves(values, n_heads)
        if ".attn_k." in tensor.name:
            values = split_halves(values, n_kv_heads)
        tensors[hugging_face_name(tensor.name)] = values.astype(np.float16)
    write_safetensors(folder / "model.safetensors", tensors)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16", "hidden_act": "silu",
        "vocab_size": len(value["tokenizer.ggml.tokens"]), "hidden_size": value["llama.embedding_length"],
        "intermediate_size": value["llama.feed_forward_length"], "num_hidden_layers": value["llama.block_count"],
        "num_attention_heads": n_heads, "num_key_value_heads": n_kv_heads, "tie_word_embeddings": True,
        "max_position_embeddings": value["llama.context_length"], "rope_theta": value["llama.rope.freq_base"],
        "rms_norm_eps": value["llama.attention.layer_norm_rms_epsilon"],
        "bos_token_id": value["tokenizer.ggml.bos_token_id"], "eos_token_id": value["tokenizer.ggml.eos_token_id"],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    tokens = value["tokenizer.ggml.tokens"]
    settings = {
        "bos_token": tokens[config["bos_token_id"]], "eos_token": tokens[config["eos_token_id"]],
        "chat_template": value["tokenizer.chat_template"],
    }  # fmt: skip
    tokenizer_files(folder, tokens, value["tokenizer.ggml.merges"], value["tokenizer.ggml.token_type"], "smollm", settings)
    return folder


def vocabulary_folder(folder, gguf_path, pretokenizer):
    """A model of one layer of zeros with SmolLM2's vocabulary behind another pretokenizer."""
    folder.mkdir()
    value = {name: field.contents() for name, field in gguf.GGUFReader(gguf_path).fields.items() if name.startswith("tokenizer.")}
    tokens = value["tokenizer.ggml.tokens"]
    n, kv, inner = 32, 16, 64
    shapes = {"attn_q": (n, n), "attn_k": (kv, n), "attn_v": (kv, n), "attn_output": (n, n), "ffn_gate": (inner, n),
              "ffn_up": (inner, n), "ffn_down": (n, inner), "attn_norm": (n,), "ffn_norm": (n,)}  # fmt: skip
    tensors = {hugging_face_name(f"blk.0.{name}.weight"): np.zeros(shape, np.float16) for name, shape in shapes.items()}
    tensors["model.embed_tokens.weight"] = np.zeros((len(tokens), n), np.float16)
    tensors["model.norm.weight"] = np.ones(n, np.float16)
    write_safetensors(folder / "model.safetensors", tensors)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16", "hidden_act": "silu",
        "vocab_size": len(tokens), "hidden_size": n, "intermediate_size": inner, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": True, "max_position_embeddings": 512,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    settings = {"bos_token": tokens[1], "eos_token": tokens[2]}
    tokenizer_files(folder, tokens, value["tokenizer.ggml.merges"], value["tokenizer.ggml.token_type"], pretokenizer, settings)
    return folder


def add_small_tokenizer(folder, n_tokens):
    """Letters and an end for a model of random weights, of which only the ids are asked."""
    tokens = [chr(ord("!") + i) for i in range(n_tokens - 1)] + ["<|endoftext|>"]
    types = [1] * (n_tokens - 1) + [3]
    tokenizer_files(folder, tokens, [], types, "gpt-2", {"eos_token": "<|endoftext|>"})


def keep_first_layers(folder, n_layers):
    """Cuts a folder of one safetensors file down to its first layers, all of which have experts; returns the new config."""
    data = (folder / "model.safetensors").read_bytes()
    n_header = int.from_bytes(data[:8], "little")
    kept, body = {}, b""
    for name, entry in json.loads(data[8 : 8 + n_header]).items():
        layer = re.match(r"model\.layers\.(\d+)\.", name)
        if name == "__metadata__" or (layer and int(layer[1]) >= n_layers):
            continue
        begin, end = entry["data_offsets"]
        kept[name] = {**entry, "data_offsets": [len(body), len(body) + end - begin]}
        body += data[8 + n_header + begin : 8 + n_header + end]
    header = json.dumps(kept).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + body)

    config = json.loads((folder / "config.json").read_text())
    config |= {"num_hidden_layers": n_layers, "layer_types": config["layer_types"][:n_layers], "mlp_only_layers": []}
    (folder / "config.json").write_text(json.dumps(config))
    return config


def without_windows(folder):
    """The folder's model sees all positions in each layer; returns its config."""
    config = json.loads((folder / "config.json").read_text())
    config.pop("layer_types", None)
    config |= {"use_sliding_window": False, "sliding_window": None}
    (folder / "config.json").write_text(json.dumps(config))
    return config

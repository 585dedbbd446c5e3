"""Writes a GGUF file in BF16 of Qwen2.5-0.5B's shapes with random weights, for programs that read files only.

usage: make_random_gguf.py TOKENIZER.gguf OUT.gguf     (the tokenizer: of a Qwen2.5 model, 151936 tokens)
"""

import os
import sys

import gguf
import numpy as np

VOCAB, HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS, HEAD_DIM = 151936, 896, 4864, 24, 14, 2, 64


def bfloat16(values):
    """f32 rounded to bf16, to even, as its bytes."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).view(np.uint8)


def copy_tokenizer(writer, path):
    n_tokens = 0
    for name, field in gguf.GGUFReader(path).fields.items():
        if not name.startswith("tokenizer."):
            continue
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, field.contents(), field.types[0], field.types[-1] if is_array else None)
        if name == "tokenizer.ggml.tokens":
            n_tokens = len(field.data)
    if n_tokens != VOCAB:
        sys.exit(f"{path} has {n_tokens} tokens, must have {VOCAB}")


def shapes():
    """(name, [n_out, n_in] or [n], mean of a vector) of every weight; the head is the embedding."""
    yield "token_embd.weight", (VOCAB, HIDDEN), 0
    yield "output_norm.weight", (HIDDEN,), 1
    projections = {
        "attn_q": (HEADS * HEAD_DIM, HIDDEN),
        "attn_k": (KV_HEADS * HEAD_DIM, HIDDEN),
        "attn_v": (KV_HEADS * HEAD_DIM, HIDDEN),
        "attn_output": (HIDDEN, HEADS * HEAD_DIM),
        "ffn_gate": (INTERMEDIATE, HIDDEN),
        "ffn_up": (INTERMEDIATE, HIDDEN),
        "ffn_down": (HIDDEN, INTERMEDIATE),
    }
    for layer in range(LAYERS):
        for name, shape in projections.items():
            yield f"blk.{layer}.{name}.weight", shape, 0
            if name in ("attn_q", "attn_k", "attn_v"):
                yield f"blk.{layer}.{name}.bias", shape[:1], 0
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", (HIDDEN,), 1


def add_weights(writer):
    random = np.random.default_rng(1)
    for name, shape, mean in shapes():
        if len(shape) == 1:
            writer.add_tensor(name, (mean + 0.1 * random.standard_normal(shape)).astype(np.float32))
            continue
        # Variance 1 / n_in: a product keeps the size of its input.
        values = random.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[1]))
        writer.add_tensor(name, bfloat16(values), raw_dtype=gguf.GGMLQuantizationType.BF16)


def main():
    tokenizer, out = sys.argv[1:3]
    writer = gguf.GGUFWriter(out + ".part", "qwen2", use_temp_file=False)
    writer.add_name("random weights of Qwen2.5-0.5B's shapes")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    writer.add_context_length(32768)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INTERMEDIATE)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    copy_tokenizer(writer, tokenizer)
    add_weights(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(out + ".part", out)


main()

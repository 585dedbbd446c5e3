"""Logits of tiny models that see a window and attention sinks only (Xiao et al. 2023, StreamingLLM), in f32.

    python tests/golden/make_streaming_goldens.py

writes data/streaming.json: a list of {"model": a folder of data/tiny, "window", "sinks", "token_ids", "lengths",
"logits": [length][vocab]}. As the paper says it: keys are kept before RoPE, what is not seen any more is dropped from
the cache, and positions are those within the cache. So nothing here is shared with how the engine does it.
"""

import json
import pathlib

import torch
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import rotate_half

DATA = pathlib.Path(__file__).parent / "data"
LENGTHS = [1, 19, 40, 130, 300]
CASES = [("llama-bf16-tied", 16, 4), ("llama-bf16-tied", 37, 1), ("qwen2-f32-untied", 64, 8), ("qwen3-f32-tied-yarn", 30, 4)]


def rotated(model, x, positions):
    cos, sin = model.model.rotary_emb(x, positions[None])
    return x * cos + rotate_half(x) * sin


def heads_of(projection, norm, x, head_dim):
    heads = projection(x).view(-1, head_dim)  # [n_heads, head_dim]
    return norm(heads) if norm is not None else heads


def attend(model, attention, x, cache, window, sinks):
    """One token. cache: the keys before RoPE and the values, [n, n_kv_heads, head_dim], without what is not seen."""
    dim = attention.head_dim
    q = heads_of(attention.q_proj, getattr(attention, "q_norm", None), x, dim)
    k = heads_of(attention.k_proj, getattr(attention, "k_norm", None), x, dim)
    cache.append((k, attention.v_proj(x).view(-1, dim)))
    if len(cache) > sinks + window:
        del cache[sinks]
    positions = torch.arange(len(cache))
    keys = rotated(model, torch.stack([k for k, _ in cache], dim=1), positions)  # [n_kv_heads, n, head_dim]
    values = torch.stack([v for _, v in cache], dim=1)
    q = rotated(model, q[:, None], positions[-1:])  # [n_heads, 1, head_dim]
    group = q.shape[0] // keys.shape[0]
    keys, values = keys.repeat_interleave(group, dim=0), values.repeat_interleave(group, dim=0)
    weights = torch.softmax(q @ keys.transpose(1, 2) * dim**-0.5, dim=-1)
    return attention.o_proj((weights @ values).reshape(1, -1))


def run(name, window, sinks):
    model = AutoModelForCausalLM.from_pretrained(DATA / "tiny" / name, dtype=torch.float32).eval()
    token_ids = json.loads((DATA / "tiny" / f"{name}.golden.json").read_text())["token_ids"]
    caches = [[] for _ in model.model.layers]
    logits = []
    for t, token_id in enumerate(token_ids):
        x = model.model.embed_tokens(torch.tensor([token_id]))
        for layer, cache in zip(model.model.layers, caches):
            x = x + attend(model, layer.self_attn, layer.input_layernorm(x), cache, window, sinks)
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        if t + 1 in LENGTHS:
            row = model.lm_head(model.model.norm(x))[0]
            logits.append([float(f"{value:.9g}") for value in row.tolist()])
    return {"model": name, "window": window, "sinks": sinks, "token_ids": token_ids, "lengths": LENGTHS, "logits": logits}


def main():
    with torch.inference_mode():
        cases = [run(*case) for case in CASES]
    (DATA / "streaming.json").write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()

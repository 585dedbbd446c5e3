"""Tiny random-weight folders of every architecture and the logits that transformers computes from them in f32.

    python tests/golden/make_tiny_models.py [CASE ...]

writes for each case, or for those named, data/tiny/CASE/ (config.json, safetensors: a model as it would be published) and data/tiny/CASE.golden.json
({"token_ids": [300], "lengths": [..], "logits": [length][vocab]}: the logits of the last of the first n tokens).
"""

import json
import pathlib
import shutil
import sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig

DATA = pathlib.Path(__file__).parent / "data" / "tiny"
LENGTHS = [1, 7, 33, 130, 300]
SIZES = dict(vocab_size=67, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=512)


def rope(kind, **numbers):
    return {"rope_type": kind, "rope_theta": 10000.0, **numbers}


# name -> (config, stored dtype, options). old_rope: config.json says it with rope_theta and rope_scaling, as files
# from before transformers 5 do. shard: several safetensors files with an index. no_layer_types: config.json says which
# layers have windows by max_window_layers alone.
CASES = {
    "llama-bf16-tied": (LlamaConfig(**SIZES, tie_word_embeddings=True, rope_parameters=rope("default")),
                        torch.bfloat16, {"old_rope"}),
    "llama-f32-untied-llama3-bias": (
        LlamaConfig(**SIZES, tie_word_embeddings=False, attention_bias=True, rope_parameters=rope(
            "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)),
        torch.float32, set()),
    "llama-f16-untied-linear-mlp-bias": (
        LlamaConfig(**(SIZES | dict(num_key_value_heads=4)), tie_word_embeddings=False, mlp_bias=True,
                    rope_parameters=rope("linear", factor=4.0)), torch.float16, {"old_rope"}),
    "qwen2-bf16-tied": (Qwen2Config(**SIZES, tie_word_embeddings=True, rope_parameters=rope("default")),
                        torch.bfloat16, set()),
    "qwen2-f32-untied": (Qwen2Config(**(SIZES | dict(num_key_value_heads=1)), tie_word_embeddings=False,
                                     rope_parameters=rope("default") | {"rope_theta": 1e6}),
                         torch.float32, {"old_rope"}),
    "qwen3-bf16-untied-yarn": (
        Qwen3Config(**SIZES, head_dim=20, tie_word_embeddings=False, rope_parameters=rope(
            "yarn", factor=4.0, original_max_position_embeddings=128)), torch.bfloat16, {"shard"}),
    "qwen3-f32-tied-yarn": (
        Qwen3Config(**SIZES, head_dim=14, tie_word_embeddings=True, rope_parameters=rope(
            "yarn", factor=8.0, original_max_position_embeddings=64, beta_fast=16.0, beta_slow=2.0,
            attention_factor=1.1)), torch.float32, {"old_rope"}),
    "qwen2moe-f32-untied": (
        Qwen2MoeConfig(**(SIZES | dict(num_hidden_layers=3)), tie_word_embeddings=False, num_experts=6, num_experts_per_tok=2,
                       moe_intermediate_size=40, shared_expert_intermediate_size=72, norm_topk_prob=False, mlp_only_layers=[1],
                       rope_parameters=rope("default")), torch.float32, set()),
    "qwen3moe-bf16-tied": (
        Qwen3MoeConfig(**SIZES, head_dim=20, tie_word_embeddings=True, num_experts=9, num_experts_per_tok=3,
                       moe_intermediate_size=24, norm_topk_prob=True, rope_parameters=rope("default")), torch.bfloat16, set()),
    # Windows: in all layers, from a layer on, and as a list of layers says.
    "mistral-f32-untied-window": (
        MistralConfig(**SIZES, tie_word_embeddings=False, sliding_window=24, rope_parameters=rope("default")),
        torch.float32, set()),
    "qwen2-bf16-tied-upper-windows": (
        Qwen2Config(**(SIZES | dict(num_hidden_layers=3)), tie_word_embeddings=True, use_sliding_window=True,
                    sliding_window=40, max_window_layers=1, rope_parameters=rope("default")), torch.bfloat16, {"no_layer_types"}),
    "qwen3-bf16-tied-listed-windows": (
        Qwen3Config(**(SIZES | dict(num_hidden_layers=3)), head_dim=20, tie_word_embeddings=True, use_sliding_window=True,
                    sliding_window=17, layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                    rope_parameters=rope("default")), torch.bfloat16, set()),
}


def fill(model, generator):
    """Matrices that keep activations near size 1, norms around 1, biases that matter."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.dim() == 1:
                weight.copy_(1 + 0.2 * noise if "norm" in name else 0.5 * noise)
            elif "embed_tokens" in name:
                weight.copy_(noise)
            else:
                weight.copy_(noise * 1.2 / weight.shape[1] ** 0.5)


def say_rope_as_before(path):
    config = json.loads(path.read_text())
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters.pop("rope_theta")
    if parameters["rope_type"] != "default":
        config["rope_scaling"] = parameters
    path.write_text(json.dumps(config, indent=2) + "\n")


def main():
    wanted = sys.argv[1:] or list(CASES)
    for seed, (name, (config, dtype, options)) in enumerate(CASES.items()):
        if name not in wanted:
            continue
        shutil.rmtree(DATA / name, ignore_errors=True)
        generator = torch.Generator().manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
        fill(model, generator)
        folder = DATA / name
        config.dtype = dtype
        model.to(dtype).save_pretrained(folder, max_shard_size="20KB" if "shard" in options else "1GB")
        (folder / "generation_config.json").unlink(missing_ok=True)
        if "no_layer_types" in options:
            config_json = json.loads((folder / "config.json").read_text())
            del config_json["layer_types"]
            (folder / "config.json").write_text(json.dumps(config_json, indent=2) + "\n")
        if "old_rope" in options:
            say_rope_as_before(folder / "config.json")

        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        token_ids = torch.randint(config.vocab_size, (max(LENGTHS),), generator=generator)
        logits = []
        with torch.inference_mode():
            for n in LENGTHS:
                row = model(input_ids=token_ids[None, :n]).logits[0, -1]
                logits.append([float(f"{value:.9g}") for value in row.tolist()])
        golden = {"token_ids": token_ids.tolist(), "lengths": LENGTHS, "logits": logits}
        (DATA / f"{name}.golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        print(name, sum(f.stat().st_size for f in folder.iterdir()), "bytes, logits std",
              round(float(torch.tensor(logits).std()), 3), model.model.rotary_emb.attention_scaling)


if __name__ == "__main__":
    main()

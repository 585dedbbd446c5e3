"""Damaged files, missing files, too little memory: one line that names the file, exit code 1, never a crash."""

import json
import math
import random
import re
import resource
import struct

import pytest
from conftest import ROOT

TINY = ROOT / "tests/golden/data/tiny/qwen2-bf16-tied"


def copy_of(folder, target):
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


@pytest.mark.parametrize("part", [0, 3, 100, 5000, 0.5, 0.999])
def test_truncated_gguf(tinyllm, models, tmp_path, part):
    whole = models["fine.gguf"].read_bytes()
    n = part if isinstance(part, int) else int(part * len(whole))
    file = tmp_path / "short.gguf"
    file.write_bytes(whole[:n])
    assert "short.gguf" in tinyllm.failure("generate", "-m", file, "-p", "F")


@pytest.mark.parametrize("part", [0, 5, 200, 0.5, 0.999])
def test_truncated_safetensors(tinyllm, models, tmp_path, part):
    folder = copy_of(models["fine"], tmp_path / "short")
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: part if isinstance(part, int) else int(part * len(whole))])
    assert "model.safetensors" in tinyllm.failure("generate", "-m", folder, "-p", "F")


def test_bit_flips_in_a_gguf_head_never_crash(tinyllm, models, tmp_path):
    whole = bytearray(models["fine.gguf"].read_bytes())
    head = whole.index(b"token_embd.weight") + 2000
    generator = random.Random(1)
    codes = set()
    for _ in range(40):
        flipped = bytearray(whole)
        flipped[generator.randrange(head)] ^= 1 << generator.randrange(8)
        file = tmp_path / "flipped.gguf"
        file.write_bytes(flipped)
        done = tinyllm.run("generate", "-m", file, "-p", "F", "-n", "3")
        codes.add(done.returncode)
        assert done.returncode in (0, 1), done
        assert done.returncode == 0 or (done.stderr.count(b"\n"), done.stderr[:9]) == (1, b"tinyllm: "), done
    assert codes == {0, 1}, "of 40 flips some must be harmless and some must be found"


def test_wrong_magic(tinyllm, models, tmp_path):
    file = tmp_path / "other.gguf"
    file.write_bytes(b"GGML" + models["fine.gguf"].read_bytes()[4:])
    assert "other.gguf" in tinyllm.failure("inspect", file)


def test_absurd_tensor_count(tinyllm, models, tmp_path):
    file = tmp_path / "absurd.gguf"
    whole = models["fine.gguf"].read_bytes()
    file.write_bytes(whole[:8] + struct.pack("<Q", 2**63) + whole[16:])
    assert "absurd.gguf" in tinyllm.failure("inspect", file)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_missing_file_of_a_folder(tinyllm, models, tmp_path, missing):
    folder = copy_of(models["fine"], tmp_path / "partial")
    (folder / missing).unlink()
    assert missing.split(".")[-1] in tinyllm.failure("generate", "-m", folder, "-p", "F")


def test_other_architecture_is_named(tinyllm, models, tmp_path):
    folder = copy_of(models["fine"], tmp_path / "bert")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("LlamaForCausalLM", "BertModel").replace('"llama"', '"bert"'))
    message = tinyllm.failure("inspect", folder)
    assert "BertModel" in message or "bert" in message


# One head of 4 numbers: K and V in f32 are 32 bytes a token; cos and sin of 2 pairs, twice for a moment, are 32 too.
@pytest.mark.parametrize("engine, what", [("batched", "RoPE tables"), ("reference", "keys and values")])
def test_context_beyond_the_memory_names_the_numbers(tinyllm, models, tmp_path, engine, what):
    folder = copy_of(models["fine"], tmp_path / "long")
    n_context = 1 << 24
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": n_context}))

    def limit_address_space():
        resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20))

    arguments = ["generate", "-m", folder, "-p", "F", "--context", n_context, "--engine", engine]
    message = tinyllm.failure(*arguments, preexec_fn=limit_address_space)
    assert message.startswith(f"a context of {n_context} tokens needs 537 MB for {what}, ")
    assert " MB are free; use a context of at most " in message


def test_a_model_larger_than_memory_is_refused_before_it_is_read(tinyllm, tmp_path):
    """The file has a hole of 275 GB where its embedding stands, and takes no space on the disk."""
    config = json.loads((TINY / "config.json").read_text())
    config |= {"vocab_size": 1 << 24, "hidden_size": 4096, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 32}
    config |= {"num_key_value_heads": 1, "head_dim": 128, "tie_word_embeddings": True}
    config.pop("layer_types", None)  # of two layers
    (tmp_path / "config.json").write_text(json.dumps(config))
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens.weight": [1 << 24, 4096], "model.norm.weight": [4096], layer + "input_layernorm.weight": [4096],
        layer + "self_attn.q_proj.weight": [4096, 4096], layer + "self_attn.k_proj.weight": [128, 4096],
        layer + "self_attn.v_proj.weight": [128, 4096], layer + "self_attn.q_proj.bias": [4096], layer + "self_attn.k_proj.bias": [128],
        layer + "self_attn.v_proj.bias": [128], layer + "self_attn.o_proj.weight": [4096, 4096],
        layer + "post_attention_layernorm.weight": [4096], layer + "mlp.gate_proj.weight": [32, 4096],
        layer + "mlp.up_proj.weight": [32, 4096], layer + "mlp.down_proj.weight": [4096, 32],
    }  # fmt: skip
    header, offset = {}, 0
    for name, shape in shapes.items():
        end = offset + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    said = tinyllm.failure("generate", "-m", tmp_path, "--token-ids", "1,2", "-n", "1", "--context", "64")
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))}: the weights need 275\.\d GB of memory, \d+\.\d GB are free; a smaller model fits, or this one with "
        r"fewer bits a weight", said.strip(),
    ), said  # fmt: skip

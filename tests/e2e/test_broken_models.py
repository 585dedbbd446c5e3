"""Damaged files, missing files, too little memory: one line that names the file, exit code 1, never a crash."""

import json
import random
import resource
import struct

import pytest


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

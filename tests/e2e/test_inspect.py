"""tinyllm inspect: for people and as JSON."""

import json
import re
import shutil

from conftest import ROOT
from toy_model import IM_END, MAX_SEQ_LEN, N_VOCAB, TEMPLATE

TINY = ROOT / "tests/golden/data/tiny"
N_PARAMETERS = 2 * N_VOCAB**2 + 3 * N_VOCAB + (8 + 4 + 4 + 8 + 8 + 8 + 8) * N_VOCAB


def test_json(tinyllm, models):
    facts = tinyllm.json("inspect", models["fine"], "--json")
    assert facts["path"] == str(models["fine"])
    assert (facts["container"], facts["architecture"]) == ("Hugging Face folder", "llama")
    assert (facts["parameters"], facts["formats"]) == (N_PARAMETERS, {"f32": 12})
    assert (facts["config"]["n_heads"], facts["config"]["n_kv_heads"], facts["config"]["head_dim"]) == (2, 1, 4)
    assert (facts["tokenizer"]["vocab_size"], facts["chat_template"]) == (N_VOCAB, True)
    assert {"id": IM_END, "text": "<|im_end|>"} in facts["stop_tokens"]
    rows = 2 * 4 * 2  # K and V, one head of 4, bf16 as chat keeps them
    assert [(need["context"], need["kv_bytes"], need["total_bytes"]) for need in facts["memory"]] == [
        (n, n * rows, n * rows + 4 * N_PARAMETERS) for n in (2048, MAX_SEQ_LEN)
    ]
    head = next(tensor for tensor in facts["tensors"] if tensor["name"] == "lm_head.weight")
    assert head == {
        "name": "lm_head.weight",
        "format": "f32",
        "shape": [N_VOCAB, N_VOCAB],
        "bytes": 4 * N_VOCAB**2,
    }


def test_gguf(tinyllm, models):
    facts = tinyllm.json("inspect", models["fine.gguf"], "--json")
    assert (facts["container"], facts["parameters"]) == ("GGUF", N_PARAMETERS)
    assert facts["file_bytes"] == models["fine.gguf"].stat().st_size


def test_windows(tinyllm, models, tmp_path):
    """Of each layer, as the file says."""
    assert "windows" not in tinyllm.json("inspect", models["fine"], "--json")["config"]
    assert "windows" not in tinyllm.text("inspect", models["fine"])
    folder = tmp_path / "mixed"
    shutil.copytree(TINY / "qwen2-f32-untied", folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"use_sliding_window": True, "sliding_window": 24, "layer_types": ["full_attention", "sliding_attention"]}
    (folder / "config.json").write_text(json.dumps(config))
    assert tinyllm.json("inspect", folder, "--json")["config"]["windows"] == [
        {"layers": 1, "window": 0, "sinks": 0},
        {"layers": 1, "window": 24, "sinks": 0},
    ]
    assert "  windows        1 layer sees all, 1 layer sees the last 24 positions\n" in tinyllm.text("inspect", folder)


def test_page_fits_80_columns(tinyllm, models):
    lines = tinyllm.text("inspect", models["fine"]).splitlines()
    assert [line for line in lines[1:] if len(line) > 80] == []
    assert "  model.layers.*.self_attn.q_proj.weight                8 x 260  1 f32" in lines


def test_every_tensor(tinyllm, models):
    lines = tinyllm.text("inspect", models["fine"], "--tensors").splitlines()
    assert sum(line.endswith("f32") for line in lines) == 12


def test_template(tinyllm, models):
    assert tinyllm.text("inspect", models["fine"], "--template") == TEMPLATE


def test_without_tokenizer_and_template(tinyllm, models):
    facts = tinyllm.json("inspect", models["no tokenizer"], "--json")
    assert (facts["tokenizer"], facts["chat_template"]) == (None, False)
    assert "no (a base model: use generate)" in tinyllm.text("inspect", models["base"])


def test_unusable_tokenizer_is_named_and_does_not_stop_it(tinyllm, models, tmp_path):
    folder = tmp_path / "sentencepiece"
    folder.mkdir()
    for file in models["fine"].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["type"] = "Unigram"
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    facts = tinyllm.json("inspect", folder, "--json")
    assert "Unigram" in facts["tokenizer"]["error"] and facts["parameters"] == N_PARAMETERS
    assert "Unigram" in tinyllm.failure("generate", "-m", folder, "-p", "x")


def test_show_is_inspect(tinyllm, models):
    assert tinyllm.text("show", models["fine"]) == tinyllm.text("inspect", models["fine"])


def test_memory_is_what_chat_takes(tinyllm, smollm2):
    (need,) = [need for need in tinyllm.json("inspect", smollm2, "--json")["memory"] if need["context"] == 2048]
    said = re.search(r"KV cache (\d+) MB", tinyllm.run("chat", "-m", smollm2, "-c", 2048, stdin="/stats").stderr.decode())
    assert abs(need["kv_bytes"] / 1e6 - int(said.group(1))) <= 1

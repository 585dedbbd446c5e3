"""The real default model end to end: what transformers says from the same file, and a sensible answer."""

import json

import pytest
from conftest import ROOT

# A smaller gap between the two highest logits decides nothing: int8 activations move a logit by some tenths.
NEAR_TIE = {"reference": 0.05, "batched": 0.5}
N_TOKENS = 16


def runs(near_tie):
    """(run, number of tokens before the first near tie), for prompts with at least 4 of them."""
    golden = json.loads((ROOT / "tests/golden/data/smollm2-135m.greedy.json").read_text())["runs"]
    ties = [next((i for i, gap in enumerate(run["gaps"]) if gap < near_tie), N_TOKENS) for run in golden]
    return [(run, min(n, N_TOKENS)) for run, n in zip(golden, ties) if n >= 4]


@pytest.mark.parametrize("engine", NEAR_TIE)
@pytest.mark.parametrize("index", range(3))
def test_greedy_tokens_of_transformers(tinyllm, smollm2, index, engine):
    run, n = runs(NEAR_TIE[engine])[index]
    answer = tinyllm.json(
        "generate", "-m", smollm2, "-p", run["prompt"], "--ignore-eos", "-n", N_TOKENS, "--json", "--top-logits", "1",
        "--engine", engine,
    )  # fmt: skip
    assert answer["prompt_tokens"] == len(run["prompt_ids"])
    assert answer["token_ids"][:n] == run["token_ids"][:n]
    assert answer["top_logits"][0]["id"] == run["token_ids"][0]


def test_answers_a_question(tinyllm, smollm2):
    text = tinyllm.text("chat", "-m", smollm2, "--temperature", "0", "-n", "64", "-p", "What is the capital of France?")
    assert "Paris" in text


def test_inspect(tinyllm, smollm2):
    facts = tinyllm.json("inspect", smollm2, "--json")
    assert (facts["architecture"], facts["parameters"], facts["chat_template"]) == ("llama", 134515008, True)
    assert (facts["tokenizer"]["vocab_size"], facts["file_bytes"]) == (49152, 98362432)


def test_template(tinyllm, smollm2):
    text = tinyllm.text("template", "-m", smollm2, "-", stdin='[{"role": "user", "content": "Hi"}]')
    assert text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_stops_in_the_middle_of_a_damaged_file(tinyllm, smollm2, tmp_path):
    with open(smollm2, "rb") as whole:
        (tmp_path / "short.gguf").write_bytes(whole.read(5_000_000))
    assert "short.gguf" in tinyllm.failure("generate", "-m", tmp_path / "short.gguf", "-p", "x")

"""llama.cpp reads the GGUF files that `tinyllm quantize` makes of Hugging Face folders, and says what this engine says."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy_model

for package in ("xllamacpp", "gguf"):
    pytest.importorskip(package, reason=f"NOT RUN: llama.cpp's tests need {package}")

from hf_folder import PRETOKENIZERS, add_small_tokenizer, keep_first_layers, smollm2_folder, vocabulary_folder, without_windows  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = Path(os.environ.get("TINYLLM_BIN", ROOT / "build/release/tinyllm"))
TINY = ROOT / "tests/golden/data/tiny"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
MODELS = Path(os.environ.get("TINYLLM_HOME") or CACHE / "tinyllm") / "models"
SMOLLM2 = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"


def tinyllm(*arguments, stdin=""):
    done = subprocess.run([str(BINARY), *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def quantized(folder, path, quantisation="q8_0"):
    tinyllm("quantize", folder, path, "--type", quantisation)
    return path


def generate(model, ids, n, *flags):
    prompt = ",".join(map(str, ids))
    return json.loads(tinyllm("generate", "-m", model, "--token-ids", prompt, "-n", n, "--temperature", 0, *flags, "--json"))


def expect_same_greedy(model, ids, theirs, n):
    """This engine's greedy tokens; they may differ from a near tie on, since both round activations in their own way."""
    ours = generate(model, ids, n)["token_ids"]
    assert ours
    same = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    if same == n or same == len(ours) == len(theirs):
        return
    logits = {entry["id"]: entry["logit"] for entry in generate(model, [*ids, *ours[:same]], 1, "--top-logits", 20)["top_logits"]}
    theirs_next = theirs[same] if same < len(theirs) else None
    gap = max(logits.values()) - logits.get(theirs_next, -math.inf)
    if gap == 0:
        return  # the end token, which only their list holds
    print(f"the same for {same} of {n} tokens, then a near tie: {gap:.2f}")
    assert same >= 3 and gap < 0.5, (ours, theirs)


def ask_llama_cpp(model, questions):
    lines = "\n".join(map(json.dumps, questions))
    command = [sys.executable, HERE / "ask_llama_cpp.py", model]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [json.loads(line.removeprefix("ids ")) for line in done.stdout.splitlines() if line.startswith("ids ")]
    assert len(answers) == len(questions), done.stdout
    return answers


@pytest.mark.parametrize("name", sorted(path.name for path in TINY.iterdir() if path.is_dir()))
def test_small_models_of_every_architecture(tmp_path, name):
    """Pairing of q and k, biases, norms of q and k, a head of its own, each kind of RoPE scaling: random weights."""
    folder = tmp_path / name
    shutil.copytree(TINY / name, folder)
    config = json.loads((folder / "config.json").read_text())
    if config.get("mlp_only_layers"):  # llama.cpp wants experts in each layer of a Qwen2-MoE: keep what is below the first without
        config = keep_first_layers(folder, config["mlp_only_layers"][0])
    if "window" in name:  # llama.cpp's llama, qwen2 and qwen3 see all positions, whatever the file says
        config = without_windows(folder)
    n_tokens = config["vocab_size"]
    add_small_tokenizer(folder, n_tokens)
    model = quantized(folder, tmp_path / "out.gguf")
    ids = [(7 * i + i * i) % (n_tokens - 1) for i in range(200)]  # beyond the lengths that are scaled
    n = 12
    [theirs] = ask_llama_cpp(model, [{"ids": ids, "n": n}])
    expect_same_greedy(model, ids, theirs, n)


def test_a_model_whose_answer_is_known(tmp_path):
    chain = toy_model.spell("Fine é!")
    folder = toy_model.write_folder(tmp_path / "toy", chain)
    model = quantized(folder, tmp_path / "out.gguf")
    text = "th\n"
    ids, answer = ask_llama_cpp(model, [{"text": text}, {"ids": [toy_model.TH, 10], "n": 8}])
    assert ids == [toy_model.TH, 10]
    assert answer == [*"Fine é!".encode()][:8]


TEXTS = [
    "Hello, world! It's 2024, and 12345 apples cost $6.78.",
    "  two spaces, a tab\tand\n\nlines; naïve façade, 東京, 🙂",
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
]


def expect_same_tokens(models, theirs):
    for text, ids in zip(TEXTS, theirs, strict=True):
        for model in models:
            assert ids == json.loads(tinyllm("tokenize", "-m", model, "--json", stdin=text)), (model, text)


def require_smollm2():
    if not SMOLLM2.exists():
        pytest.skip(f"NOT RUN: no {SMOLLM2.name}; ./tiny pull smollm2-135m fetches it")


@pytest.mark.parametrize("pretokenizer", PRETOKENIZERS)
def test_every_pretokenizer_splits_as_in_the_folder(tmp_path, pretokenizer):
    require_smollm2()
    source = vocabulary_folder(tmp_path / "hf", SMOLLM2, pretokenizer)
    model = quantized(source, tmp_path / "out.gguf")
    expect_same_tokens((model, source), ask_llama_cpp(model, [{"text": text} for text in TEXTS]))


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory):
    require_smollm2()
    folder = tmp_path_factory.mktemp("smollm2")
    return folder, smollm2_folder(folder / "hf", SMOLLM2)


@pytest.mark.parametrize("quantisation", ["q8_0", "q4_k"])
def test_smollm2(smollm2, quantisation):
    folder, source = smollm2
    model = quantized(source, folder / f"{quantisation}.gguf", quantisation)
    tokens = ask_llama_cpp(model, [{"text": text} for text in TEXTS])
    expect_same_tokens((model, source), tokens)
    n = 24
    answers = ask_llama_cpp(model, [{"ids": ids, "n": n} for ids in tokens[2:]])
    for ids, theirs in zip(tokens[2:], answers, strict=True):
        expect_same_greedy(model, ids, theirs, n)

"""The small inputs of ../shared/cases that went wrong once, with their right values. They need no reference library."""

import json
import subprocess

import pytest
from conftest import ROOT

TOKENIZERS = ["add-bos-flag-false-with-template", "add-bos-flag-plain-class", "added-token-spelt-in-byte-alphabet", "decoder-flags-override",
              "ignore-merges-added-token-word"]
TEMPLATES = ["template-big-integers", "template-format-and-recursion", "template-unknown-name-not-reached"]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizer(answers, shared_cases, tmp_path, name):
    for file in (shared_cases / name).glob("tokenizer*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")  # no tensors
    cases = json.loads((shared_cases / name / "cases.json").read_text(encoding="utf-8"))
    answer = answers.ask(folder=str(tmp_path), texts=[case["text"] for case in cases["cases"]])
    kind = "plain" if cases["special_tokens_as_text"] else "with_special"
    assert answer.get(kind) == [case["want"] for case in cases["cases"]], answer


@pytest.mark.parametrize("name", TEMPLATES)
def test_template(answers, shared_cases, name):
    cases = json.loads((shared_cases / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    for case in cases:
        answer = answers.ask(template=case["template"], inputs=case["inputs_as_text"])
        assert answer == {"text": case["want"]}, (case, answer)


def generate(model, *arguments):
    command = [ROOT / "build/release/tinyllm", "generate", "-m", model, *arguments]
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, text=True)


@pytest.mark.parametrize("name", ["control", "gguf-end-token-user-defined", "gguf-eos-minus-one", "gguf-template-that-does-not-parse"])
def test_gguf(shared_cases, name):
    """Each says abc and ends, as the control does."""
    done = generate(shared_cases / f"{name}.gguf", "--prompt", "\n", "--temperature", "0", "-n", "8")
    assert (done.returncode, done.stdout) == (0, "abc\n"), done


@pytest.mark.parametrize("name", ["safetensors-kv-scale", "safetensors-f64-buffer", "tied-but-two-matrices"])
def test_folder(shared_cases, name):
    case = json.loads((shared_cases / name / "case.json").read_text(encoding="utf-8"))
    ids = " ".join(map(str, case["token_ids"]))
    done = generate(shared_cases / name, "--token-ids", ids, "-n", "1", "--temperature", "0", "--top-logits", "5", "--json")
    assert done.returncode == 0, done
    found = json.loads(done.stdout)["top_logits"]
    assert [entry["id"] for entry in found] == [id for id, _ in case["want_top5"]], found

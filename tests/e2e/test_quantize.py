"""tinyllm quantize, and --quantize at load."""

import os
import struct

import pytest
import toy_model
from conftest import BINARY, ROOT, Tinyllm
from terminal import Terminal

TINY = ROOT / "tests/golden/data/tiny"
TEXT = "The lighthouse stands on the cliff. Every evening the keeper climbs the stairs and lights the lamp.\n" * 8


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def before(smollm2, book, tmp_path_factory):
    """The perplexity of the source."""
    return perplexity(Tinyllm(tmp_path_factory.mktemp("home")), smollm2, book)


def perplexity(tinyllm, model, book):
    return tinyllm.json("perplexity", "-m", model, "-f", book, "--engine", "reference", "--json")["perplexity"]


# How much worse than the source the text may be predicted; measured on SmolLM2's own Q4_1: 0.1 %, 10 %, 9 %.
@pytest.mark.parametrize("quantisation, loss, bits", [("q8_0", 0.01, 8.5), ("q4_0", 0.2, 5.4), ("q4_k", 0.2, 6.0)])
def test_smollm2(tinyllm, smollm2, book, before, tmp_path, quantisation, loss, bits):
    out = tmp_path / "out.gguf"
    done = tinyllm.run("quantize", smollm2, out, "--type", quantisation)
    assert done.returncode == 0, done
    assert done.stdout.decode().startswith(f"{out}: 210 matrices, 96.6 MB -> ")
    assert b"was quantised before" in done.stderr
    assert (b"the file grew: q8_0 has more bits" in done.stderr) == (quantisation == "q8_0")
    facts = tinyllm.json("inspect", out, "--json")
    assert (facts["parameters"], facts["chat_template"]) == (134515008, True)
    assert out.stat().st_size < 134515008 * bits / 8 + 3e6
    after = perplexity(tinyllm, out, book)
    assert after < before * (1 + loss)
    assert abs(after - before) > 1e-4 * before  # the weights did change
    assert sorted(os.listdir(tmp_path)) == ["out.gguf"]


def top_logits(tinyllm, model, *flags):
    """(every logit after a prompt, the greedy tokens that follow); matrices that stay BF16 become f16 or f32 in the file"""
    command = ["generate", "-m", model, "--token-ids", "1,2,3,4,50,60,9,8,7", "--ignore-eos", "--exact-float", *flags, "--json"]
    logits = tinyllm.json(*command, "-n", "1", "--top-logits", "67")["top_logits"]
    return {entry["id"]: entry["logit"] for entry in logits}, tinyllm.json(*command, "-n", "30")["token_ids"]


# The same bits where the file holds the same rows in the same order and no number that a key rounds; a llama's heads are
# turned (pairs side by side), which changes the order of sums, and YaRN's factors are f32 in the file.
@pytest.mark.parametrize("quantisation, flag", [("q8_0", "q8"), ("q4_k", "q4")])
@pytest.mark.parametrize("name", sorted(path.name for path in TINY.iterdir() if path.is_dir()))
def test_a_folder_becomes_a_file(tinyllm, tmp_path, name, quantisation, flag):
    """The engine says of the file what it says of the folder quantised at load."""
    out = tmp_path / "out.gguf"
    assert tinyllm.text("quantize", TINY / name, out, "--type", quantisation).startswith(f"{out}: ")
    want, want_ids = top_logits(tinyllm, TINY / name, "--quantize", flag)
    got, ids = top_logits(tinyllm, out)
    if name.startswith("qwen2"):
        assert got == want
    size = max(abs(x) for x in want.values())
    assert max(abs(got[i] - want[i]) for i in want) < 1e-3 * size
    assert ids == want_ids


def test_a_folder_with_a_tokenizer_chats_as_a_file(tinyllm, models, tmp_path):
    """Tokens, special tokens, template and the tokens that end an answer come along."""
    out = tmp_path / "fine.gguf"
    assert tinyllm.text("quantize", models["fine"], out, "--type", "q8_0").startswith(f"{out}: 9 matrices, ")
    for model in (models["fine"], out):
        assert tinyllm.text("chat", "-m", model, "-p", "Hi", "--temperature", "0") == "Fine é!\n"
    source, file = (tinyllm.json("inspect", model, "--json") for model in (models["fine"], out))
    for key in ("architecture", "parameters", "chat_template"):
        assert source[key] == file[key], key


def test_a_folder_without_a_tokenizer(tinyllm, models, tmp_path):
    out = tmp_path / "x.gguf"
    tinyllm.text("quantize", models["no tokenizer"], out)
    assert tinyllm.json("generate", "-m", out, "--token-ids", "10", "-n", "2", "--json")["token_ids"] == [70, 105]


def test_a_tokenizer_that_gguf_cannot_say(tinyllm, tmp_path):
    folder = toy_model.write_folder(tmp_path / "other", toy_model.loop())
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"ByteLevel", "add_prefix_space": false', '"ByteLevel", "add_prefix_space": true', 1))
    message = tinyllm.failure("quantize", folder, tmp_path / "x.gguf")
    assert message == f"{path}: add_prefix_space is true, which GGUF files cannot say; nothing is written"
    assert sorted(os.listdir(tmp_path)) == ["other"]


def test_the_input_is_refused_as_output(tinyllm, models, tmp_path):
    gguf = tmp_path / "same.gguf"
    gguf.write_bytes(models["fine.gguf"].read_bytes())
    assert "is the input" in tinyllm.failure("quantize", gguf, gguf, code=2)
    assert gguf.read_bytes() == models["fine.gguf"].read_bytes()


def test_a_folder_that_is_not_there(tinyllm, models, tmp_path):
    message = tinyllm.failure("quantize", models["fine.gguf"], tmp_path / "no/x.gguf")
    assert message == f"{tmp_path}/no/x.gguf: cannot be written: No such file or directory"


def test_a_full_disk_leaves_nothing(tinyllm, smollm2, tmp_path):
    import resource

    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))  # noqa: E731
    done = tinyllm.run("quantize", smollm2, tmp_path / "x.gguf", preexec_fn=limit)
    assert done.returncode == 1
    assert b"x.gguf: cannot be written: " in done.stderr
    assert os.listdir(tmp_path) == []


def test_weights_that_are_not_finite(tinyllm, models, tmp_path):
    """Nothing is written from a damaged model."""
    broken = bytearray(models["fine.gguf"].read_bytes())
    broken[-4:] = struct.pack("<f", float("nan"))
    (tmp_path / "broken.gguf").write_bytes(broken)
    message = tinyllm.failure("quantize", tmp_path / "broken.gguf", tmp_path / "x.gguf", "--type", "q8_0")
    assert "has values that are not finite" in message
    assert os.listdir(tmp_path) == ["broken.gguf"]


@pytest.mark.parametrize("bits", ["q8", "q4"])
def test_at_load(tinyllm, bits):
    """The logits move, by no more than so many bits allow."""
    command = ["generate", "-m", TINY / "qwen2-bf16-tied", "--token-ids", "1,2,3,4", "-n", "1", "--top-logits", "67"]
    plain, quantised = (
        {entry["id"]: entry["logit"] for entry in tinyllm.json(*command, "--json", *flags)["top_logits"]}
        for flags in ([], ["--quantize", bits])
    )
    size = max(abs(x) for x in plain.values())
    error = max(abs(plain[i] - quantised[i]) for i in plain) / size
    assert 1e-5 < error < {"q8": 0.05, "q4": 0.3}[bits]


def test_it_asks_before_it_replaces(tinyllm, models, tmp_path):
    out = tmp_path / "out.gguf"
    out.write_bytes(b"mine")
    message = tinyllm.failure("quantize", models["fine"], out, code=2)
    assert message.startswith(f"{out} exists, and there is no terminal to ask on: give -y")
    assert out.read_bytes() == b"mine"
    for answer, replaced in (("n\n", False), ("\n", False), ("y\n", True)):
        out.write_bytes(b"mine")
        terminal = Terminal([BINARY, "quantize", models["fine"], out], tinyllm.env, columns=200)
        terminal.wait_for("out.gguf exists (0.0 MB); replace it? [y/N] ")
        terminal.type(answer)
        assert terminal.exit_code() == 0
        terminal.close()
        assert (out.read_bytes()[:4] == b"GGUF") == replaced
    assert tinyllm.run("quantize", "-y", models["fine"], out).returncode == 0


"""tinyllm perplexity against what the toy model's probabilities give."""

import json
import math

import pytest
from conftest import ROOT
from toy_model import NLL_HIT, NLL_MISS


def expected(text, window):
    """Every successor in the alphabet is a hit, but not the first byte of a window, which is not scored."""
    pairs = [(a, b) for i, (a, b) in enumerate(zip(text, text[1:])) if (i + 1) % window]
    hits = sum(b == (97 if a == 32 else 32 if a == 122 else a + 1) for a, b in pairs)
    return len(pairs), hits * NLL_HIT + (len(pairs) - hits) * NLL_MISS


@pytest.mark.parametrize("window", [2, 7, 12, 100])
def test_windows(tinyllm, models, tmp_path, window):
    file = tmp_path / "text"
    file.write_bytes(b"abcdxyz abqqab z")
    score = tinyllm.json("perplexity", "-m", models["loop"], "-f", file, "--context", window, "--json")
    n_tokens, nll = expected(file.read_bytes(), window)
    assert score == {
        "tokens": n_tokens,
        "nll": pytest.approx(nll, rel=1e-5),
        "perplexity": pytest.approx(math.exp(nll / n_tokens), rel=1e-5),
    }


def test_for_people(tinyllm, models):
    text = tinyllm.text("perplexity", "-m", models["loop"], "-f", "-", stdin="abcdefgh")
    assert text == "perplexity 1.0000 over 7 tokens, in windows of 8\n"


def test_special_text_is_text(tinyllm, models):
    score = tinyllm.json("perplexity", "-m", models["loop"], "-f", "-", "--json", stdin="<|im_end|>")
    assert score["tokens"] == len("<|im_end|>") - 1


def test_too_short(tinyllm, models):
    message = tinyllm.failure("perplexity", "-m", models["loop"], "-f", "-", stdin="a")
    assert message == "-: has 1 tokens, at least 2 are needed"


def test_what_formats_of_keys_and_values_cost(tinyllm, smollm2):
    """On a real model: nothing with f32, and more with fewer bits. 4 bits on a small model are warned of."""
    text = (ROOT / "tests/golden/data/perplexity.txt").read_text()[:3000]
    divergence, warned = {}, {}
    for kv_type in ("f32", "int8", "fp8", "q4"):
        flags = ("--kv-type", kv_type, "--kv-divergence", "--json")
        done = tinyllm.run("perplexity", "-m", smollm2, "-f", "-", *flags, stdin=text)
        assert done.returncode == 0, done
        divergence[kv_type] = json.loads(done.stdout)
        warned[kv_type] = b"for models of 7 billion parameters or more" in done.stderr
    assert warned == {"f32": False, "int8": False, "fp8": False, "q4": True}
    assert divergence["f32"]["kl_max"] == 0 and divergence["f32"]["same_top"] == 1
    medians = [divergence[kv_type]["kl_median"] for kv_type in ("f32", "int8", "fp8", "q4")]
    assert medians == sorted(medians) and medians[1] > 0
    assert medians[3] < 0.5, "keys turned and queries not, or values not turned back, would leave nothing"
    assert divergence["q4"]["places"] >= 16


def test_divergence_of_too_little(tinyllm, models):
    said = tinyllm.failure("perplexity", "-m", models["loop"], "-f", "-", "--kv-divergence", stdin="abc")
    assert "at least 32 are needed" in said
    flags = ("--kv-divergence", "--engine", "reference")
    assert "works with --engine batched only" in tinyllm.failure(
        "perplexity", "-m", models["loop"], "-f", "-", *flags, stdin="abc" * 50, code=2
    )

"""tinyllm perplexity against what the toy model's probabilities give."""

import math

import pytest
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

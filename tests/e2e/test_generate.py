"""tinyllm generate: text, ids, JSON, stops, sampling, context."""

import pytest
from toy_model import IM_END, LOGIT


def test_continues_a_text(tinyllm, models):
    assert tinyllm.text("generate", "-m", models["fine"], "-p", "F") == "ine é!\n"


def test_gguf_says_the_same(tinyllm, models):
    assert tinyllm.text("generate", "-m", models["fine.gguf"], "-p", "F") == "ine é!\n"


def test_json_has_exactly_the_promised_fields(tinyllm, models):
    answer = tinyllm.json("generate", "-m", models["fine"], "-p", "xF", "--json", "--top-logits", "3")
    timings = answer.pop("timings")
    top = answer.pop("top_logits")
    assert answer == {
        "text": "ine é!",
        "token_ids": [*"ine é!".encode()],
        "prompt_tokens": 2,
        "cached_tokens": 0,
        "finish_reason": "stop",
    }
    assert [(entry["id"], entry["logit"]) for entry in top] == [
        (ord("i"), pytest.approx(LOGIT, rel=1e-5)),
        (0, 0.0),
        (1, 0.0),
    ]
    assert list(timings) == ["load_s", "ttft_s", "prefill_tok_s", "decode_tok_s"]
    assert all(value > 0 for value in timings.values())


def test_prompt_from_a_file_and_from_stdin(tinyllm, models, tmp_path):
    assert tinyllm.text("generate", "-m", models["loop"], "-n", "3", "-f", "-", stdin="x\ny") == "z a\n"
    (tmp_path / "prompt.txt").write_text("a\nc")
    assert tinyllm.text("generate", "-m", models["loop"], "-n", "3", "-f", tmp_path / "prompt.txt") == "def\n"


def test_missing_prompt_file(tinyllm, models):
    message = tinyllm.failure("generate", "-m", models["loop"], "-f", "/nonexistent.txt")
    assert message == "/nonexistent.txt: cannot be read: No such file or directory"


def test_token_ids_without_a_tokenizer(tinyllm, models):
    ids = f"{ord('x')},{ord('F')}"
    answer = tinyllm.json("generate", "-m", models["no tokenizer"], "--token-ids", ids, "--json")
    assert (answer["text"], answer["token_ids"], answer["prompt_tokens"]) == ("", [*"ine é!".encode()], 2)
    plain = tinyllm.text("generate", "-m", models["no tokenizer"], "--token-ids", ids, "-n", "2")
    assert plain == f"{ord('i')} {ord('n')}\n"


def test_text_prompt_without_a_tokenizer(tinyllm, models):
    message = tinyllm.failure("generate", "-m", models["no tokenizer"], "-p", "F")
    assert "has no tokenizer" in message and "--token-ids" in message


@pytest.mark.parametrize("ids, found", [("1,260", "'260'"), ("1,-1", "'-1'"), ("1 two", "'two'")])
def test_bad_token_ids(tinyllm, models, ids, found):
    message = tinyllm.failure("generate", "-m", models["fine"], "--token-ids", ids)
    assert message == f"--token-ids: {found} is not a token id; it must be in [0, 260)"


def test_empty_prompt(tinyllm, models):
    message = tinyllm.failure("generate", "-m", models["fine"], "-p", "")
    assert message == "the prompt is empty; give at least one token"


def test_max_tokens(tinyllm, models):
    answer = tinyllm.json("generate", "-m", models["loop"], "-p", "a", "-n", "5", "--json")
    assert (answer["text"], answer["finish_reason"]) == ("bcdef", "length")


def test_ignore_eos_goes_on(tinyllm, models):
    answer = tinyllm.json("generate", "-m", models["fine"], "-p", "F", "-n", "9", "--ignore-eos", "--json")
    assert answer["token_ids"][:8] == [*"ine é!".encode(), IM_END]
    assert (len(answer["token_ids"]), answer["finish_reason"]) == (9, "length")


def test_recompute_gives_the_same(tinyllm, models):
    one, other = (
        tinyllm.json("generate", "-m", models["loop"], "-p", "a", "-n", "40", "--json", *flags)
        for flags in ([], ["--recompute", "--engine", "reference"])
    )
    assert one["token_ids"] == other["token_ids"] == [*("bcdefghijklmnopqrstuvwxyz abcdefghijklmn".encode())]


@pytest.mark.parametrize("stop, text", [("f", "bcde"), ("ijk", "bcdefgh"), ("jx", None)])
def test_stop_text_may_span_tokens(tinyllm, models, stop, text):
    answer = tinyllm.json("generate", "-m", models["loop"], "-p", "a", "-n", "12", "--json", "--stop", stop)
    expected = ("bcdefghijklm", "length") if text is None else (text, "stop")
    assert (answer["text"], answer["finish_reason"]) == expected


def test_earliest_of_several_stops(tinyllm, models):
    assert tinyllm.text("generate", "-m", models["loop"], "-p", "a", "--stop", "zz", "--stop", "e") == "bcd\n"


def test_special_tokens_in_the_prompt(tinyllm, models):
    for flags, n_tokens in ([], 2), (["--no-special"], 1 + len("<|im_end|>")):
        answer = tinyllm.json("generate", "-m", models["loop"], "-p", "a<|im_end|>", "-n", "1", "--json", *flags)
        assert answer["prompt_tokens"] == n_tokens
    assert tinyllm.json("generate", "-m", models["loop"], "-p", "th", "-n", "1", "--json")["prompt_tokens"] == 1


def test_seed_decides_the_draw(tinyllm, models):
    def draw(seed):
        # A bias levels the one likely token, so that the draw is among all 260.
        flags = ["--temperature", "1", "--logit-bias", f"{ord('b')}=-{LOGIT}", "--seed", seed, "-n", "1"]
        return tinyllm.json("generate", "-m", models["loop"], "-p", "a", "--json", *flags)["token_ids"]

    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(8)}) >= 4


def test_bad_logit_bias_is_usage(tinyllm, models):
    message = tinyllm.failure("generate", "-m", models["loop"], "-p", "a", "--logit-bias", "b", code=2)
    assert message.startswith("--logit-bias: 'b' is not ID=VALUE")


def test_context_overflow_names_both_numbers(tinyllm, models):
    message = tinyllm.failure("generate", "-m", models["loop"], "-p", "a" * 50, "--context", "50")
    assert message.startswith("the prompt has 50 tokens, the context holds 50 ")
    message = tinyllm.failure("generate", "-m", models["loop"], "-p", "a" * 5000)
    assert message.startswith("the prompt has 5000 tokens, the context holds 4096 ")


def test_answer_ends_with_the_context(tinyllm, models):
    answer = tinyllm.json("generate", "-m", models["loop"], "-p", "abc", "--context", "10", "--json")
    assert (answer["text"], answer["finish_reason"]) == ("defghij", "length")

"""tinyllm bench on toy models: the shape of what it says, and that its numbers fit together."""

import statistics

import pytest


def test_json(tinyllm, models):
    result = tinyllm.json(
        "bench", "-m", models["loop"], "--prompt", 40, "--gen", 8, "--batch", "1,3,16", "--repeat", 4, "-t", 2, "--json"
    )
    assert (result["threads"], result["prompt"], result["gen"]) == (2, 40, 8)
    for kind in ("prefill_tok_s", "decode_tok_s"):
        assert len(result[kind]["runs"]) == 4 and min(result[kind]["runs"]) > 0
        assert result[kind]["median"] == pytest.approx(statistics.median(result[kind]["runs"]))
    assert list(result["batch"]) == ["1", "3", "16"]
    assert result["batch"]["1"]["total_tok_s"] == result["decode_tok_s"]["median"]
    assert all(entry["total_tok_s"] > 0 for entry in result["batch"].values())
    # f32 matrices and norms, less the untied embedding; rows padded to panels of 32
    n_head = 288 * 260 * 4
    assert n_head < result["packed_bytes_per_token"] < 2 * n_head
    read = result["packed_bytes_per_token"] * result["decode_tok_s"]["median"]
    assert result["decode_gb_s"] == pytest.approx(read / 1e9)
    assert 0.1 < result["read_bandwidth_gb_s"] <= result["best_read_bandwidth_gb_s"]
    assert result["read_bandwidth_share"] == pytest.approx(result["decode_gb_s"] / result["read_bandwidth_gb_s"])


def test_profile(tinyllm, models):
    # So many tokens that three texts meet though a busy machine lets the next one come late.
    arguments = ("bench", "-m", models["loop"], "--prompt", 40, "--gen", 1000, "--batch", "1,3", "--repeat", 1, "--profile")
    profile = tinyllm.json(*arguments, "--json")["profile"]
    assert list(profile) == ["prefill", "decode", "decode together"]
    for kind in profile.values():
        assert list(kind["parts"])[0] == "embedding" and list(kind["parts"])[-2:] == ["waiting", "rest"]
        assert sum(part["share"] for part in kind["parts"].values()) == pytest.approx(1)
        assert sum(part["ms_a_step"] for part in kind["parts"].values()) == pytest.approx(kind["ms_a_step"])
    assert "gb_s" in profile["decode"]["parts"]["down"] and "gb_s" not in profile["decode"]["parts"]["norm"]
    assert "\nprefill: 2 steps of 40 tokens, " in tinyllm.text(*arguments)


@pytest.mark.parametrize("command", ["generate", "chat"])
def test_the_reference_path_has_no_profile(tinyllm, models, command):
    arguments = (command, "-m", models["loop"], "-p", "a", "--profile", "--engine", "reference")
    assert "--profile works with --engine batched only" in tinyllm.failure(*arguments, code=2)


def test_table(tinyllm, models):
    text = tinyllm.text("bench", "-m", models["fine"], "--prompt", 5, "--gen", 3, "--batch", "4", "--repeat", 1)
    lines = text.splitlines()
    assert lines[0].startswith(f"{models['fine']}, ")
    assert [line.split("  ")[0] for line in lines[3:6]] == ["prefill 5", "decode 3", "decode 3 x 4"]
    assert "of weights" in lines[7] and "% of the" in lines[7]


def test_smallest(tinyllm, models):
    result = tinyllm.json(
        "bench", "-m", models["no tokenizer"], "--prompt", 1, "--gen", 1, "--batch", 1, "--repeat", 1, "--json"
    )
    assert result["decode_tok_s"]["median"] > 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--batch", "0"], "--batch: is 0, must be in [1, 1024]"),
        (["--prompt", "0"], "--prompt: is 0, must be in [1, 1048576]"),
        (["--repeat", "x"], "--repeat"),
    ],
)
def test_usage(tinyllm, models, arguments, message):
    assert message in tinyllm.failure("bench", "-m", models["fine"], *arguments, code=2)


def test_more_than_the_model_can(tinyllm, models):
    message = tinyllm.failure("bench", "-m", models["fine"], "--prompt", 100000000, code=2)
    assert "--prompt" in message


def test_what_drafts_are_worth(tinyllm, smollm2):
    """The command itself fails where a text differs."""
    report = tinyllm.json("bench", "-m", smollm2, "--speculate", "--draft-model", smollm2, "--gen", 12, "--repeat", 1, "--json")
    assert set(report) == {"edit", "repetition", "json", "code", "prose", "schema", "chat"}
    assert all(len(text["plain_tok_s"]) == 1 and text["tokens_a_step"] >= 1 for text in report.values())
    message = tinyllm.failure("bench", "-m", smollm2, "--draft-model", smollm2, code=2)
    assert message.startswith("--draft-model works with --speculate only")

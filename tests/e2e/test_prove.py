"""`tinyllm prove`: the same bits under every condition, on a real model where it is there."""

import json

import pytest
import toy_model


def test_smollm2_answers_with_the_same_bits_under_every_condition(tinyllm, smollm2):
    proof = tinyllm.json("prove", "-m", smollm2, "-n", "32", "--draft-model", smollm2, "--json")
    assert proof["proven"]
    conditions = [step["condition"] for step in proof["steps"]]
    assert conditions == [
        "alone",
        "with other threads",
        "in chunks",
        "in a crowd",
        "from the prefix cache",
        "after preemption",
        "with drafts",
        "with a draft model",
        "after a restart",
    ]
    assert all(step["equal"] and step["met"] for step in proof["steps"])
    assert len({step["hash"] for step in proof["steps"]}) == 1


def test_a_prompt_too_short_to_be_cached_is_refused(tinyllm, smollm2):
    assert "at least 64 are needed" in tinyllm.failure("prove", "-m", smollm2, "-p", "hello")


def test_windows_are_proven_as_well(tinyllm, smollm2):
    """A text that is longer than its memory, and no preemption, since blocks are given back."""
    flags = ("--window", "40", "--sinks", "4", "--kv-type", "int8")
    proof = tinyllm.json("prove", "-m", smollm2, "-n", "32", *flags, "--json")
    assert proof["proven"]
    conditions = {step["condition"]: step for step in proof["steps"]}
    assert {"alone", "in chunks", "from the prefix cache", "in less memory", "after a restart"} <= set(conditions)
    done = [step for step in proof["steps"] if step["applies"]]
    assert all(step["equal"] and step["met"] for step in done)
    assert "in less memory" in {step["condition"] for step in done}
    assert "after preemption" in conditions
    whole = tinyllm.json("prove", "-m", smollm2, "-n", "32", "--kv-type", "int8", "--json")
    assert conditions["alone"]["hash"] != whole["steps"][0]["hash"]


def test_a_window_that_holds_all_is_refused(tinyllm, smollm2):
    for window in ("4000", "120"):  # longer than the text, and near its length
        said = tinyllm.failure("prove", "-m", smollm2, "-n", "32", "--window", window, "--sinks", "4", code=2)
        assert "do not fit into the window's memory; give a smaller window" in said


@pytest.mark.parametrize(("window", "applies"), [(4096, False), (24, True)])
def test_a_model_with_windows_of_its_own(tinyllm, tmp_path, window, applies):
    """As Mistral's 4096: what the texts are too short for is said to be so, and the rest is proven."""
    model = toy_model.write_folder(tmp_path / "model", toy_model.loop())
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "sliding_window": window}
    (model / "config.json").write_text(json.dumps(config))
    prompt = "abcdefghij" * 8
    proof = tinyllm.json("prove", "-m", model, "-p", prompt, "-n", "64", "--json")
    assert proof["proven"]
    conditions = {step["condition"]: step for step in proof["steps"]}
    assert conditions["in less memory"]["applies"] == applies
    assert conditions["after preemption"]["applies"] or applies
    assert all(step["equal"] and step["met"] for step in proof["steps"] if step["applies"])
    told = tinyllm.run("prove", "-m", model, "-p", prompt, "-n", "64").stdout.decode()
    assert ("not applicable: the window needs" in told) != applies, told

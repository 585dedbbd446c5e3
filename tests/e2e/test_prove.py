"""`tinyllm prove`: the same bits under every condition, on a real model where it is there."""


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
    assert all(step["equal"] and step["met"] for step in proof["steps"])
    whole = tinyllm.json("prove", "-m", smollm2, "-n", "32", "--kv-type", "int8", "--json")
    assert conditions["alone"]["hash"] != whole["steps"][0]["hash"]


def test_a_window_that_holds_all_is_refused(tinyllm, smollm2):
    said = tinyllm.failure("prove", "-m", smollm2, "--window", "4000", "--sinks", "4", code=2)
    assert "all of which are in sight; give a smaller window" in said

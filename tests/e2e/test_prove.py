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

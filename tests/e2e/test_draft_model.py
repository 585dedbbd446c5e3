"""A draft model on the command line and in the server: the same texts, and one line for what cannot draft."""

import json
import re

import pytest
import toy_model


@pytest.fixture(scope="module")
def backwards(tmp_path_factory):
    """Has the vocabulary of the others and says another text."""
    return toy_model.write_folder(tmp_path_factory.mktemp("draft") / "backwards", toy_model.loop("zyxwvutsrqponmlkjihgfedcba "))


@pytest.mark.parametrize("drafts", ["loop", "backwards"])
@pytest.mark.parametrize("speculate", ["auto", "model"])
def test_the_text_is_the_same(tinyllm, models, backwards, drafts, speculate):
    asked = ["generate", "-m", models["loop"], "-p", "x", "-n", "100"]
    draft_model = {"loop": models["loop"], "backwards": backwards}[drafts]
    assert tinyllm.text(*asked, "--draft-model", draft_model, "--speculate", speculate) == tinyllm.text(*asked)


def test_a_server_counts_its_drafts(start_server, models):
    """Several answers at a time; a model that drafts for itself is never wrong, if it finds that to be worth its time."""
    server = start_server(models["loop"], "--draft-model", models["loop"], "--speculate", "model")
    asked = {"prompt": ["a", "k", "x"], "max_tokens": 200, "ignore_eos": True, "temperature": 0}
    answer = server.post("/v1/completions", asked).json()
    alphabet = "abcdefghijklmnopqrstuvwxyz " * 9
    assert [choice["text"] for choice in answer["choices"]] == [alphabet[i : i + 200] for i in (1, 11, 24)]
    details = answer["usage"]["completion_tokens_details"]
    assert details["rejected_prediction_tokens"] == 0
    server.wait_until_idle()
    assert server.metric("vllm:spec_decode_num_accepted_tokens_total") == details["accepted_prediction_tokens"]


@pytest.mark.parametrize("drafts", ["loop", "backwards"])
def test_the_proof_drafts_with_it(tinyllm, models, backwards, drafts):
    draft_model = {"loop": models["loop"], "backwards": backwards}[drafts]
    done = tinyllm.run("prove", "-m", models["loop"], "-p", "so it goes on " * 6 + "a", "-n", "32", "--draft-model", draft_model, "--json")
    proof = json.loads(done.stdout)  # no other condition is asked for here
    [step] = [step for step in proof["steps"] if step["condition"] == "with a draft model"]
    n_accepted, n_drafts = map(int, re.fullmatch(r"(\d+) of (\d+) drafts accepted", step["what"]).groups())
    assert step["equal"] and step["met"] and n_drafts > 32
    assert (n_accepted == n_drafts) == (drafts == "loop")


def test_what_cannot_draft_is_refused(tinyllm, models, tmp_path):
    asked = ["generate", "-m", models["loop"], "-p", "x"]

    def failure(*flags, code=1):
        return tinyllm.failure(*asked, *map(str, flags), code=code)

    assert failure("--speculate", "model", code=2).startswith("--speculate model needs --draft-model")
    for speculate in ["off", "suffix"]:
        message = failure("--draft-model", models["loop"], "--speculate", speculate, code=2)
        assert message.startswith("--draft-model works with --speculate auto or model only")
    message = failure("--draft-model", models["loop"], "--engine", "reference", code=2)
    assert message.startswith("--draft-model works with --engine batched only")
    assert "nobody-knows-it" in failure("--draft-model", "nobody-knows-it")
    assert "a draft model needs the vocabulary of the model that it drafts for" in failure("--draft-model", "random:qwen2.5-0.5b-1l:q4_0")
    context = toy_model.MAX_SEQ_LEN + 1
    done = tinyllm.run(*asked, "--draft-model", models["loop"], "-c", context)
    assert done.returncode == 1 and f"the context has {context}; lower --context" in done.stderr.decode()

"""A draft model on the command line and in the server: the same texts, and one line for what cannot draft."""

import json
import re

import pytest
import toy_model


@pytest.fixture(scope="module")
def backwards(tmp_path_factory):
    """Has the vocabulary of the others and says another text."""
    return toy_model.write_folder(tmp_path_factory.mktemp("draft") / "backwards", toy_model.loop("zyxwvutsrqponmlkjihgfedcba "))


@pytest.fixture(scope="module")
def dear(tmp_path_factory):
    """Says what `loop` says, and has 2048 rows where that has 260: a draft of `loop` costs next to nothing beside its steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy_model, "N_VOCAB", 2048)
        return toy_model.write_folder(tmp_path_factory.mktemp("target") / "dear", toy_model.loop())


@pytest.mark.parametrize("drafts", ["loop", "backwards"])
@pytest.mark.parametrize("speculate", ["auto", "model"])
def test_the_text_is_the_same(tinyllm, models, dear, backwards, drafts, speculate):
    asked = ["generate", "-m", dear, "-p", "x", "-n", "100"]
    draft_model = {"loop": models["loop"], "backwards": backwards}[drafts]
    assert tinyllm.text(*asked, "--draft-model", draft_model, "--speculate", speculate) == tinyllm.text(*asked)


def test_a_server_counts_its_drafts(start_server, models, dear):
    """A model that says the same is never wrong. One thread: nobody waits for another, so that costs are told well."""
    server = start_server(dear, "--draft-model", models["loop"], "--speculate", "model", "--threads", 1)
    asked = {"prompt": ["a", "k", "x"], "max_tokens": 200, "ignore_eos": True, "temperature": 0}
    answer = server.post("/v1/completions", asked).json()
    alphabet = "abcdefghijklmnopqrstuvwxyz " * 9
    assert [choice["text"] for choice in answer["choices"]] == [alphabet[i : i + 200] for i in (1, 11, 24)]
    details = answer["usage"]["completion_tokens_details"]
    assert details["rejected_prediction_tokens"] == 0
    assert details["accepted_prediction_tokens"] > 0
    server.wait_until_idle()
    assert server.metric("vllm:spec_decode_num_accepted_tokens_total") == details["accepted_prediction_tokens"]
    by_place = [server.metric("vllm:spec_decode_num_accepted_tokens_per_pos_total", position=i) for i in range(16)]
    assert sum(by_place) == details["accepted_prediction_tokens"] and by_place == sorted(by_place, reverse=True)
    assert by_place[0] == server.metric("vllm:spec_decode_num_drafts_total")


def test_a_draft_model_may_have_fewer_rows(start_server, models, dear):
    """A bias on a token that only the large one has, and masks of a grammar, which are made for the large one."""
    server = start_server(dear, "--draft-model", models["loop"], "--speculate", "model", "--threads", 1)
    plain = {"prompt": ["a", "k", "x"], "max_tokens": 200, "ignore_eos": True, "temperature": 0}
    texts = []
    for more in [{}, {"logit_bias": {"1000": 1}}, {"structured_outputs": {"regex": "[a-z ]*"}}]:
        answer = server.post("/v1/completions", {**plain, **more}).json()
        texts.append([choice["text"] for choice in answer["choices"]])
    assert texts[0] == texts[1] == texts[2]
    server.wait_until_idle()
    assert server.metric("vllm:spec_decode_num_accepted_tokens_total") > 0


@pytest.mark.parametrize("drafts", ["loop", "backwards"])
def test_the_proof_drafts_with_it(tinyllm, models, backwards, drafts):
    draft_model = {"loop": models["loop"], "backwards": backwards}[drafts]
    done = tinyllm.run("prove", "-m", models["loop"], "-p", "so it goes on " * 6 + "a", "-n", "32", "--draft-model", draft_model, "--json")
    proof = json.loads(done.stdout)  # no other condition is asked for here
    [step] = [step for step in proof["steps"] if step["condition"] == "with a draft model"]
    pattern = r"(\d+) of (\d+) drafts accepted, (\d+) preemptions"
    n_accepted, n_drafts, n_preemptions = map(int, re.fullmatch(pattern, step["what"]).groups())
    assert step["equal"] and step["met"] and n_drafts > 32 and n_preemptions > 0
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
    for speculate in ["model", "suffix"]:
        message = failure("--speculate", speculate, "--engine", "reference", code=2)
        assert message.startswith(f"--speculate {speculate} works with --engine batched only")
    text = tmp_path / "text"
    text.write_text("abcdef")
    for engine in ["batched", "reference"]:
        scored = ["perplexity", "-m", models["loop"], "-f", text, "--engine", engine]
        message = tinyllm.failure(*scored, "--draft-model", models["loop"], code=2)
        assert message.startswith("perplexity reads a text and guesses no token: --draft-model does nothing here")
    assert "nobody-knows-it" in failure("--draft-model", "nobody-knows-it")
    assert "a draft model needs the vocabulary of the model that it drafts for" in failure("--draft-model", "random:qwen2.5-0.5b-1l:q4_0")
    context = toy_model.MAX_SEQ_LEN + 1
    done = tinyllm.run(*asked, "--draft-model", models["loop"], "-c", context)
    assert done.returncode == 1 and f"the context has {context}; lower --context" in done.stderr.decode()


def test_drafting_ends_with_the_window(tinyllm, models):
    asked = ["generate", "-m", models["loop"], "-p", "x", "-n", "100", "--window", "64", "--sinks", "4"]
    done = tinyllm.run(*asked, "--draft-model", models["loop"])
    assert done.stderr.decode().count("drafts until a text is longer than its window, and then no more") == 1
    assert done.stdout == tinyllm.run(*asked).stdout

"""A conversation gives the same token ids in serve, batch, chat and learn, whatever the tokenizer adds to a text.

As with transformers' apply_chat_template(tokenize=True), the template alone decides: BOS and EOS of the tokenizer are
not put around what it wrote.
"""

import json

import pytest
import toy_model
from toy_model import END_OF_TEXT, IM_END, IM_START

# What the post-processor of tokenizer.json puts before and behind a text. add_bos_token of tokenizer_config.json says
# nothing beside it, as in transformers 5.
ADDS = {"nothing": ([], []), "BOS": ([END_OF_TEXT], []), "EOS": ([], [IM_END]), "both": ([END_OF_TEXT], [IM_END])}
MESSAGES = [{"role": "user", "content": "Hi <|im_end|>"}]  # what a person wrote is no special token
WANTED = [IM_START, *b"user\nHi <|im_end|>", IM_END, *b"\n", IM_START, *b"assistant\n"]


def post_processor(before, behind):
    pieces = lambda ids: [{"SpecialToken": {"id": toy_model.SPECIALS[id], "type_id": 0}} for id in ids]
    known = {toy_model.SPECIALS[id]: {"id": toy_model.SPECIALS[id], "ids": [id], "tokens": []} for id in before + behind}
    single = [*pieces(before), {"Sequence": {"id": "A", "type_id": 0}}, *pieces(behind)]
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": known}


@pytest.fixture(scope="module", params=ADDS)
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "toy"
    toy_model.write_folder(folder, toy_model.spell("Fine é!"), settings={"add_bos_token": request.param == "nothing"})
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["post_processor"] = post_processor(*ADDS[request.param])
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


def around(model, ids):
    """What the tokenizer makes of a text with these ids."""
    before, behind = next(adds for name, adds in ADDS.items() if model.parent.name.startswith(name))
    return before + ids + behind


def test_serve(model, start_server):
    server = start_server(model)
    ask = {"messages": MESSAGES, "return_token_ids": True}
    answer = server.post("/v1/chat/completions", ask).json()
    assert answer["prompt_token_ids"] == WANTED
    assert answer["choices"][0]["message"]["content"] == "Fine é!"
    assert server.post("/tokenize", {"messages": MESSAGES}).json()["tokens"] == WANTED
    # The request's own word counts.
    asked = server.post("/v1/chat/completions", {**ask, "add_special_tokens": True, "max_tokens": 1}).json()
    assert asked["prompt_token_ids"] == around(model, WANTED)
    tokenized = server.post("/tokenize", {"messages": MESSAGES, "add_special_tokens": True}).json()
    assert tokenized["tokens"] == around(model, WANTED)
    # A bare text is the tokenizer's.
    assert server.post("/tokenize", {"prompt": "Hi"}).json()["tokens"] == around(model, [*b"Hi"])


def test_batch(model, tinyllm, tmp_path):
    body = {"messages": MESSAGES, "return_token_ids": True}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    (tmp_path / "in.jsonl").write_text(json.dumps(line))
    done = tinyllm.run("batch", tmp_path / "in.jsonl", "-m", model)
    assert done.returncode == 0 and done.stderr.startswith(b"batch: 1 done, 0 failed; "), done
    assert json.loads(done.stdout)["response"]["body"]["prompt_token_ids"] == WANTED


def test_chat(model, tinyllm):
    # An EOS behind "assistant\n" would end the chain.
    assert tinyllm.text("chat", "-m", model, "-p", MESSAGES[0]["content"]) == "Fine é!\n"


def test_learn(model, tinyllm, tmp_path):
    report = tmp_path / "voice.json"
    done = tinyllm.run("learn", "run-voice", model, MESSAGES[0]["content"], report)
    assert done.returncode == 0, done
    heard = json.loads(report.read_text())
    assert heard == {"prompt_ids": WANTED, "token_ids": [*"Fine é!".encode(), IM_END]}

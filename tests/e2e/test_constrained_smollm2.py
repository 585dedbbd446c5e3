"""Answers of the real default model that follow JSON schemas, as a user of the openai package asks for them."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

openai = pytest.importorskip("openai", reason="LACKS the openai package (tests/e2e/requirements.txt)")
jsonschema = pytest.importorskip("jsonschema", reason="LACKS the jsonschema package (tests/e2e/requirements.txt)")


def record(properties, **more):
    """An object with just these properties, all of them required unless `more` says otherwise."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False, **more}


def integer(least, most):
    return {"type": "integer", "minimum": least, "maximum": most}


def text(most, **more):
    return {"type": "string", "maxLength": most, **more}


CIRCLE = record({"kind": {"const": "circle"}, "r": integer(0, 1000)})
BOX = record({"kind": {"const": "box"}, "w": integer(1, 9), "h": integer(1, 9)})
TAGS = {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2}
SCHEMAS = {
    "person": record({"name": text(12), "age": integer(0, 150)}),
    "optional": record({"a": integer(0, 9), "b": text(5), "c": {"type": "boolean"}}, required=["b"]),
    "enum": {"enum": ["red", "green", 3, None, True, {"a": [1, 2]}]},
    "const": {"const": {"x": [1, 'é\n"\\', None]}},
    "array": {"type": "array", "items": integer(-20, 20), "minItems": 2, "maxItems": 5},
    "tuple": {"type": "array", "prefixItems": [text(4), {"type": "null"}], "items": False, "minItems": 2},
    "any of": {"anyOf": [integer(0, 99), text(6), {"type": "array", "items": {"type": "boolean"}, "maxItems": 3}]},
    "all of": {
        "type": "object",
        "allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 5, "maximum": 500}}}],
        "required": ["a"],
        "maxProperties": 1,
    },
    "one of": {"oneOf": [CIRCLE, BOX]},
    "recursive": {
        "$defs": {"tree": record({"v": integer(0, 9), "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}})},
        "$ref": "#/$defs/tree",
    },
    "patterns": record({"zip": {"type": "string", "pattern": "^[0-9]{5}(-[0-9]{4})?$"}, "code": text(9, pattern="^[A-Z]{2,4}-\\d+$")}),
    "formats": record({"day": {"type": "string", "format": "date"}, "address": {"type": "string", "format": "ipv4"}}),
    "multiples": record({"m": {**integer(-100, 100), "multipleOf": 7}, "e": {"type": "number", "multipleOf": 0.5, "maximum": 9}}),
    "open range": record({"x": {"type": "number", "exclusiveMinimum": -1.5, "exclusiveMaximum": 2.25}}),
    "types": {"type": ["integer", "null", "boolean"], "minimum": -3, "maximum": 3},
    "map": {"type": "object", "propertyNames": {"pattern": "^[a-c]$"}, "additionalProperties": integer(0, 5), "minProperties": 1},
    "nested": record({"list": {"type": "array", "items": record({"tags": TAGS}), "maxItems": 2}}),
    "other letters": record({"grüße": {"type": "string", "pattern": "^[äöüß]{1,4}$"}, "日本": {"enum": ["語", "人"]}}),
    "lengths": text(20, minLength=10),
    "words of the model": {"type": "array", "items": {"enum": ["<|im_end|>", "<|endoftext|>"]}, "minItems": 1, "maxItems": 2},
    "dependent": record({"a": {"type": "boolean"}, "b": {"type": "boolean"}}, required=[], dependentRequired={"a": ["b"]}),
}
TEMPERATURES = (0, 1.5)
SEEDS = range(8) if os.environ.get("TINYLLM_LONG") else (3,)
TALK = "Write a long story about the sea."
LONG_TEXT = record({"story": text(400)})


@pytest.fixture(scope="module")
def server(start_server, smollm2):
    return start_server(smollm2, "--served-model-name", "smollm2", "--speculate", "suffix")


@pytest.fixture(scope="module")
def server_without_drafts(start_server, smollm2):
    return start_server(smollm2, "--served-model-name", "smollm2", "--speculate", "off")


def client_of(server):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0, timeout=120)


def question(words, schema=None, **more):
    body = {"model": "smollm2", "messages": [{"role": "user", "content": words}], "max_tokens": 120, "temperature": 0, **more}
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    return body


def questions():
    """(schema or None, body): every schema, cold and hot, and free texts among them."""
    for seed in SEEDS:
        for temperature in TEMPERATURES:
            for name, schema in SCHEMAS.items():
                yield schema, question(f"Answer in JSON. Give an example of: {name}", schema, temperature=temperature, seed=seed)
            yield None, question(TALK, temperature=temperature, seed=seed, max_tokens=60)


def ask(client, body):
    """(text, finish reason) of a whole answer."""
    [choice] = client.chat.completions.create(**body).choices
    return choice.message.content, choice.finish_reason


def ask_streamed(client, body):
    """The same, from the pieces."""
    pieces, reason = [], None
    for chunk in client.chat.completions.create(stream=True, **body):
        [choice] = chunk.choices
        pieces.append(choice.delta.content or "")
        reason = choice.finish_reason or reason
    return "".join(pieces), reason


def check(text, schema):
    """`text` is JSON that the schema allows."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(json.loads(text))


@pytest.fixture(scope="module")
def lone_answers(server):
    """[(text, finish reason)] of questions(), one after the other."""
    client = client_of(server)
    return [ask(client, body) for _, body in questions()]


def test_what_is_finished_validates(lone_answers):
    n_finished = 0
    for (schema, _), (answer, reason) in zip(questions(), lone_answers):
        assert reason in ("stop", "length")
        if schema is not None and reason == "stop":
            n_finished += 1
            check(answer, schema)
    # The rest goes on in a part without an end: a list in a list, digits.
    assert n_finished >= 0.8 * len(SEEDS) * len(TEMPERATURES) * len(SCHEMAS)


def test_a_crowd_gets_what_each_gets_alone(server, lone_answers):
    """Streamed, all at once, with free texts and grammars mixed in a step."""
    client = client_of(server)
    with ThreadPoolExecutor(24) as pool:
        crowd = list(pool.map(lambda pair: ask_streamed(client, pair[1]), questions()))
    assert crowd == lone_answers
    server.wait_until_idle()


def test_drafts_change_no_text(server_without_drafts, server, lone_answers):
    client = client_of(server_without_drafts)
    with ThreadPoolExecutor(24) as pool:
        plain = list(pool.map(lambda pair: ask(client, pair[1]), questions()))
    assert plain == lone_answers
    assert server.metric("vllm:spec_decode_num_accepted_tokens_total") > 0


def test_several_choices(server):
    body = question("Name a person", SCHEMAS["person"], n=4, temperature=1.5, seed=5)
    choices = client_of(server).chat.completions.create(**body).choices
    assert len({choice.message.content for choice in choices}) > 1
    for choice in choices:
        if choice.finish_reason == "stop":
            check(choice.message.content, SCHEMAS["person"])


def test_a_stop_string_cuts_and_is_no_part(server):
    body = question("Name a person", SCHEMAS["person"])
    whole, _ = ask(client_of(server), body)
    cut, reason = ask(client_of(server), {**body, "stop": ['"age']})
    assert (cut, reason) == (whole[: whole.index('"age')], "stop")
    assert ask_streamed(client_of(server), {**body, "stop": ['"age']}) == (cut, reason)


def test_log_probabilities_are_of_what_may_come(server):
    """One a token, none of them minus infinity for a token that was drawn, and the texts make the answer."""
    body = question("Is water wet?", {"enum": ["yes", "no"]}, logprobs=True, top_logprobs=5)
    [choice] = client_of(server).chat.completions.create(**body).choices
    tokens = choice.logprobs.content
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == choice.message.content
    assert all(-1000 < token.logprob <= 0 and 0 < len(token.top_logprobs) <= 5 for token in tokens)


def test_who_goes_away_frees_everything(server):
    client = client_of(server)

    def leave(n_chunks):
        with client.chat.completions.create(stream=True, **question(TALK, LONG_TEXT, max_tokens=400)) as stream:
            for _ in zip(range(n_chunks), stream):
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(leave, range(1, 13)))
    server.wait_until_idle()
    answer, reason = ask(client, question("Is water wet?", {"enum": ["yes", "no"]}))
    assert json.loads(answer) in ("yes", "no") and reason == "stop"

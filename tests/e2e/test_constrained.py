"""Answers that follow a grammar: every name of it in the API, the command line and batch; on a toy model, fast."""

import json
import re

import pytest

CHAT = "/v1/chat/completions"
COMPLETION = "/v1/completions"
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 150}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
GBNF = 'root ::= "(" root ")" | [a-z]{1,5}'
TAG = {"structures": [{"begin": "<f>", "schema": {"type": "integer"}, "end": "</f>"}], "triggers": ["<f>"]}
# A model of single bytes that knows nothing would idle in blanks, brackets and strings.
BUSY = {**{str(byte): -100 for byte in b"\t\n\r \\("}, **{str(byte): 100 for byte in b'"}'}}
GRAMMARS = {
    "response_format.json_schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}}},
        lambda text: set(json.loads(text)) == {"name", "age"},
    ),
    "response_format.json_object": ({"response_format": {"type": "json_object"}}, lambda text: isinstance(json.loads(text), dict)),
    "structured_outputs.json": ({"structured_outputs": {"json": SCHEMA}}, lambda text: set(json.loads(text)) == {"name", "age"}),
    "structured_outputs.regex": ({"structured_outputs": {"regex": "[0-9]{3}-[a-f]+"}}, lambda text: re.fullmatch("[0-9]{3}-[a-f]+", text)),
    "structured_outputs.choice": ({"structured_outputs": {"choice": ["red", "blue"]}}, lambda text: text in ("red", "blue")),
    "structured_outputs.grammar": ({"structured_outputs": {"grammar": GBNF}}, lambda text: re.fullmatch(r"\(*[a-z]{1,5}\)*", text)),
    "structured_outputs.structural_tag": (
        {"structured_outputs": {"structural_tag": TAG}, "max_tokens": 20},
        lambda text: "<f>" not in text or re.search("<f>-?[0-9]", text),
    ),
    "guided_json": ({"guided_json": json.dumps(SCHEMA)}, lambda text: set(json.loads(text)) == {"name", "age"}),
    "guided_regex": ({"guided_regex": "yes|no"}, lambda text: text in ("yes", "no")),
    "guided_choice": ({"guided_choice": ["yes", "no"]}, lambda text: text in ("yes", "no")),
    "guided_grammar": ({"guided_grammar": GBNF}, lambda text: re.fullmatch(r"\(*[a-z]{1,5}\)*", text)),
    "grammar": ({"grammar": GBNF}, lambda text: re.fullmatch(r"\(*[a-z]{1,5}\)*", text)),
    "json_schema": ({"json_schema": SCHEMA}, lambda text: set(json.loads(text)) == {"name", "age"}),
}


def lines_of(reply):
    """The chunks of a streamed answer."""
    assert reply.status == 200, reply
    lines = [line.removeprefix("data: ") for line in reply.body.decode().split("\n\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_name_in_both_routes(fine_server, name):
    """Whole and streamed, greedy and hot: the text is one of the grammar's, and the same each time."""
    fields, follows = GRAMMARS[name]
    for temperature in (0, 1.5):
        body = {"max_tokens": 200, "temperature": temperature, "seed": 4, "logit_bias": BUSY, **fields}
        for path, question in ((CHAT, HELLO), (COMPLETION, {"prompt": "Hello"})):
            reply = fine_server.post(path, {**question, **body})
            assert reply.status == 200, reply
            [choice] = reply.json()["choices"]
            text = choice["message"]["content"] if path == CHAT else choice["text"]
            if fields.get("max_tokens") is None:
                assert choice["finish_reason"] == "stop", text
            assert follows(text), text
            streamed = [chunk["choices"][0] for chunk in lines_of(fine_server.post(path, {**question, **body, "stream": True}))]
            pieces = [part["delta"].get("content", "") if path == CHAT else part["text"] for part in streamed]
            assert "".join(pieces) == text and streamed[-1]["finish_reason"] == choice["finish_reason"]


def test_the_end_of_the_grammar_is_the_end(fine_server):
    """No token is drawn that only says so, and none is counted."""
    answer = fine_server.post(CHAT, {**HELLO, "guided_choice": ["abcde"], "return_token_ids": True}).json()
    assert answer["choices"][0]["message"]["content"] == "abcde" and answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == len(answer["choices"][0]["token_ids"]) == 5
    # Where the text may go on, the model ends it, and its end token counts.
    answer = fine_server.post(CHAT, {**HELLO, "guided_regex": "F[^]*", "return_token_ids": True}).json()
    assert answer["choices"][0]["message"]["content"] == "Fine é!"
    assert answer["usage"]["completion_tokens"] == len(answer["choices"][0]["token_ids"]) + 1


def test_several_choices_and_stop_strings(fine_server):
    answer = fine_server.post(CHAT, {**HELLO, "n": 4, "temperature": 1.5, "guided_regex": "[a-z]{5,9}", "max_tokens": 50}).json()
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert len(set(texts)) > 1 and all(re.fullmatch("[a-z]{5,9}", text) for text in texts)
    answer = fine_server.post(CHAT, {**HELLO, "guided_choice": ["abcdefgh"], "stop": "ef"}).json()["choices"][0]
    assert answer["message"]["content"] == "abcd" and answer["finish_reason"] == "stop"
    answer = fine_server.post(CHAT, {**HELLO, "guided_choice": ["abcdefgh"], "max_tokens": 3}).json()["choices"][0]
    assert answer["message"]["content"] == "abc" and answer["finish_reason"] == "length"


REFUSED = [
    ({"guided_regex": "a", "grammar": GBNF}, "grammar", "guided_regex and grammar cannot both be given", None),
    ({"structured_outputs": {"json": {}, "regex": "a"}}, "structured_outputs.regex", "structured_outputs.json and", None),
    ({"response_format": {"type": "json_object"}, "guided_json": {}}, "response_format", "guided_json", None),
    ({"guided_regex": r"(a)\1"}, "guided_regex", "back reference", None),
    ({"grammar": "root ::= ("}, "grammar", "grammar", None),
    ({"grammar": "root ::= root"}, "grammar", "matches no text", None),
    ({"guided_json": {"properties": {"a": {"uniqueItems": True}}}}, "guided_json", "uniqueItems", "#/properties/a"),
    ({"json_schema": {"$ref": "#"}}, "json_schema", "leads back to itself", "#"),
    ({"json_schema": {"type": "text"}}, "json_schema", "type", "#"),
    ({"structured_outputs": {"regex": "a", "disable_any_whitespace": True}}, "structured_outputs", "disable_any_whitespace", None),
    ({"structured_outputs": {"structural_tag": {**TAG, "at_least_one": True}}}, "structured_outputs.structural_tag", "at_least_one", None),
    ({"guided_whitespace_pattern": " "}, "guided_whitespace_pattern", "not supported", None),
]


@pytest.mark.parametrize("fields, param, words, pointer", REFUSED, ids=str)
def test_what_cannot_be_enforced_is_refused(fine_server, fields, param, words, pointer):
    for path, question in ((CHAT, HELLO), (COMPLETION, {"prompt": "x"})):
        reply = fine_server.post(path, {**question, **fields})
        assert reply.status == 400, reply
        error = reply.error()
        param_of_pair = {"response_format", "guided_json"} if "response_format" in fields else {param, "guided_regex"}
        assert error["param"] == param or error["param"] in param_of_pair, error
        assert words in error["message"], error
        assert error.get("pointer") == pointer, error


HOSTILE = {
    "groups": {"guided_regex": "(" * 20_000},
    "count": {"guided_regex": "a{0,1000000}"},
    "counts": {"guided_regex": "(((a{1,99999}){1,99999}){1,99999}b|c)*x"},
    "alternation": {"guided_regex": "(a|aa)*" * 3000 + "\\1"},
    "ways": {"json_schema": {"allOf": [{"anyOf": [{"minimum": i}, {"maxLength": i}, {"minItems": i}]} for i in range(50)]}},
    "circle": {"json_schema": {"$defs": {str(i): {"$ref": f"#/$defs/{(i + 1) % 5000}"} for i in range(5000)}, "$ref": "#/$defs/0"}},
    "parentheses": {"grammar": "root ::= " + "(" * 1_000_000},
    "repetitions": {"grammar": 'root ::= ("a"{0,100000}){0,100000}{0,1000000}'},
    "size": {"grammar": "root ::= " + '"a" | ' * 400_000 + '"b"'},
    "chain": {"grammar": "root ::= r0\n" + "".join(f'r{i} ::= r{i + 1} | "x"\n' for i in range(50000)) + 'r50000 ::= "y"'},
    "starts": {"grammar": "root ::= " + " | ".join(f'"{i}" root' for i in range(25_000)) + ' | "z"'},
    "choices": {"guided_choice": [str(i) for i in range(20_000)]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_ones_cost_nobody_else_anything(fine_server, name):
    reply = fine_server.post(CHAT, {**HELLO, **HOSTILE[name]}, timeout=20)
    # "counts" compiles, and becomes too complex as its text grows.
    assert reply.status == 400 and len(reply.body) < 3000, (name, reply)
    assert fine_server.post(CHAT, HELLO).json()["choices"][0]["message"]["content"] == "Fine é!"


def test_batch(tinyllm, models, tmp_path):
    lines = [
        {"custom_id": str(i), "method": "POST", "url": CHAT, "body": {**HELLO, "max_tokens": 200, "logit_bias": BUSY, **fields}}
        for i, (fields, _) in enumerate(GRAMMARS.values())
    ]
    lines.append({"custom_id": "bad", "method": "POST", "url": CHAT, "body": {**HELLO, "guided_regex": "("}})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tinyllm.run("batch", tmp_path / "in.jsonl", "-m", models["fine"], "-o", tmp_path / "out.jsonl")
    results = {}
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        result = json.loads(line)
        results[result["custom_id"]] = result
    for i, (_, follows) in enumerate(GRAMMARS.values()):
        assert follows(results[str(i)]["response"]["body"]["choices"][0]["message"]["content"]), results[str(i)]
    assert results["bad"]["response"]["status_code"] == 400


def test_command_line(tinyllm, models, tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "g.gbnf").write_text(GBNF)
    fine = models["fine"]
    bias = [word for byte, value in BUSY.items() for word in ("--logit-bias", f"{byte}={value}")]
    text = tinyllm.text("generate", "-m", fine, "-p", "x", "--json-schema", tmp_path / "schema.json", "-n", 200, *bias)
    assert set(json.loads(text)) == {"name", "age"}
    assert tinyllm.text("generate", "-m", fine, "-p", "x", "--choice", "ab,cd") in ("ab\n", "cd\n")
    assert re.fullmatch(r"\(*[a-z]{1,5}\)*\n", tinyllm.text("generate", "-m", fine, "-p", "x", "--grammar", tmp_path / "g.gbnf", *bias))
    assert re.fullmatch("[0-9]{2}\n", tinyllm.text("chat", "-m", fine, "-p", "x", "--regex", "[0-9]{2}"))
    assert isinstance(json.loads(tinyllm.text("chat", "-m", fine, "-p", "x", "--json-object", "-n", 200, *bias)), dict)
    assert "one of" in tinyllm.failure("generate", "-m", fine, "-p", "x", "--json-object", "--choice", "a", code=2)
    assert "reference" in tinyllm.failure("chat", "-m", fine, "-p", "x", "--json-object", "--engine", "reference", code=2)
    assert "back reference" in tinyllm.failure("generate", "-m", fine, "-p", "x", "--regex", r"(a)\1")
    assert "no tokenizer" in tinyllm.failure("generate", "-m", models["no tokenizer"], "--token-ids", "1", "--regex", "a")

"""tinyllm grammar: what is accepted, where a text fails, what is refused."""

import json

import pytest

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def run(tinyllm, *arguments, code):
    done = tinyllm.run("grammar", *arguments, "--json")
    assert done.returncode == code, done
    return json.loads(done.stdout)


def test_accepted_texts(tinyllm, tmp_path):
    schema = write(tmp_path, "person.json", PERSON)
    texts = [write(tmp_path, "a.json", {"name": "é", "age": 3}), write(tmp_path, "b.json", '{\n  "name": ""\n}\n')]
    answer = run(tinyllm, "--json-schema", schema, "--check", *texts, code=0)
    assert answer == {"compiled": True, "results": [{"file": str(text), "accepted": True} for text in texts]}
    assert tinyllm.text("grammar", "--json-schema", schema, "--check", texts[0]) == f"{texts[0]}: accepted\n"


def test_where_a_text_fails(tinyllm, tmp_path):
    schema, text = write(tmp_path, "person.json", PERSON), write(tmp_path, "a.json", '{"name":"x","agf":1}')
    answer = run(tinyllm, "--json-schema", schema, "--check", text, code=1)
    result = answer["results"][0]
    assert answer["compiled"] and not result["accepted"]
    assert (result["byte"], result["found"], result["allowed"]) == (15, "'f'", "'e'")
    assert tinyllm.run("grammar", "--json-schema", schema, "--check", text).stderr == b"tinyllm: 1 of 1 texts not accepted\n"


def test_a_text_that_ends_too_early(tinyllm, tmp_path):
    answer = run(tinyllm, "--regex", "[0-9]{4}", "--check", write(tmp_path, "year", "202"), code=1)
    assert answer["results"][0] == {"file": str(tmp_path / "year"), "accepted": False, "byte": 3, "found": "the end", "allowed": "'0' to '9'"}


def test_refusal_names_keyword_and_pointer(tinyllm, tmp_path):
    schema = write(tmp_path, "s.json", {"properties": {"a": {"type": "array", "uniqueItems": True}}})
    answer = run(tinyllm, "--json-schema", schema, code=1)
    assert answer["compiled"] is False
    assert (answer["error"]["keyword"], answer["error"]["pointer"]) == ("uniqueItems", "#/properties/a")
    message = tinyllm.failure("grammar", "--json-schema", schema)
    assert message.startswith("JSON schema: '#/properties/a': 'uniqueItems' cannot be enforced")


@pytest.mark.parametrize(
    "source, right, wrong",
    [
        (["--choice", "yes,no"], "no", "yes,no"),
        (["--json-object"], '{"a": [1]}', "[1]"),
        (["--gbnf", "g"], "((x))", "((x)"),
        (["--structural-tag", "t"], "hi <f>1</f>", "hi <f>x</f>"),
    ],
)
def test_every_source(tinyllm, tmp_path, source, right, wrong):
    write(tmp_path, "g", 'root ::= "x" | "(" root ")"')
    write(tmp_path, "t", {"structures": [{"begin": "<f>", "schema": {"type": "integer"}, "end": "</f>"}], "triggers": ["<f>"]})
    texts = [write(tmp_path, "right", right), write(tmp_path, "wrong", wrong)]
    done = tinyllm.run("grammar", *source, "--check", *texts, "--json", cwd=tmp_path)
    assert [result["accepted"] for result in json.loads(done.stdout)["results"]] == [True, False]


def test_one_source_is_wanted(tinyllm):
    assert tinyllm.failure("grammar", code=2).startswith("one of --json-schema, --json-object, --regex")
    assert "one of" in tinyllm.failure("grammar", "--json-object", "--choice", "a", code=2)
    assert tinyllm.failure("grammar", "--json-object", "--stats", code=2).startswith("--stats needs a model's vocabulary")


def test_samples_are_accepted(tinyllm, tmp_path):
    schema = write(tmp_path, "person.json", PERSON)
    samples = tinyllm.json("grammar", "--json-schema", schema, "--sample", 30, "--json")["samples"]
    assert len(set(samples)) > 10
    for sample in samples:
        value = json.loads(sample)
        assert isinstance(value["name"], str) and set(value) <= {"name", "age"} and value.get("age", 0) >= 0


def test_stats_on_a_vocabulary(tinyllm, models, tmp_path):
    schema, text = write(tmp_path, "person.json", PERSON), write(tmp_path, "a.json", {"name": "the", "age": 3})
    stats = tinyllm.json("grammar", "--json-schema", schema, "--check", text, "-m", models["fine"], "--stats", "--json")["stats"]
    assert stats["vocab_size"] == 260 and stats["n_masks"] > 10 and stats["n_forced"] > 0
    assert 0 < stats["mask_us_p50"] <= stats["mask_us_p99"] <= stats["mask_us_max"]
    assert stats["matcher_bytes"] < 1 << 20


HOSTILE = {
    "groups": ("--regex", "(" * 20_000),
    "count": ("--regex", "a{0,1000000}"),
    "counts": ("--regex", "(((a{1,99999}){1,99999}){1,99999}b|c)*x\\1"),
    "depth": ("--json-schema", '{"not":' * 100_000),
    "size": ("--json-schema", "[" * 10_000_000),
    "ways": (
        "--json-schema",
        json.dumps({"allOf": [{"anyOf": [{"minimum": i}, {"maxLength": i}, {"minItems": i}]} for i in range(50)]}),
    ),
    "parentheses": ("--gbnf", "root ::= " + "(" * 1_000_000),
    "repetitions": ("--gbnf", 'root ::= ("a"{0,100000}){0,100000}{0,1000000}'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sources_end_soon(tinyllm, tmp_path, name):
    source, text = HOSTILE[name]
    argument = text if source == "--regex" else write(tmp_path, "hostile", text)
    message = tinyllm.failure("grammar", source, argument, timeout=10)
    assert 0 < len(message) < 1000

"""tinyllm grammar against others' judgement: the JSON-Schema-Test-Suite, and the jsonschema library on random schemas.

The suite is in the source archive of the jsonschema package; it is fetched once into build/. Runs with ./tiny test --all.
"""

import json
import os
import random
import subprocess
import sys
import tarfile

import pytest
from conftest import ROOT

PACKAGE = "jsonschema==4.26.0"
SUITE = ROOT / "build/json-schema-test-suite"
pytestmark = pytest.mark.skipif(not os.environ.get("TINYLLM_ALL"), reason="hundreds of schemas: ./tiny test --all")


@pytest.fixture(scope="module")
def suite():
    """[(file, group)] of draft 2020-12."""
    folder = SUITE / "jsonschema-4.26.0/json/tests/draft2020-12"
    if not folder.is_dir():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "jsonschema", "-d", SUITE, PACKAGE]
        if subprocess.run(command, check=False).returncode != 0:
            pytest.skip(f"LACKS the source archive of {PACKAGE}: pip cannot fetch it")
        with tarfile.open(next(SUITE.glob("jsonschema-*.tar.gz"))) as archive:
            archive.extractall(SUITE)
    files = sorted(folder.rglob("*.json"))
    return [(path.relative_to(folder).as_posix(), group) for path in files for group in json.loads(path.read_text())]


def judge(tinyllm, folder, schema, instances):
    """[accepted] of each instance; None when the schema is refused."""
    (folder / "schema.json").write_text(json.dumps(schema))
    names = [f"{i}.json" for i in range(len(instances))]
    for name, instance in zip(names, instances):
        (folder / name).write_text(json.dumps(instance))
    done = tinyllm.run("grammar", "--json-schema", "schema.json", "--json", "--check", *names, cwd=folder)
    answer = json.loads(done.stdout)
    if not answer["compiled"]:
        assert answer["error"]["message"]
        return None
    return [result["accepted"] for result in answer["results"]]


def test_json_schema_test_suite(tinyllm, suite, tmp_path):
    """Every schema that compiles is judged right. "format" is an assertion here, as in optional/format/: the cases of
    format.json that want it ignored contradict those and are left out."""
    n_cases = n_passed = n_refused = 0
    wrong = []
    for file, group in suite:
        tests = [t for t in group["tests"] if "is only an annotation by default" not in t["description"]]
        n_cases += len(tests)
        accepted = judge(tinyllm, tmp_path, group["schema"], [t["data"] for t in tests])
        if accepted is None:
            n_refused += len(tests)
            continue
        for test, is_accepted in zip(tests, accepted):
            if is_accepted == test["valid"]:
                n_passed += 1
            else:
                wrong.append((file, group["description"], test["description"], is_accepted))
    print(f"JSON-Schema-Test-Suite: {n_passed} of {n_cases} cases right, {n_refused} refused, {len(wrong)} wrong")
    assert wrong == []
    assert n_passed >= 1400


def random_schema(rng, depth):
    kinds = ["integer", "number", "string", "enum", "null"] + (["object", "array", "any_of", "all_of"] * 2 if depth else [])
    kind = rng.choice(kinds)
    small = lambda: rng.choice([-10, -1, 0, 1, 2, 3, 7, 12, 100])
    if kind in ("integer", "number"):
        schema = {"type": kind}
        if rng.random() < 0.5:
            schema[rng.choice(["minimum", "exclusiveMinimum"])] = small()
        if rng.random() < 0.5:
            schema[rng.choice(["maximum", "exclusiveMaximum"])] = small() + rng.choice([0, 5, 50.5])
        if rng.random() < 0.3:
            schema["multipleOf"] = rng.choice([2, 3, 7])
        return schema
    if kind == "string":
        schema = {"type": "string"}
        if rng.random() < 0.4:
            schema["minLength"] = rng.randrange(3)
        if rng.random() < 0.4:
            schema["maxLength"] = rng.randrange(2, 6)
        if rng.random() < 0.4:
            schema["pattern"] = rng.choice(["^a", "b$", "^[ab]*$", "a.b", "^(a|bc)+$", "x{2}"])
        return schema
    if kind == "enum":
        return {"enum": rng.sample([1, 2.5, "a", "b", None, True, False, [1], {"a": 1}, "é"], 3)}
    if kind == "null":
        return {"type": "null"}
    if kind == "array":
        schema = {"type": "array", "items": random_schema(rng, depth - 1)}
        if rng.random() < 0.3:
            schema["prefixItems"] = [random_schema(rng, depth - 1)]
        if rng.random() < 0.4:
            schema["minItems"] = rng.randrange(3)
        if rng.random() < 0.4:
            schema["maxItems"] = rng.randrange(1, 4)
        if rng.random() < 0.2:
            schema["contains"] = random_schema(rng, 0)
        return schema
    if kind == "object":
        names = rng.sample(["a", "b", "c", "é"], rng.randrange(1, 4))
        schema = {"type": "object", "properties": {name: random_schema(rng, depth - 1) for name in names}}
        schema["required"] = rng.sample(names, rng.randrange(len(names)))
        if rng.random() < 0.6:
            schema["additionalProperties"] = rng.choice([False, {"type": "null"}])
        if rng.random() < 0.2:
            schema["patternProperties"] = {"^x": {"type": "integer"}}
        if rng.random() < 0.2:
            schema["maxProperties"] = rng.randrange(1, 3)
        return schema
    parts = [random_schema(rng, depth - 1) for _ in range(2)]
    return {rng.choice(["anyOf", "oneOf"]) if kind == "any_of" else "allOf": parts}


def random_instance(rng, schema, depth=3):
    """Often valid: it follows the schema's keywords, and breaks one now and then."""
    if rng.random() < 0.08 or depth == 0:
        return rng.choice([None, True, 0, 1, -3, 2.5, 14, "a", "ab", "bcb", "é", [], [1], {}, {"a": 1}, {"x": 3}])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return random_instance(rng, rng.choice(schema[word]), depth)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema["type"]
    if kind == "null":
        return None
    if kind in ("integer", "number"):
        value = rng.choice([rng.randrange(-12, 120), 42, rng.randrange(-2, 14)])
        return value + rng.choice([0, 0.5, 0.25]) if kind == "number" else value
    if kind == "string":
        return "".join(rng.choice("aabbcxé") for _ in range(rng.randrange(6)))
    if kind == "array":
        prefix = [random_instance(rng, item, depth - 1) for item in schema.get("prefixItems", [])]
        return prefix[: rng.randrange(3)] + [random_instance(rng, schema["items"], depth - 1) for _ in range(rng.randrange(4))]
    value = {}
    for name, inner in schema["properties"].items():
        if name in schema["required"] or rng.random() < 0.6:
            value[name] = random_instance(rng, inner, depth - 1)
    if rng.random() < 0.3:
        value[rng.choice(["x1", "z"])] = rng.choice([None, 3])
    return value


def exact_number(text):
    """A float, or the whole number that the text means: a float would round a long one."""
    whole, _, fraction = text.partition(".")
    return int(whole) if set(fraction) == {"0"} and whole.lstrip("-").isdigit() else float(text)


def has_order(schema):
    """Whether properties of one object come from several schemas, so that an instance may have another order than these."""
    return not any(word in json.dumps(schema) for word in ("allOf", "oneOf", "anyOf"))


@pytest.mark.parametrize("seed", range(4))
def test_random_schemas_against_jsonschema(tinyllm, tmp_path, seed):
    jsonschema = pytest.importorskip("jsonschema", reason="LACKS the package jsonschema")
    rng = random.Random(seed)
    n_compiled = n_valid = 0
    for _ in range(60):
        schema = random_schema(rng, 2)
        validator = jsonschema.Draft202012Validator(schema)
        instances = [random_instance(rng, schema) for _ in range(12)]
        accepted = judge(tinyllm, tmp_path, schema, instances)
        if accepted is None:
            continue
        n_compiled += 1
        for instance, is_accepted in zip(instances, accepted):
            is_valid = validator.is_valid(instance)
            n_valid += is_valid
            if is_accepted != is_valid and (is_accepted or has_order(schema)):
                pytest.fail(f"{json.dumps(schema)} on {json.dumps(instance)}: accepted {is_accepted}, valid {is_valid}")
        samples = tinyllm.json("grammar", "--json-schema", tmp_path / "schema.json", "--sample", 20, "--json")["samples"]
        for sample in samples:
            assert validator.is_valid(json.loads(sample, parse_float=exact_number)), (schema, sample)
    assert n_compiled >= 30 and n_valid >= 100, (n_compiled, n_valid)

"""instructor: a pydantic class out of an answer, where the server can hold a model to a schema. Usage: client.py BASE_URL MODEL

Where it cannot, the field that instructor sends must be refused by name, never swallowed.
"""

import json
import sys
import urllib.request

import instructor
import openai
from instructor.core.exceptions import InstructorRetryException
from pydantic import BaseModel

BASE_URL, MODEL = sys.argv[1:]
MODES = {instructor.Mode.JSON_SCHEMA: "response_format", instructor.Mode.TOOLS: "tool_choice"}


class Person(BaseModel):
    name: str
    age: int


def is_offered(field):
    """Whether the server's own description says that it does more than the refusal of this field."""
    with urllib.request.urlopen(BASE_URL.removesuffix("/v1") + "/openapi.json") as reply:
        document = json.load(reply)
    reference = document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    known = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
    return "json_schema" in json.dumps(known["response_format"]) if field == "response_format" else field in known


for mode, field in MODES.items():
    with openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0) as connection:
        client = instructor.from_openai(connection, mode=mode)
        try:
            person = client.create(
                model=MODEL, response_model=Person, messages=[{"role": "user", "content": "Ann is 42 years old."}],
                temperature=0, max_tokens=60, max_retries=0,
            )  # fmt: skip
            outcome = repr(person)
            assert is_offered(field) and person.age == 42, outcome
        except InstructorRetryException as refused:
            outcome = "refused by name"
            assert not is_offered(field) and "not supported" in str(refused), refused
    print(f"{mode.value}: {outcome}")

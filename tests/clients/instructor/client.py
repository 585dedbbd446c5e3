"""instructor: a pydantic class out of an answer, where the server can hold a model to a schema. Usage: client.py BASE_URL MODEL

Where it cannot, the field that instructor sends must be refused by name, never swallowed.
"""

import sys

import instructor
import openai
from instructor.core.exceptions import InstructorRetryException
from pydantic import BaseModel

BASE_URL, MODEL = sys.argv[1:]
QUESTION = [{"role": "user", "content": "Ann is 42 years old."}]


class Person(BaseModel):
    name: str
    age: int


SCHEMA = Person.model_json_schema()
# What instructor sends in each mode, and which field of it the server may refuse.
MODES = {
    instructor.Mode.JSON_SCHEMA: (
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "Person", "schema": SCHEMA}}},
    ),
    instructor.Mode.TOOLS: (
        "tool_choice",
        {
            "tools": [{"type": "function", "function": {"name": "Person", "parameters": SCHEMA}}],
            "tool_choice": {"type": "function", "function": {"name": "Person"}},
        },
    ),
}


def is_offered(client, field, wanted):
    """Whether the server does it. If not, it must say so by name."""
    try:
        client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=2, **wanted)
    except openai.BadRequestError as refused:
        assert refused.param == field and refused.code == "unsupported_parameter", refused
        return False
    return True


with openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0) as connection:
    for mode, (field, wanted) in MODES.items():
        offered = is_offered(connection, field, wanted)
        client = instructor.from_openai(connection, mode=mode)
        try:
            person = client.create(
                model=MODEL, response_model=Person, messages=QUESTION, temperature=0, max_tokens=60, max_retries=0
            )
        except InstructorRetryException as refused:
            assert not offered and field in str(refused), refused
            print(f"{mode.value}: {field} is refused by name")
        else:
            assert offered and person.age == 42, person
            print(f"{mode.value}: {person!r}")

"""instructor: a pydantic class out of an answer that follows its schema, or out of a call that is forced.

Usage: client.py BASE_URL MODEL
"""

import sys

import instructor
import openai
from pydantic import BaseModel

BASE_URL, MODEL = sys.argv[1:]
QUESTION = [{"role": "user", "content": "Ann is 42 years old."}]


class Person(BaseModel):
    model_config = {"extra": "forbid"}  # this small model would add properties without end
    name: str
    age: int


with openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0) as connection:
    for mode in (instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS):
        client = instructor.from_openai(connection, mode=mode)
        person = client.create(model=MODEL, response_model=Person, messages=QUESTION, temperature=0, max_tokens=200, max_retries=0)
        assert person.age == 42, person
        print(f"{mode.value}: {person}")

"""pydantic-ai: an answer as a class, by a tool and by a schema, and a tool of one's own, through both of OpenAI's APIs.

Usage: client.py BASE_URL MODEL
"""

import sys

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

BASE_URL, MODEL = sys.argv[1:]
SETTINGS = {"temperature": 0, "max_tokens": 200, "parallel_tool_calls": False}


class Person(BaseModel):
    model_config = {"extra": "forbid"}  # this small model would add properties without end
    name: str
    age: int


provider = OpenAIProvider(base_url=BASE_URL, api_key="none")
for kind in (OpenAIChatModel, OpenAIResponsesModel):
    model = kind(MODEL, provider=provider)
    for output in (ToolOutput(Person), NativeOutput(Person)):
        agent = Agent(model, output_type=output, model_settings=SETTINGS)
        person = agent.run_sync("Ann is 42 years old.").output
        assert person.age == 42, person
        print(f"{kind.__name__}, {type(output).__name__}: {person}")
    text = Agent(model, model_settings=SETTINGS).run_sync("Say hello.").output
    assert text
    print(f"{kind.__name__}: {text!r}")

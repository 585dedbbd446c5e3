"""anthropic: whole, streamed and async messages, a call that is forced and its result, counted tokens. Usage: client.py BASE_URL MODEL"""

import asyncio
import sys

import anthropic

BASE_URL, MODEL = sys.argv[1].removesuffix("/v1"), sys.argv[2]
ASK = [{"role": "user", "content": "What is the weather in Paris?"}]
CITY = {"type": "object", "properties": {"city": {"enum": ["Paris", "Bonn"]}}, "required": ["city"], "additionalProperties": False}
TOOLS = [{"name": "get_weather", "description": "The weather of a city", "input_schema": CITY}]

client = anthropic.Anthropic(base_url=BASE_URL, api_key="none", max_retries=0)
whole = client.messages.create(model=MODEL, max_tokens=20, extra_body={"temperature": 0}, messages=ASK)
with client.messages.stream(model=MODEL, max_tokens=20, extra_body={"temperature": 0}, messages=ASK) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
assert text == whole.content[0].text == final.content[0].text and final.stop_reason == whole.stop_reason, (text, whole, final)
print("whole and streamed:", repr(text))


async def ask():
    async with anthropic.AsyncAnthropic(base_url=BASE_URL, api_key="none", max_retries=0) as waiting:
        return await waiting.messages.create(model=MODEL, max_tokens=20, extra_body={"temperature": 0}, messages=ASK, system="Be brief.")


print("async:", repr(asyncio.run(ask()).content[0].text))

choice = {"type": "any", "disable_parallel_tool_use": True}
called = client.messages.create(model=MODEL, max_tokens=200, extra_body={"temperature": 0}, messages=ASK, tools=TOOLS, tool_choice=choice)
[call] = called.content
assert (called.stop_reason, call.name) == ("tool_use", "get_weather") and call.input["city"] in ("Paris", "Bonn"), called
result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny, 21 degrees"}
messages = [*ASK, {"role": "assistant", "content": called.content}, {"role": "user", "content": [result]}]
answer = client.messages.create(model=MODEL, max_tokens=30, extra_body={"temperature": 0}, messages=messages, tools=TOOLS, tool_choice={"type": "none"})
counted = client.messages.count_tokens(model=MODEL, messages=messages, tools=TOOLS)
assert counted.input_tokens > 0 and answer.usage.output_tokens > 0
print("a call and its answer:", call.input, repr(answer.content[0].text))

try:
    client.messages.create(model="claude", max_tokens=5, messages=ASK)
except anthropic.NotFoundError as error:
    print("an unknown model:", error.body["error"]["message"])
else:
    raise AssertionError("a model that is not served was")

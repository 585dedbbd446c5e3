"""openai: the official package against a server with SmolLM2. Usage: client.py BASE_URL MODEL"""

import asyncio
import sys

import openai

BASE_URL, MODEL = sys.argv[1:]
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY = {"model": MODEL, "messages": MESSAGES, "temperature": 0, "max_tokens": 40}


def chunks_text(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def ask_together(n):
    async with openai.AsyncOpenAI(base_url=BASE_URL, api_key="none") as client:
        answers = await asyncio.gather(*(client.chat.completions.create(**GREEDY) for _ in range(n)))
    return {answer.choices[0].message.content for answer in answers}


with openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0) as client:
    assert MODEL in [model.id for model in client.models.list()]
    answer = client.chat.completions.create(**GREEDY)
    text = answer.choices[0].message.content
    assert "Paris" in text and answer.choices[0].finish_reason == "stop" and answer.usage.completion_tokens > 1
    assert chunks_text(client.chat.completions.create(stream=True, **GREEDY)) == text
    with client.chat.completions.stream(**GREEDY) as stream:  # the helper that gathers events
        assert [event.type for event in stream][-1] == "content.done"
        assert stream.get_final_completion().choices[0].message.content == text
    assert asyncio.run(ask_together(8)) == {text}
    words = client.completions.create(model=MODEL, prompt="The capital of France is", max_tokens=8, temperature=0)
    assert "Paris" in words.choices[0].text
    raw = client.chat.completions.with_raw_response.create(**GREEDY)
    assert raw.headers["x-request-id"] and raw.parse().choices[0].message.content == text
    for wrong, error in (({"model": "gpt-4"}, openai.NotFoundError), ({"temperature": 9}, openai.BadRequestError)):
        try:
            client.chat.completions.create(**{**GREEDY, **wrong})
        except error as refused:
            assert refused.body["message"]
        else:
            raise AssertionError(wrong)
    asked = {"model": MODEL, "input": GREEDY["messages"], "temperature": 0, "max_output_tokens": GREEDY["max_tokens"]}
    assert client.responses.create(**asked).output_text == text
    with client.responses.stream(**asked) as stream:
        assert [event.type for event in stream][-1] in ("response.completed", "response.incomplete")
        final = stream.get_final_response()
    assert final.output_text == text
    more = client.responses.create(model=MODEL, input="And of Spain?", previous_response_id=final.id, max_output_tokens=8)
    assert more.previous_response_id == final.id and more.usage.input_tokens > final.usage.input_tokens

"""litellm: the gateway that many programs are built on, as two of its providers. Usage: client.py BASE_URL MODEL"""

import asyncio
import sys

import litellm

BASE_URL, MODEL = sys.argv[1:]
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
litellm.telemetry = False

for provider in ("openai", "hosted_vllm"):
    options = {"model": f"{provider}/{MODEL}", "api_base": BASE_URL, "api_key": "none", "messages": MESSAGES}
    options |= {"temperature": 0, "max_tokens": 40}
    answer = litellm.completion(**options)
    text = answer.choices[0].message.content
    assert "Paris" in text and answer.choices[0].finish_reason == "stop" and answer.usage.prompt_tokens > 10
    chunks = litellm.completion(stream=True, stream_options={"include_usage": True}, **options)
    whole = litellm.stream_chunk_builder(list(chunks))
    assert whole.choices[0].message.content == text and whole.usage.completion_tokens == answer.usage.completion_tokens
    assert asyncio.run(litellm.acompletion(**options)).choices[0].message.content == text
    try:
        litellm.completion(**{**options, "messages": [{"role": "user", "content": "x " * 20_000}]})
    except litellm.ContextWindowExceededError:
        pass  # litellm falls back to another model on this one
    else:
        raise AssertionError("a prompt longer than the context")

words = litellm.text_completion(
    model=f"text-completion-openai/{MODEL}", prompt="The capital of France is", api_base=BASE_URL, api_key="none",
    max_tokens=8, temperature=0,
)  # fmt: skip
assert "Paris" in words.choices[0].text

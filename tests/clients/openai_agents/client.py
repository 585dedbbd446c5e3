"""openai-agents: an agent that calls two tools and answers, through /v1/responses and through /v1/chat/completions, streamed too.

Usage: client.py BASE_URL MODEL. The model is small: calls are forced, and what it makes of the results is not judged.
"""

import asyncio
import sys

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

BASE_URL, MODEL = sys.argv[1:]
set_tracing_disabled(True)
ran = []


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    ran.append(("get_weather", city))
    return "sunny, 21 degrees"


@function_tool
def get_time(city: str) -> str:
    """The time in a city."""
    ran.append(("get_time", city))
    return "15:40"


def agent_with(model, tool):
    settings = ModelSettings(tool_choice="required", parallel_tool_calls=False, temperature=0, max_tokens=120)
    return Agent(name="helper", instructions="Be brief.", model=model, tools=[tool], model_settings=settings)


async def main():
    client = AsyncOpenAI(base_url=BASE_URL, api_key="none", max_retries=0)
    for kind in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
        model, ran[:] = kind(MODEL, client), []
        for tool in (get_weather, get_time):
            result = await Runner.run(agent_with(model, tool), "What of Paris?", max_turns=4)
            assert result.final_output, result
            streamed = Runner.run_streamed(agent_with(model, tool), "What of Paris?", max_turns=4)
            kinds = [event.type async for event in streamed.stream_events()]
            assert "raw_response_event" in kinds and streamed.final_output == result.final_output, (streamed, result)
        assert [name for name, _ in ran] == ["get_weather"] * 2 + ["get_time"] * 2, ran
        print(f"{kind.__name__}: {ran} and {result.final_output!r}")


asyncio.run(main())

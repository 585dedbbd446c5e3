"""langchain-openai: chat and completion models of LangChain. Usage: client.py BASE_URL MODEL"""

import asyncio
import sys

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAI

BASE_URL, MODEL = sys.argv[1:]
OPTIONS = {"model": MODEL, "base_url": BASE_URL, "api_key": "none", "temperature": 0, "max_retries": 0}
QUESTION = "What is the capital of France?"

model = ChatOpenAI(max_tokens=40, **OPTIONS)
answer = model.invoke(QUESTION)
assert "Paris" in answer.content and answer.usage_metadata["output_tokens"] > 1
assert answer.response_metadata["finish_reason"] == "stop"
assert "".join(chunk.content for chunk in model.stream(QUESTION)) == answer.content
assert [it.content for it in model.batch([QUESTION] * 4)] == [answer.content] * 4
assert asyncio.run(model.ainvoke(QUESTION)).content == answer.content
talk = [SystemMessage("Answer in one word."), HumanMessage("Capital of Italy?"), AIMessage("Rome"), HumanMessage(QUESTION)]
assert model.invoke(talk).content
chain = ChatPromptTemplate.from_messages([("user", "What is the capital of {country}?")]) | model | StrOutputParser()
assert chain.invoke({"country": "France"}) == answer.content
likely = ChatOpenAI(max_tokens=5, logprobs=True, top_logprobs=3, **OPTIONS).invoke(QUESTION)
assert len(likely.response_metadata["logprobs"]["content"][0]["top_logprobs"]) == 3
assert "Paris" in OpenAI(max_tokens=8, **OPTIONS).invoke("The capital of France is")

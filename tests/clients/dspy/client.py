"""dspy: a signature with two examples, turned into a prompt and read back. Usage: client.py BASE_URL MODEL"""

import sys

import dspy

BASE_URL, MODEL = sys.argv[1:]
QUESTION = "What is the capital of France?"

model = dspy.LM(f"openai/{MODEL}", api_base=BASE_URL, api_key="none", temperature=0, max_tokens=100, cache=False)
[text] = model(QUESTION)
assert "Paris" in text
# Without examples a model of this size does not keep to dspy's form.
dspy.configure(lm=model, adapter=dspy.ChatAdapter(use_json_adapter_fallback=False))
ask = dspy.Predict("question -> answer")
capitals = (("Italy", "Rome"), ("Spain", "Madrid"))
ask.demos = [dspy.Example(question=f"What is the capital of {country}?", answer=city) for country, city in capitals]
assert ask(question=QUESTION).answer == "Paris"
assert model.history[-1]["usage"]["completion_tokens"] > 1

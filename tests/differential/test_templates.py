"""Rendered text against jinja2 as transformers sets it up: random templates over odd inputs, and every character."""

import datetime
import json
import os
import random
import time
import unicodedata

os.environ["TZ"] = "UTC"
time.tzset()

import pytest

pytest.importorskip("transformers", reason="LACKS transformers: tests/differential/requirements.txt is not installed")

from conftest import how_many
from random_templates import random_case
from transformers.utils import chat_template_utils

NOW = 1772541296  # as answer_cases has it


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.utcfromtimestamp(NOW)


chat_template_utils.datetime = FixedTime


def render(template, inputs):
    inputs = json.loads(inputs)
    messages = inputs.pop("messages", [])
    rendered, _ = chat_template_utils.render_jinja_template(
        [messages], chat_template=template, add_generation_prompt=True, bos_token="<|begin|>", eos_token="<|end|>", **inputs
    )
    return rendered[0]


def reference(template, inputs):
    """{"text": ...} or {"error": ...}; None where Python's text is an accident of memory."""
    try:
        text = render(template, inputs)
        text.encode()
    except Exception as error:  # whatever Python raises, the interpreter must refuse it too
        return {"error": f"{type(error).__name__}: {error}"}
    accidents = (" at 0x", "<generator", "<built-in", "<bound", "<function", "<class", "<Macro", "<LoopContext")
    return None if any(word in text for word in accidents) else {"text": text}


def differ(answer, wanted):
    return ("error" in answer) != ("error" in wanted) or answer.get("text") != wanted.get("text")


def test_random_templates(answers):
    n_cases = how_many(short=200, long=2000)
    n_rendered, n_refused, wrong = 0, 0, []
    for seed in range(n_cases):
        template, inputs = random_case(random.Random(seed))
        wanted = reference(template, inputs)
        if wanted is None:
            continue
        n_rendered += "text" in wanted
        n_refused += "error" in wanted
        answer = answers.ask(template=template, inputs=inputs)
        if differ(answer, wanted):
            wrong.append((seed, template, inputs, answer, wanted))
    print(f"{n_cases} templates, {n_rendered} rendered, {n_refused} refused, {len(wrong)} differ")
    assert not wrong, "\n".join(map(str, wrong[:5]))
    assert n_rendered > n_cases // 4


FOR_EVERY_CHARACTER = """
{%- for c in chars -%}
{{ c.upper() }}|{{ c.lower() }}|{{ c.title() }}|{{ c.swapcase() }}|{{ (c ~ 'A')|title }}|{{ [c] }}|{{ c|tojson }}|{{ [c.isalpha(), c.isdigit(), c.isdecimal(),
c.isalnum(), c.isspace(), c.islower(), c.isupper()] }}|{{ ('x' ~ c ~ 'y')|wordcount }}|{{ ('x' ~ c ~ 'y').split() }}|{{ ('x' ~ c ~ 'y').splitlines()|length }}
{% endfor %}"""


def test_every_character(answers):
    """Every character that this Python knows (3.11: Unicode 14), in blocks; ours may know later ones as well."""
    step = 256
    blocks = [block for block in range(0, 0x110000, step) if not 0xD800 <= block < 0xE000 and not 0xE0200 <= block]
    for block in blocks if how_many(short=0, long=1) else blocks[:40] + blocks[0x1D0 :: 16]:
        known = [chr(code) for code in range(block, block + step) if unicodedata.category(chr(code)) != "Cn"]
        inputs = json.dumps({"messages": [], "chars": known})
        answer, wanted = answers.ask(template=FOR_EVERY_CHARACTER, inputs=inputs), reference(FOR_EVERY_CHARACTER, inputs)
        assert "text" in answer, answer
        for line, right in zip(answer["text"].split("\n"), wanted["text"].split("\n")):
            assert line == right, hex(block)

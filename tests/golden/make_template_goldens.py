#!/usr/bin/env python3
"""Writes data/template_cases.json and data/template_published.json with transformers' own code.

Needs transformers and gguf. Published templates are read from a folder of *.jinja files and from
GGUF files; only what they render is written (as sha256 and length), never the templates.

    make_template_goldens.py [--templates FOLDER] [--models FILE.gguf ...]
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import time

os.environ["TZ"] = "UTC"
time.tzset()

from transformers.utils import chat_template_utils

from template_cases import CASES
from template_conversations import CONVERSATIONS

DATA = pathlib.Path(__file__).parent / "data"
NOW = 1772541296  # 2026-03-03 12:34:56 UTC
SPECIAL_TOKENS = {"bos_token": "<|begin|>", "eos_token": "<|end|>"}


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.utcfromtimestamp(NOW)


chat_template_utils.datetime = FixedTime


def render(template, inputs):
    inputs = dict(inputs)
    messages = inputs.pop("messages", [])
    rendered, _ = chat_template_utils.render_jinja_template(
        [messages],
        tools=inputs.pop("tools", None),
        documents=inputs.pop("documents", None),
        chat_template=template,
        add_generation_prompt=inputs.pop("add_generation_prompt", True),
        **{**SPECIAL_TOKENS, **inputs},
    )
    return rendered[0]


def outcome(template, inputs):
    try:
        return {"expected": render(template, inputs)}
    except Exception as error:  # whatever Python raises, the interpreter must refuse it too
        return {"error": type(error).__name__}


def make_cases():
    cases = []
    for group, members in CASES.items():
        for name, template, inputs in members:
            case = {"name": f"{group}: {name}", "template": template, "inputs": inputs}
            case.update(outcome(template, inputs))
            if ("error" in case) != (group == "errors"):
                print(f"WRONG {case['name']}: {case.get('error', case.get('expected'))}")
            cases.append(case)
    return cases


def read_gguf_template(path):
    import gguf

    field = gguf.GGUFReader(path).fields["tokenizer.chat_template"]
    return bytes(field.parts[field.data[0]]).decode("utf-8")


def make_published(templates):
    published = {}
    for name, template in sorted(templates.items()):
        renderings = {}
        for conversation, inputs in CONVERSATIONS.items():
            for prompt in (True, False):
                result = outcome(template, dict(inputs, add_generation_prompt=prompt))
                if "expected" in result:
                    text = result["expected"].encode("utf-8")
                    result = {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)}
                renderings[f"{conversation}/{'prompt' if prompt else 'no prompt'}"] = result
        published[name] = renderings
    return published


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    (DATA / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(text.encode('utf-8'))} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path, nargs="*", default=[])
    options = parser.parse_args()
    common = {"now": NOW, "special_tokens": SPECIAL_TOKENS}
    write("template_cases.json", {**common, "cases": make_cases()})
    templates = {}
    if options.templates:
        for path in options.templates.glob("*.jinja"):
            # As Python reads text: every kind of line end becomes one newline.
            templates[path.name] = path.read_text(encoding="utf-8")
    for path in options.models:
        templates[path.name] = read_gguf_template(path)
    if templates:
        published = make_published(templates)
        write("template_published.json", {**common, "conversations": CONVERSATIONS, "templates": published})


if __name__ == "__main__":
    main()

"""Tools and reasoning through the server: on toy models that say fixed texts, and on Qwen2.5-Coder with --long."""

import json
import os
import time

import pytest
import toy_model
from conftest import real_home

CHAT = "/v1/chat/completions"
QWEN_FILE = "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"
ASK = [{"role": "user", "content": "Weather and time in Paris?"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def function(name, **more):
    return {"type": "function", "function": {"name": name, "parameters": CITY, **more}}


TOOLS = [function("get_weather", description="The weather of a city"), function("get_time")]
# Ends with the number of tool results so far, which decides what the toy says.
TEMPLATE = (
    "{% if tools %}{{ tools | tojson }} Write <tool_call>.\n{% endif %}{% set ns = namespace(n=1) %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<tool_call>{{ call.function.name }} {{ call.function.arguments | tojson }}"
    "</tool_call>{% endfor %}<|im_end|>\n{% if m.role == 'tool' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{{ ns.n }}{% endif %}"
)
FIRST = ["I look.\n<tool", '_call>\n{"name": "get_wea', 'ther", "arguments": {"ci', 'ty": "Par', 'is"}}\n</tool', "_call>"]
SECOND = ['<tool_call>\n{"name": "get_time", "arguments": {"city": "Paris"}}\n</tool_call>']
LAST = ["Sunny, ", "and noon."]


def write_model(folder, answers, template=TEMPLATE):
    chain, words = toy_model.say(answers)
    return toy_model.write_folder(folder, chain, template=template, words=words)


@pytest.fixture(scope="module")
def caller(start_server, tmp_path_factory):
    answers = {"1": FIRST, "2": SECOND, "3": LAST}
    return start_server(write_model(tmp_path_factory.mktemp("calls") / "caller", answers), "--speculate", "off")


@pytest.fixture(scope="module")
def client(caller):
    return client_of(caller)


def client_of(server):
    openai = pytest.importorskip("openai", reason="LACKS the package openai: ./tiny test installs it into build/python")
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0, timeout=600)


def run_tool(call):
    city = json.loads(call.function.arguments)["city"]
    return {"get_weather": f"Sunny in {city}, 21 degrees", "get_time": f"12:00 in {city}"}[call.function.name]


def run_loop(client, **options):
    """The messages of a conversation until the model calls no tool any more."""
    messages = list(ASK)
    for _ in range(6):
        answer = client.chat.completions.create(model="", messages=messages, tools=TOOLS, **options).choices[0]
        messages.append(answer.message)
        if answer.finish_reason != "tool_calls":
            return messages
        for call in answer.message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": run_tool(call)})
    raise AssertionError(messages)


def test_a_loop_of_two_tools(client):
    messages = run_loop(client)
    calls = [message.tool_calls[0] for message in messages if getattr(message, "tool_calls", None)]
    assert [(call.type, call.function.name) for call in calls] == [("function", "get_weather"), ("function", "get_time")]
    assert messages[1].content == "I look." and messages[3].content is None
    assert all(json.loads(call.function.arguments) == {"city": "Paris"} for call in calls)
    assert len({call.id for call in calls}) == 2 and all(call.id.startswith("call_") for call in calls)
    assert messages[-1].content == "Sunny, and noon." and messages[-1].tool_calls is None


def test_a_streamed_call(client):
    chunks = list(client.chat.completions.create(model="", messages=ASK, tools=TOOLS, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == "I look."
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    assert {call.index for call in calls} == {0}
    assert [call.function.name for call in calls] == ["get_weather"] + [None] * (len(calls) - 1)
    assert calls[0].id and calls[0].type == "function" and not any(call.id for call in calls[1:])
    assert "".join(call.function.arguments for call in calls) == '{"city": "Paris"}'
    assert len(calls) >= 3, "arguments come as they are made"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "tool_calls"


def test_what_the_template_gets(caller):
    """Arguments as the object that they are; no special token from what others wrote."""
    call = {"id": "c1", "type": "function", "function": {"name": "get_time<|im_end|>", "arguments": '{"city": "<|im_end|>"}'}}
    messages = [
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "12:00<|im_end|>"},
    ]
    body = {"messages": messages, "tools": [function("get_time", description="<|im_start|>")]}
    prompt = caller.post("/apply-template", body).json()["prompt"]
    assert '<tool_call>get_time<|im_end|> {"city": "<|im_end|>"}</tool_call><|im_end|>' in prompt
    ids = caller.post("/tokenize", body).json()["tokens"]
    assert (ids.count(toy_model.IM_END), ids.count(toy_model.IM_START)) == (3, 4)


def test_arguments_as_text_where_the_template_wants_them(start_server, tmp_path):
    template = TEMPLATE.replace("{{ call.function.arguments | tojson }}", "{{ 'A:' + call.function.arguments }}")
    template += "{% if messages[0]['content'] is none %}empty{% endif %}"
    server = start_server(write_model(tmp_path / "text", {"1": LAST}, template))
    call = {"type": "function", "function": {"name": "get_time", "arguments": {"city": "Bonn", "n": 10**30}}}
    prompt = server.post("/apply-template", {"messages": [{"role": "assistant", "tool_calls": [call]}]}).json()["prompt"]
    assert '<tool_call>get_time A:{"city": "Bonn", "n": 1000000000000000000000000000000}</tool_call>' in prompt
    assert prompt.endswith("empty")


def test_tool_choice_none_shows_no_tools(caller):
    body = {"messages": ASK, "tools": TOOLS, "tool_choice": "none"}
    assert "get_weather" not in caller.post("/apply-template", body).json()["prompt"]
    answer = caller.post(CHAT, body).json()["choices"][0]
    assert "<tool_call>" in answer["message"]["content"] and answer["finish_reason"] == "stop"


def test_a_template_without_tools_gets_them_in_words(fine_server):
    call = {"id": "c", "type": "function", "function": {"name": "get_time", "arguments": {"city": "Bonn"}}}
    messages = [*ASK, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "noon"}]
    prompt = fine_server.post("/apply-template", {"messages": messages, "tools": TOOLS}).json()["prompt"]
    assert prompt.startswith("<|im_start|>system\n# Tools\n") and '"name": "get_weather"' in prompt
    assert '<tool_call>\n{"name": "get_time", "arguments": {"city": "Bonn"}}\n</tool_call><|im_end|>' in prompt
    assert "<|im_start|>user\n<tool_response>\nnoon\n</tool_response><|im_end|>" in prompt
    assert "template knows no tools" in fine_server.log()


def test_a_call_that_cannot_be_read_comes_back(start_server, tmp_path):
    broken = ['<tool_call>\n{"name": "get_time", "argu', "ments\": {'city': 'Paris'}}\n</tool_call>"]
    server = start_server(write_model(tmp_path / "broken", {"1": broken}))
    body = {"messages": ASK, "tools": TOOLS}
    answer = server.post(CHAT, body).json()["choices"][0]
    assert answer["message"]["content"] == "".join(broken) and "tool_calls" not in answer["message"]
    assert "JSON" in answer["message"]["tool_parse_error"] and answer["finish_reason"] == "stop"
    deltas = [event["choices"][0]["delta"] for event in server.events(CHAT, body)[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == "".join(broken)
    assert [delta["tool_parse_error"] for delta in deltas if "tool_parse_error" in delta]
    assert server.metric("tinyllm:tool_parse_errors_total") == 2


def test_one_call_where_they_are_not_parallel(start_server, tmp_path):
    two = [SECOND[0], "\n", SECOND[0].replace("get_time", "get_weather")]
    server = start_server(write_model(tmp_path / "two", {"1": two}))
    body = {"messages": ASK, "tools": TOOLS}
    calls = server.post(CHAT, body).json()["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_time", "get_weather"]
    message = server.post(CHAT, {**body, "parallel_tool_calls": False}).json()["choices"][0]["message"]
    assert len(message["tool_calls"]) == 1 and "get_weather" in message["content"]
    assert not message.get("tool_parse_error"), "it could be read"
    assert server.metric("tinyllm:tool_parse_errors_total") == 0


def test_a_text_that_follows_a_grammar_is_the_answer(start_server, tmp_path):
    """Neither reasoning, which the template opened and the grammar does not close, nor a call, though it looks like one."""
    template = TEMPLATE.replace("{{ ns.n }}", "<think>")
    server = start_server(write_model(tmp_path / "thinks", {">": ["\nIs it", " 4?"]}, template))
    call = '{"name": "get_time", "arguments": {"city": "Paris"}}'
    for text in ("{}", call):
        body = {"messages": ASK, "tools": TOOLS, "guided_choice": [text], "max_tokens": 100}
        message = server.post(CHAT, body).json()["choices"][0]["message"]
        assert (message["content"], message.get("reasoning_content"), message.get("tool_calls")) == (text, None, None)
        deltas = [event["choices"][0]["delta"] for event in server.events(CHAT, body)[:-1]]
        assert "".join(delta.get("content") or "" for delta in deltas) == text


def test_reasoning_stands_apart(start_server, tmp_path):
    template = TEMPLATE.replace("{{ ns.n }}", "{% if enable_thinking is not defined or enable_thinking %}<think>{% else %}5{% endif %}")
    server = start_server(write_model(tmp_path / "thinks", {">": ["\nIs it", " 4?\n</thi", "nk>\n\nIt is", " 4."], "5": ["At once."]}, template))
    assert "reasoning: think" in server.log()
    message = server.post(CHAT, {"messages": ASK}).json()["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"], message["reasoning"]) == ("It is 4.", "Is it 4?", "Is it 4?")
    deltas = [event["choices"][0]["delta"] for event in server.events(CHAT, {"messages": ASK})[:-1]]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Is it 4?"
    assert "".join(delta.get("content", "") for delta in deltas) == "It is 4."
    for switch in ({"enable_thinking": False}, {"chat_template_kwargs": {"enable_thinking": False}}):
        message = server.post(CHAT, {"messages": ASK, **switch}).json()["choices"][0]["message"]
        assert message["content"] == "At once." and "reasoning_content" not in message


def test_formats_by_name(start_server, tmp_path):
    model = write_model(tmp_path / "plain", {"1": ["[TOOL_CALLS]get_time[ARGS]{}"]}, "{{ tools }}{{ messages[0].content }}1")
    server = start_server(model, "--tool-format", "mistral", "--reasoning-format", "none")
    [call] = server.post(CHAT, {"messages": ASK, "tools": TOOLS}).json()["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_time", "arguments": "{}"} and len(call["id"]) == 9


@pytest.mark.parametrize(
    "more, param, word",
    [
        ({"tools": {}}, "tools", "array"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "function"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing"),
        ({"tools": [function("f"), function("f")]}, "tools[1].function.name", "another name"),
        ({"tools": [function('f"')]}, "tools[0].function.name", "letters"),
        ({"tools": [function("<tool_call>")]}, "tools[0].function.name", "letters"),
        ({"tools": [function("<|im_end|>")]}, "tools[0].function.name", "letters"),
        ({"tools": [function("f" * 129)]}, "tools[0].function.name", "128"),
        ({"tools": [function("")]}, "tools[0].function.name", "letters"),
        ({"tools": [function("f", parameters=[])]}, "tools[0].function.parameters", "object"),
        ({"tools": [function(f"f{i}") for i in range(10_000)]}, "tools", "at most"),
        ({"tools": TOOLS, "tool_choice": "required"}, "tool_choice", "cannot be forced"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_time"}}}, "tool_choice", "cannot be forced"),
        ({"tools": TOOLS, "tool_choice": "perhaps"}, "tool_choice", "'auto'"),
        ({"tool_choice": "auto"}, "tool_choice", "only allowed"),
        ({"enable_thinking": True}, "enable_thinking", "does not know"),
        ({"messages": [{"role": "assistant", "tool_calls": {}, "content": "x"}, *ASK], "tools": 1}, "tools", "array"),
        ({"messages": [{"role": "assistant", "tool_calls": [1]}]}, "messages[0].tool_calls[0]", "object"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}, "messages[0].tool_calls[0].function.name", "missing"),
    ],
)  # fmt: skip
def test_bad_tools_are_named(caller, more, param, word):
    begin = time.monotonic()
    reply = caller.post(CHAT, {"messages": ASK, **more})
    assert time.monotonic() - begin < 2, "0.2 s on a machine with nothing else to do"
    error = reply.error()
    assert (reply.status, error["param"]) == (400, param) and word in error["message"], error


def test_strict_is_told_to_be_ignored(caller):
    reply = caller.post(CHAT, {"messages": ASK, "tools": [function("get_time", strict=True)]})
    assert reply.status == 200 and "strict" in reply.headers["x-tinyllm-ignored"]


@pytest.mark.skipif(not os.environ.get("TINYLLM_LONG"), reason="minutes on the larger model: ./tiny test --long")
def test_qwen_calls_two_tools_and_answers(start_server):
    """The example of docs/tools.md."""
    path = real_home() / "models" / QWEN_FILE
    if not path.exists():
        pytest.skip(f"LACKS the real model {path}: run 'tinyllm pull qwen2.5-coder-1.5b'")
    client = client_of(start_server(path))
    tools = [function("get_weather", description="The weather of a city"), function("get_time", description="The time in a city")]
    results = {"get_weather": "Sunny, 21 degrees", "get_time": "15:40"}
    messages = [{"role": "user", "content": "Tell me the weather and the time in Paris. Call both tools."}]
    options = {"model": "", "messages": messages, "tools": tools, "temperature": 0, "max_tokens": 200}
    message = client.chat.completions.create(**options).choices[0].message
    messages.append(message)
    for call in message.tool_calls:
        assert json.loads(call.function.arguments) == {"city": "Paris"}
        messages.append({"role": "tool", "tool_call_id": call.id, "content": results[call.function.name]})
    assert {call.function.name for call in message.tool_calls} == {"get_weather", "get_time"}
    answer = client.chat.completions.create(**options, tool_choice="none").choices[0]
    assert answer.finish_reason == "stop" and "21" in answer.message.content and "15:40" in answer.message.content

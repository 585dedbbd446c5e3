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


UNKNOWN = {"$ref": "#/$defs/x"}
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
    # Nothing can hold its calls.
    body = {"messages": ASK, "tools": [function("get_time", parameters=UNKNOWN)]}
    reply = server.post(CHAT, body)
    assert reply.headers["x-tinyllm-ignored"] == "tools.function.parameters"
    answer = reply.json()["choices"][0]
    assert answer["message"]["content"] == "".join(broken) and "tool_calls" not in answer["message"]
    assert "JSON" in answer["message"]["tool_parse_error"] and answer["finish_reason"] == "stop"
    deltas = [event["choices"][0]["delta"] for event in server.events(CHAT, body)[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == "".join(broken)
    assert [delta["tool_parse_error"] for delta in deltas if "tool_parse_error" in delta]
    assert server.metric("tinyllm:tool_parse_errors_total") == 2


def test_a_call_that_has_begun_follows_the_schema(start_server, tmp_path):
    """Though the model would go on otherwise; before and behind it writes what it likes."""
    broken = ['I look. <tool_call>\n{"name": "get_time", "argu', "ments\": {'city': 'Paris'}}\n</tool_call>"]
    server = start_server(write_model(tmp_path / "held", {"1": broken}))
    schema = {"type": "object", "properties": {"city": {"enum": ["Bonn"]}}, "required": ["city"], "additionalProperties": False}
    bias = {ord(c): -100 for c in "\t\n\r \\"}  # equally likely for this model, and allowed in many places
    body = {"messages": ASK, "tools": [function("get_time", parameters=schema, strict=True)], "logit_bias": bias, "max_tokens": 300}
    reply = server.post(CHAT, body)
    message = reply.json()["choices"][0]["message"]
    assert message["content"].startswith("I look.") and "tool_parse_error" not in message
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"city": "Bonn"}
    assert "x-tinyllm-ignored" not in reply.headers
    odd = {"$ref": "#/$defs/none"}
    reply = server.post(CHAT, {**body, "tools": [function("get_time", parameters=odd)], "max_tokens": 5})
    assert reply.status == 200 and "parameters" in reply.headers["x-tinyllm-ignored"]
    reply = server.post(CHAT, {**body, "tools": [function("get_time", parameters=odd, strict=True)]})
    assert (reply.status, reply.error()["param"]) == (400, "tools")


def test_a_strict_function_is_called_by_its_mark_only(start_server, tmp_path):
    """What merely looks like a call has followed no schema: with a strict function it is text."""
    bare = ['{"name": "get_time", "arg', 'uments": {"city": 5}}']
    server = start_server(write_model(tmp_path / "bare", {"1": bare}))
    body = {"messages": ASK, "max_tokens": 100}
    assert server.post(CHAT, {**body, "tools": TOOLS}).json()["choices"][0]["finish_reason"] == "tool_calls"
    choice = server.post(CHAT, {**body, "tools": [function("get_time", strict=True)]}).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", "".join(bare))


WRITTEN = {
    "qwen3_coder": "<tool_call>\n<function=get_time>\n<parameter=city>",
    "llama3_json": '{"name": "get_time", "parameters": {"city": "',
    "llama_pythonic": '[get_time(city="',
    "mistral": "[TOOL_CALLS]get_time[ARGS]{\"city\": \"",
    "deepseek_v31": "<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{\"city\": \"",
    "deepseek_v32": '<｜DSML｜invoke name="get_time"><｜DSML｜parameter name="city" string="true">',
    "glm4": "<tool_call>get_time\n<arg_key>city</arg_key><arg_value>",
    "kimi_k2": "<|tool_call_begin|>functions.get_time:0<|tool_call_argument_begin|>{\"city\": \"",
    "granite": '<|tool_call|>[{"name": "get_time", "arguments": {"city": "',
    "lfm2": '<|tool_call_start|>[get_time(city="',
}


@pytest.mark.parametrize("name", WRITTEN)
def test_calls_of_each_format_follow_the_schema(start_server, tmp_path, name):
    """The toy would call with another city; forced, it calls in the same format."""
    server = start_server(write_model(tmp_path / "held", {"1": [WRITTEN[name], "Paris"]}), "--tool-format", name)
    tools = [function("get_time", parameters=BONN, strict=True)]
    body = {"messages": ASK, "tools": tools, "logit_bias": NO_SPACES, "max_tokens": 300}
    for choice in ("auto", "required"):
        asked = {**body, "tool_choice": choice, "parallel_tool_calls": False}
        reply = server.post(CHAT, asked)
        assert "x-tinyllm-ignored" not in reply.headers
        call = reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]
        assert call["name"] == "get_time" and json.loads(call["arguments"]) == {"city": "Bonn"}
    shape = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": BONN}}}
    assert server.post(CHAT, {**body, **shape}).status == 200


def test_schemas_of_two_functions_do_not_meet(caller):
    """The same $id, and properties with the names of keywords, one of which refers to a definition."""

    def tool(name, city):
        schema = {"$id": "x", "type": "object", "additionalProperties": False, "required": ["default"],
                  "properties": {"default": {"$ref": "#/$defs/C"}}, "$defs": {"C": {"enum": [city]}}}  # fmt: skip
        return function(name, parameters=schema)

    body = {"messages": ASK, "tools": [tool("a", "Bonn"), tool("b", "Rome")], "max_tokens": 300, "logit_bias": NO_SPACES}
    for name, city in (("a", "Bonn"), ("b", "Rome")):
        forced = {**body, "tool_choice": {"type": "function", "function": {"name": name}}}
        [call] = caller.post(CHAT, forced).json()["choices"][0]["message"]["tool_calls"]
        assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (name, {"default": city})


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
    """Behind the thinking that the template has opened; no call, though it looks like one."""
    template = TEMPLATE.replace("{{ ns.n }}", "<think>")
    server = start_server(write_model(tmp_path / "thinks", {">": ["\nIs it", " 4?</think>", "It", " is."]}, template))
    call = '{"name": "get_time", "arguments": {"city": "Paris"}}'
    for text in ("{}", call):
        body = {"messages": ASK, "tools": TOOLS, "guided_choice": [text], "max_tokens": 100, "logit_bias": {ord("<"): -100}}
        message = server.post(CHAT, body).json()["choices"][0]["message"]
        assert (message["content"], message.get("tool_calls")) == (text, None)
        assert message["reasoning_content"].strip() == "Is it 4?"
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


def test_a_budget_of_thinking(start_server, tmp_path):
    """The end of the thinking is forced; the toy says after its '>' what it says after the template's."""
    template = TEMPLATE.replace("{{ ns.n }}", "<think>")
    model = write_model(tmp_path / "thinks", {">": ["\nIs it", " 4?", " Or 5?</think>", "It is 4."]}, template)
    server = start_server(model, "--reasoning-budget", "2")

    def said(**more):
        message = server.post(CHAT, {"messages": ASK, "max_tokens": 40, **more}).json()["choices"][0]["message"]
        return message.get("reasoning_content", ""), message["content"]

    whole = "Is it 4? Or 5?"
    assert said(thinking_token_budget=-1)[0] == said(thinking_token_budget=1000)[0] == whole
    assert said() == said(thinking_token_budget=2) == ("Is it 4?", f"{whole}</think>It is 4.")
    assert said(thinking_token_budget=1)[0] == "Is it" and said(thinking_token_budget=0)[0] == ""
    assert said(thinking_token_budget=0, max_tokens=3)[0] == "</th", "the tokens of the mark count, too"
    shape = {"guided_choice": ["Yes", "No"], "logit_bias": NO_SPACES}
    assert said(thinking_token_budget=1, **shape)[0] == "Is it" and said(thinking_token_budget=1, **shape)[1] in ("Yes", "No")
    deltas = [event["choices"][0]["delta"] for event in server.events(CHAT, {"messages": ASK, "thinking_token_budget": 1, "max_tokens": 40})[:-1]]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Is it"
    error = server.post(CHAT, {"messages": ASK, "thinking_token_budget": -2}).error()
    assert error["param"] == "thinking_token_budget"


def test_an_effort_goes_to_the_template_that_knows_it(start_server, tmp_path, caller):
    template = TEMPLATE.replace("{{ ns.n }}", "{{ reasoning_effort or '' }}{% if enable_thinking is defined and not enable_thinking %}5{% endif %}>")
    server = start_server(write_model(tmp_path / "knows", {">": ["Yes."]}, template))

    def prompt(**more):
        return server.post("/apply-template", {"messages": ASK, **more}).json()["prompt"].rpartition("\n")[2]

    assert prompt(reasoning_effort="low") == "low>" and prompt() == ">" and prompt(reasoning_effort="none") == "5>"
    assert prompt(reasoning_effort="low", chat_template_kwargs={"reasoning_effort": "high"}) == "high>"
    body = {"messages": ASK, "reasoning_effort": "low", "max_tokens": 5}
    assert "x-tinyllm-ignored" not in server.post(CHAT, body).headers
    assert caller.post(CHAT, body).headers["x-tinyllm-ignored"] == "reasoning_effort"
    ignored = caller.post(CHAT, {"messages": ASK, "thinking_token_budget": 5, "max_tokens": 5}).headers["x-tinyllm-ignored"]
    assert ignored == "thinking_token_budget"
    reply = caller.post("/v1/responses", {"input": "Hi", "reasoning": {"effort": "low"}, "max_output_tokens": 5})
    assert reply.headers["x-tinyllm-ignored"] == "reasoning.effort"


def test_formats_by_name(start_server, tmp_path):
    model = write_model(tmp_path / "plain", {"1": ['[TOOL_CALLS]get_time[ARGS]{"city": "Paris"}']}, "{{ tools }}{{ messages[0].content }}1")
    server = start_server(model, "--tool-format", "mistral", "--reasoning-format", "none")
    [call] = server.post(CHAT, {"messages": ASK, "tools": TOOLS}).json()["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_time", "arguments": '{"city": "Paris"}'} and len(call["id"]) == 9


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
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice.function.name", "one of the tools"),
        ({"tools": TOOLS, "tool_choice": {"type": "function"}}, "tool_choice.function", "missing"),
        ({"tools": [function("f", parameters={"$ref": "#/$defs/x"})], "tool_choice": "required"}, "tools", '{"name": "f"'),
        ({"tools": TOOLS, "tool_choice": "perhaps"}, "tool_choice", "'auto'"),
        ({"tool_choice": "auto"}, "tool_choice", "only allowed"),
        ({"tool_choice": "required"}, "tool_choice", "only allowed"),
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


def test_a_strict_schema_that_cannot_be_held_is_refused(start_server, tmp_path):
    """By what the format can write, too; without `strict` the header tells."""
    server = start_server(write_model(tmp_path / "free", {"1": LAST}), "--tool-format", "glm4")
    many = {"type": "object", "properties": {"a": {}}, "minProperties": 1}
    for schema, word in ((UNKNOWN, "$ref"), (many, "minProperties")):
        body = {"messages": ASK, "tools": [function("get_time", parameters=schema)], "max_tokens": 100}
        assert server.post(CHAT, body).headers["x-tinyllm-ignored"] == "tools.function.parameters"
        error = server.post(CHAT, {**body, "tools": [function("get_time", parameters=schema, strict=True)]}).error()
        assert error["param"] == "tools" and word in error["message"]
    # A forced call is JSON then, which holds more.
    assert server.post(CHAT, {**body, "tool_choice": "required"}).status == 200


def test_forced_calls(caller):
    """A model that would say something else, and another function."""
    schema = {"type": "object", "properties": {"city": {"$ref": "#/$defs/city"}}, "required": ["city"], "additionalProperties": False,
              "$defs": {"city": {"enum": ["Bonn"]}}}  # fmt: skip
    tools = [function("get_time", parameters=schema), function("get_date", parameters=schema)]
    body = {"messages": ASK, "tools": tools, "max_tokens": 500, "parallel_tool_calls": False}
    body["logit_bias"] = {ord(c): -100 for c in "\t\n\r \\"}  # equally likely for this model, and allowed in many places
    for choice, names in (({"type": "function", "function": {"name": "get_date"}}, {"get_date"}), ("required", {"get_date", "get_time"})):
        asked = {**body, "tool_choice": choice}
        answer = caller.post(CHAT, asked).json()["choices"][0]
        assert (answer["finish_reason"], answer["message"]["content"]) == ("tool_calls", None)
        [call] = answer["message"]["tool_calls"]
        assert call["function"]["name"] in names and json.loads(call["function"]["arguments"]) == {"city": "Bonn"}
        deltas = [event["choices"][0]["delta"] for event in caller.events(CHAT, asked)[:-1]]
        parts = [part["function"] for delta in deltas for part in delta.get("tool_calls", [])]
        assert parts[0]["name"] == call["function"]["name"] and not any(delta.get("content") for delta in deltas)
        assert "".join(part["arguments"] for part in parts) == call["function"]["arguments"]


def test_smollm2_is_forced_to_call(start_server, smollm2):
    client = client_of(start_server(smollm2))
    schema = {**CITY, "properties": {"city": {"type": "string", "maxLength": 12}}, "additionalProperties": False}
    tools = [function("get_weather", parameters=schema), function("get_time", parameters=schema)]
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        for temperature in (0, 1.5):
            answer = client.chat.completions.create(
                model="", messages=ASK, tools=tools, tool_choice=choice, seed=7, temperature=temperature, max_tokens=2000
            ).choices[0]
            assert answer.finish_reason == "tool_calls" and 1 <= len(answer.message.tool_calls) <= 16
            assert all(set(json.loads(call.function.arguments)) == {"city"} for call in answer.message.tool_calls)


NO_SPACES = {ord(c): -100 for c in "\t\n\r \\"}  # equally likely for a toy, and allowed in many places
BONN = {"type": "object", "properties": {"city": {"enum": ["Bonn"]}}, "required": ["city"], "additionalProperties": False}


@pytest.mark.parametrize("is_begun", [False, True])
def test_what_is_asked_for_comes_behind_the_thinking(start_server, tmp_path, is_begun):
    """Whether the model begins to think or its prompt does; the toy would say something else behind it."""
    template = TEMPLATE.replace("{{ ns.n }}", "<think>") if is_begun else TEMPLATE
    said = ["I call <tool_call> or", " {not}.</think>", "It is 4."]
    server = start_server(write_model(tmp_path / "thinks", {">": said, "1": ["<think>", *said]}, template), "--reasoning-format", "think")
    asked = {"messages": ASK, "logit_bias": NO_SPACES, "max_tokens": 500}
    forced = {**asked, "tools": [function("get_time", parameters=BONN)], "tool_choice": "required", "parallel_tool_calls": False}
    message = server.post(CHAT, forced).json()["choices"][0]["message"]
    assert message["reasoning_content"].startswith("I") and not message["content"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"city": "Bonn"}
    shaped = {**asked, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": BONN}}}
    message = server.post(CHAT, shaped).json()["choices"][0]["message"]
    assert message["reasoning_content"].startswith("I") and json.loads(message["content"]) == {"city": "Bonn"}
    deltas = [event["choices"][0]["delta"] for event in server.events(CHAT, shaped)[:-1]]
    assert json.loads("".join(delta.get("content") or "" for delta in deltas)) == {"city": "Bonn"}


def test_json_or_calls(start_server, tmp_path):
    """response_format beside tools: the model calls one, or its answer follows the format."""
    shape = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": BONN}}}
    body = {"messages": ASK, "tools": TOOLS, "logit_bias": NO_SPACES, "max_tokens": 300, **shape}
    says_call = start_server(write_model(tmp_path / "calls", {"1": SECOND}))
    choice = says_call.post(CHAT, {**body, "logit_bias": {}}).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["tool_calls"][0]["function"]["name"] == "get_time"
    says_text = start_server(write_model(tmp_path / "text", {"1": ['{"ci', 'ty":"Bonn"}', "It is noon."]}))
    choice = says_text.post(CHAT, body).json()["choices"][0]
    assert choice["finish_reason"] == "stop" and json.loads(choice["message"]["content"]) == {"city": "Bonn"}
    assert "tool_calls" not in choice["message"]
    odd = {"$ref": "#/$defs/none"}  # neither is to blame for the other
    refused = says_text.post(CHAT, {**body, "tools": [function("get_time", parameters=odd)]})
    assert (refused.status, refused.error()["param"]) == (400, "tools")
    shape["response_format"]["json_schema"]["schema"] = odd
    refused = says_text.post(CHAT, {**body, **shape})
    assert refused.status == 400 and refused.error()["param"].startswith("response_format")


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

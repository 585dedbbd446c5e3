"""/v1/messages, Anthropic's API: blocks, events, tools, errors in its shape. The package anthropic itself runs in tests/clients."""

import json

import pytest
from test_serve_calls import BONN, FIRST, LAST, NO_SPACES, SECOND, TEMPLATE, write_model
from test_serve_responses import typed_events

PATH = "/v1/messages"
ASK = [{"role": "user", "content": "Weather and time in Paris?"}]
WEATHER = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
TIME = {**WEATHER, "name": "get_time"}


@pytest.fixture(scope="module")
def caller(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    return start_server(write_model(folder / "caller", {"1": FIRST, "2": SECOND, "3": LAST}), "--speculate", "off")


def built(events):
    """The content and the ending that the events of a stream build."""
    assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop"
    content, ending = [], None
    for event in events[1:-1]:
        if event["type"] == "content_block_start":
            assert event["index"] == len(content)
            content.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            assert event["index"] == len(content) - 1
            kind, delta = content[-1]["type"], event["delta"]
            if kind == "tool_use":
                content[-1]["json"] += delta["partial_json"]
            else:
                content[-1][kind] += delta[kind]
        elif event["type"] == "message_delta":
            ending = event
    for block in content:
        text = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = json.loads(text)
    return content, ending


def test_a_text(fine_server):
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0}
    answer = fine_server.post(PATH, {**body, "model": ""}).json()
    chat = fine_server.post("/v1/chat/completions", body).json()
    assert answer["content"] == [{"type": "text", "text": chat["choices"][0]["message"]["content"]}]
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "max_tokens")
    usage = answer["usage"]
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] == chat["usage"]["prompt_tokens"]
    assert usage["output_tokens"] == chat["usage"]["completion_tokens"]
    content, ending = built(typed_events(fine_server, PATH, body))
    assert content == answer["content"] and ending["delta"]["stop_reason"] == "max_tokens"
    stopped = fine_server.post(PATH, {**body, "max_tokens": 50, "stop_sequences": ["ne"]}).json()
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "ne")


def test_a_loop_of_two_tools(caller):
    messages, blocks = list(ASK), []
    for names in (["text", "get_weather"], ["get_time"], ["text"]):
        body = {"messages": messages, "tools": [WEATHER, TIME], "max_tokens": 100}
        answer = caller.post(PATH, body).json()
        blocks = answer["content"]
        assert [block.get("name", block["type"]) for block in blocks] == names
        content, ending = built(typed_events(caller, PATH, body))
        ids = [block.pop("id") for block in content if "id" in block]
        assert content == [{k: v for k, v in block.items() if k != "id"} for block in blocks] and len(ids) == len(set(ids))
        assert ending["delta"]["stop_reason"] == answer["stop_reason"]
        messages.append({"role": "assistant", "content": blocks})
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": [{"type": "text", "text": "21"}]}
            for block in blocks
            if block["type"] == "tool_use"
        ]
        messages.append({"role": "user", "content": results})
    assert answer["stop_reason"] == "end_turn" and blocks[0]["text"] == "Sunny, and noon."


def test_blocks_become_the_messages_that_chat_has(caller):
    call = {"id": "c1", "name": "get_time", "arguments": {"city": "Bonn"}}
    chat = [
        {"role": "system", "content": "Be\nbrief."},
        {"role": "user", "content": "Time?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "c1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
        {"role": "user", "content": "And\nthen?"},
    ]
    body = {
        "system": [{"type": "text", "text": "Be", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "brief."}],
        "messages": [
            {"role": "user", "content": "Time?"},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "I look."}, {"type": "tool_use", "id": "c1", "name": "get_time", "input": {"city": "Bonn"}}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "And"},
                    {"type": "tool_result", "tool_use_id": "c1", "content": "noon"},
                    {"type": "text", "text": "then?"},
                ],
            },
        ],
    }
    counted = caller.post(f"{PATH}/count_tokens", body).json()
    assert counted == {"input_tokens": caller.post("/tokenize", {"messages": chat}).json()["count"]}


def test_a_forced_call(caller):
    body = {"messages": ASK, "tools": [{**TIME, "input_schema": BONN}], "max_tokens": 300}
    for choice in ({"type": "any", "disable_parallel_tool_use": True}, {"type": "tool", "name": "get_time"}):
        # Spaces are as likely as all else for a toy; this API knows no bias against them.
        answer = caller.post(PATH, {**body, "tool_choice": choice, "temperature": 2, "top_k": 1}).json()
        assert all(block["type"] == "tool_use" for block in answer["content"]) or answer["stop_reason"] == "max_tokens"


def test_thinking_is_a_block_of_its_own(start_server, tmp_path):
    template = TEMPLATE.replace("{{ ns.n }}", "{% if enable_thinking is not defined or enable_thinking %}<think>{% else %}5{% endif %}")
    server = start_server(write_model(tmp_path / "thinks", {">": ["Is it", " 4?</think>", "\n\nYes."], "5": ["At once."]}, template))
    body = {"messages": ASK, "max_tokens": 50}
    answer = server.post(PATH, {**body, "thinking": {"type": "enabled", "budget_tokens": 1024}})
    assert "x-tinyllm-ignored" not in answer.headers
    whole = [{"type": "thinking", "thinking": "Is it 4?", "signature": ""}, {"type": "text", "text": "Yes."}]
    assert answer.json()["content"] == whole and built(typed_events(server, PATH, body))[0] == whole
    again = server.post(PATH, {**body, "messages": [*ASK, {"role": "assistant", "content": whole}, *ASK]})
    assert again.status == 200, again
    short = server.post(PATH, {**body, "thinking": {"type": "enabled", "budget_tokens": 1}}).json()["content"]
    assert [block["type"] for block in short] == ["thinking", "text"] and short[0]["thinking"] == "Is it"
    at_once = server.post(PATH, {**body, "thinking": {"type": "disabled"}}).json()["content"]
    assert at_once == [{"type": "text", "text": "At once."}]


def test_the_answer_goes_on_with_the_clients_words(caller):
    said = [*ASK, {"role": "assistant", "content": "I say: "}]
    counted = caller.post(f"{PATH}/count_tokens", {"messages": said}).json()["input_tokens"]
    chat = {"messages": said, "add_generation_prompt": False, "continue_final_message": True}
    assert counted == caller.post("/tokenize", chat).json()["count"]


def test_thinking_that_the_model_does_not_know_is_named(caller):
    body = {"messages": ASK, "max_tokens": 20}
    reply = caller.post(PATH, {**body, "thinking": {"type": "enabled", "budget_tokens": 1024}})
    assert reply.status == 200
    assert set(reply.headers["x-tinyllm-ignored"].split(", ")) == {"thinking", "thinking.budget_tokens"}
    assert "x-tinyllm-ignored" not in caller.post(PATH, {**body, "thinking": {"type": "adaptive"}}).headers


def test_a_form_of_the_answer(caller):
    body = {"messages": ASK, "max_tokens": 60, "output_config": {"format": {"type": "json_schema", "schema": {"const": None}}}}
    assert caller.post(PATH, body).json()["content"][0]["text"].strip() == "null"


def test_whole_numbers_of_any_size(start_server, tmp_path):
    call = ['<tool_call>\n{"name": "get_time", "arguments": {"city": "B", "n": ', "123456789012345678901234}}\n</tool_call>"]
    server = start_server(write_model(tmp_path / "big", {"1": call}), "--speculate", "off")
    body = {"messages": ASK, "max_tokens": 100, "tools": [{**TIME, "input_schema": {"type": "object"}}]}
    [block] = server.post(PATH, body).json()["content"]
    [streamed], _ = built(typed_events(server, PATH, body))
    assert block["input"] == streamed["input"] == {"city": "B", "n": 123456789012345678901234}


BAD = [
    ({"messages": ASK}, 400, "invalid_request_error", "max_tokens is missing"),
    ({"max_tokens": 5}, 400, "invalid_request_error", "messages is missing"),
    ({"messages": [], "max_tokens": 5}, 400, "invalid_request_error", "at least one message"),
    ({"messages": [{"role": "tool", "content": ""}], "max_tokens": 5}, 400, "invalid_request_error", "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}], "max_tokens": 5}, 400, "invalid_request_error", "not supported yet"),
    ({"messages": [{"role": "user", "content": [{"type": "tool_use"}]}], "max_tokens": 5}, 400, "invalid_request_error", "content[0].type"),
    ({"messages": ASK, "max_tokens": 5, "tools": [{"name": "f"}]}, 400, "invalid_request_error", "tools[0].input_schema is missing"),
    ({"messages": ASK, "max_tokens": 5, "tools": [{"type": "bash_20250124", "name": "bash"}]}, 400, "invalid_request_error", "tools[0].type"),
    ({"messages": ASK, "max_tokens": 5, "tool_choice": {"type": "any"}}, 400, "invalid_request_error", "only allowed when there are tools"),
    ({"messages": ASK, "max_tokens": 5, "model": "claude"}, 404, "not_found_error", "claude"),
]


@pytest.mark.parametrize("body, status, kind, word", BAD)
def test_errors_have_anthropics_shape(caller, body, status, kind, word):
    reply = caller.post(PATH, body)
    document = reply.json()
    assert reply.status == status and document["type"] == "error"
    assert document["error"]["type"] == kind and word in document["error"]["message"], document


def test_a_key_in_anthropics_header(start_server, tmp_path):
    server = start_server(write_model(tmp_path / "one", {"1": LAST}), "--api-key", "secret")
    body = {"messages": ASK, "max_tokens": 5}
    assert server.post(PATH, body, {"x-api-key": "secret"}).status == 200
    refused = server.post(PATH, body, {"x-api-key": "wrong"})
    assert (refused.status, refused.json()["error"]["type"]) == (401, "authentication_error")

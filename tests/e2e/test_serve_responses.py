"""/v1/responses through OpenAI's own client: items, events, tools, formats, and answers that others go on from."""

import json

import pytest
import toy_model
from test_serve_calls import BONN, FIRST, LAST, NO_SPACES, SECOND, TEMPLATE, write_model

PATH = "/v1/responses"
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
TIME = {**WEATHER, "name": "get_time"}


def client_of(server):
    openai = pytest.importorskip("openai", reason="LACKS the package openai: ./tiny test installs it into build/python")
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0, timeout=600)


@pytest.fixture(scope="module")
def caller(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("responses")
    return start_server(write_model(folder / "caller", {"1": FIRST, "2": SECOND, "3": LAST}), "--speculate", "off")


@pytest.fixture(scope="module")
def client(caller):
    return client_of(caller)


def typed_events(server, path, body):
    """Server-sent events whose name is the type of their data."""
    reply = server.post(path, {**body, "stream": True})
    assert reply.status == 200, reply
    events = []
    for block in reply.body.decode().split("\n\n"):
        if block and not block.startswith(":"):
            name, data = block.split("\n", 1)
            events.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {events[-1]['type']}"
    return events


def test_a_text(fine_server):
    client = client_of(fine_server)
    answer = client.responses.create(model="", input="Hi", max_output_tokens=4, temperature=0, metadata={"a": "b"})
    chat = client.chat.completions.create(model="", messages=[{"role": "user", "content": "Hi"}], max_tokens=4, temperature=0)
    assert answer.output_text == chat.choices[0].message.content
    assert answer.id.startswith("resp_") and answer.metadata == {"a": "b"} and answer.temperature == 0
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (chat.usage.prompt_tokens, chat.usage.completion_tokens)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    whole = client.responses.create(model="", input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}])
    assert (whole.status, whole.incomplete_details) == ("completed", None)


def test_events_build_the_answer(caller):
    body = {"input": "Weather and time in Paris?", "tools": [WEATHER, TIME]}
    events = typed_events(caller, PATH, body)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    types = [event["type"].removeprefix("response.") for event in events]
    assert types[:4] == ["created", "in_progress", "output_item.added", "content_part.added"] and types[-1] == "completed"
    assert "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta") == "I look."
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    whole = caller.post(PATH, body).json()
    for items in (done, events[-1]["response"]["output"], whole["output"]):
        assert [item["type"] for item in items] == ["message", "function_call"]
        assert items[0]["content"][0]["text"] == "I look." and items[0]["status"] == "completed"
        assert (items[1]["name"], json.loads(items[1]["arguments"])) == ("get_weather", {"city": "Paris"})
    assert len({item["id"] for item in whole["output"]}) == 2 and whole["status"] == "completed"


def test_a_loop_of_two_tools_by_id_and_by_items(client):
    """Going on from a kept answer and sending everything again give the same prompt."""
    question = {"role": "user", "content": "Weather and time in Paris?"}
    items, previous, said = [question], None, []
    for _ in range(3):
        whole = client.responses.create(model="", input=items, tools=[WEATHER, TIME])
        news = [question] if previous is None else [results[-1]]
        kept = client.responses.create(model="", input=news, tools=[WEATHER, TIME], previous_response_id=previous)
        assert whole.usage.input_tokens == kept.usage.input_tokens
        assert [item.type for item in whole.output] == [item.type for item in kept.output]
        previous, said = kept.id, whole.output
        results = [
            {"type": "function_call_output", "call_id": item.call_id, "output": "21"} for item in said if item.type == "function_call"
        ]
        items += [item.model_dump(exclude_none=True) for item in said] + results
    assert whole.output_text == kept.output_text == "Sunny, and noon." and not results


def test_instructions_come_first_and_are_not_kept(caller):
    def n_tokens(**more):
        answer = caller.post(PATH, {"input": "Hi", "max_output_tokens": 1, **more}).json()
        return answer["usage"]["input_tokens"], answer["id"]

    plain, told = n_tokens(), n_tokens(instructions="Be brief.")
    chat = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}
    assert told[0] == caller.post("/tokenize", chat).json()["count"]
    assert n_tokens(previous_response_id=told[1])[0] == n_tokens(previous_response_id=plain[1])[0]


def test_what_clients_send_back_is_taken(caller):
    """The tools and tool_choice of an answer without tools; reasoning of a turn that was cut."""
    answer = caller.post(PATH, {"input": "Hi", "max_output_tokens": 1, "tools": [], "metadata": {"n": "1"}}).json()
    again = {"input": "Hi", "max_output_tokens": 1, "tools": answer["tools"], "tool_choice": answer["tool_choice"]}
    assert caller.post(PATH, again).status == 200
    thought = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]}
    said = {"role": "assistant", "content": "Yes."}
    items = [{"role": "user", "content": "a"}, thought, {"role": "user", "content": "b"}, said, {"role": "user", "content": "c"}]
    messages = [items[0], {"role": "assistant", "content": "", "reasoning_content": "Hm."}, *items[2:]]
    used = caller.post(PATH, {"input": items, "max_output_tokens": 1}).json()["usage"]["input_tokens"]
    assert used == caller.post("/tokenize", {"messages": messages}).json()["count"]


def test_long_things_are_not_kept_or_repeated(caller):
    long = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "x" * 2_000_000}]}
    items = [long, {"role": "assistant", "content": "x"}, {"role": "user", "content": "hi"}]
    kept = caller.post(PATH, {"input": items, "max_output_tokens": 1})
    assert kept.status == 200, kept
    error = caller.post(PATH, {"input": "x", "previous_response_id": kept.json()["id"]}).error()
    assert error["code"] == "previous_response_not_found"
    tool = {**TIME, "description": "x" * 100_000}
    answer = caller.post(PATH, {"input": "x", "max_output_tokens": 1, "tools": [tool], "tool_choice": "none"})
    assert answer.status == 200 and answer.json()["tools"] == [] and len(answer.body) < 5000


def test_a_format_and_a_forced_call(caller):
    shape = {"format": {"type": "json_schema", "name": "x", "schema": BONN, "strict": True}}
    body = {"input": "Where?", "logit_bias": NO_SPACES, "max_output_tokens": 300}
    answer = caller.post(PATH, {**body, "text": shape}).json()
    assert json.loads(answer["output"][0]["content"][0]["text"]) == {"city": "Bonn"} and answer["text"] == shape
    tool = {**TIME, "parameters": BONN, "strict": True}
    forced = {**body, "tools": [tool], "tool_choice": {"type": "function", "name": "get_time"}}
    [call] = caller.post(PATH, forced).json()["output"]
    assert (call["type"], call["name"], json.loads(call["arguments"])) == ("function_call", "get_time", {"city": "Bonn"})


def test_reasoning_is_an_item_of_its_own(start_server, tmp_path):
    template = TEMPLATE.replace("{{ ns.n }}", "<think>")
    server = start_server(write_model(tmp_path / "thinks", {">": ["Is it", " 4?</think>", "\n\nYes."]}, template))
    body = {"input": "What is 2+2?"}
    answer = server.post(PATH, body).json()["output"]
    events = typed_events(server, PATH, body)
    for items in (answer, events[-1]["response"]["output"]):
        assert [item["type"] for item in items] == ["reasoning", "message"]
        assert items[0]["content"][0]["text"] == "Is it 4?" and items[1]["content"][0]["text"] == "Yes."
    assert "".join(event["delta"] for event in events if event["type"] == "response.reasoning_text.delta") == "Is it 4?"


def test_a_call_that_cannot_be_read_is_text(start_server, tmp_path):
    broken = ['<tool_call>\n{"name": "get_time", "argu', "ments\": {'city': 'Paris'}}\n</tool_call>"]
    server = start_server(write_model(tmp_path / "broken", {"1": broken}))
    body = {"input": "x", "tools": [{**TIME, "parameters": {"$ref": "#/$defs/x"}}]}  # nothing can hold its calls
    for items in (server.post(PATH, body).json()["output"], typed_events(server, PATH, body)[-1]["response"]["output"]):
        assert [item["type"] for item in items] == ["message"] and items[0]["content"][0]["text"] == "".join(broken)


def test_keys_do_not_see_each_others_answers(start_server, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("first # Ann\nsecond # Bob\n")
    server = start_server(toy_model.write_folder(tmp_path / "toy", toy_model.spell("Fine.")), "--api-key-file", keys)

    def ask(key, **more):
        return server.post(PATH, {"input": "Hi", "max_output_tokens": 2, **more}, {"Authorization": f"Bearer {key}"})

    kept, not_kept = ask("first").json()["id"], ask("first", store=False).json()["id"]
    assert ask("first", previous_response_id=kept).status == 200
    for reply in (ask("second", previous_response_id=kept), ask("first", previous_response_id=not_kept)):
        assert (reply.status, reply.error()["code"]) == (400, "previous_response_not_found")


BAD = [
    ({}, "input", "missing"),
    ({"input": 1}, "input", "string or an array"),
    ({"input": []}, "input", "at least one"),
    ({"input": [1]}, "input[0]", "object"),
    ({"input": [{"role": "user"}]}, "input[0].content", "missing"),
    ({"input": [{"role": "bee", "content": ""}]}, "input[0].role", "developer"),
    ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].type", "not supported"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type", "function_call"),
    ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[0].call_id", "missing"),
    ({"input": "x", "tools": [{"type": "web_search"}]}, "tools[0].type", "no tools of its own"),
    ({"input": "x", "tools": [TIME, TIME]}, "tools[1].name", "another name"),
    ({"input": "x", "tools": [TIME], "tool_choice": {"type": "function", "name": "no"}}, "tool_choice.function.name", "one of the tools"),
    ({"input": "x", "text": {"format": {"type": "xml"}}}, "text.format.type", "json_schema"),
    ({"input": "x", "text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema", "missing"),
    ({"input": "x", "previous_response_id": "resp_no"}, "previous_response_id", "kept"),
    ({"input": "x", "metadata": {"a": 1}}, "metadata.a", "string"),
    ({"input": "x", "metadata": {str(i): "" for i in range(17)}}, "metadata", "at most 16"),
    ({"input": "x", "user": "x" * 5000}, "user", "at most"),
    ({"input": "x", "truncation": "auto"}, "truncation", "disabled"),
    ({"input": "x", "background": True}, "background", "not supported"),
    ({"input": "x", "max_output_tokens": 0}, "max_output_tokens", "1"),
]


@pytest.mark.parametrize("body, param, word", BAD)
def test_a_wrong_field_is_named(caller, body, param, word):
    error = caller.post(PATH, body).error()
    assert error["param"] == param and word in error["message"], error

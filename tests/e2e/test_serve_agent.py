"""serve --tools and --mcp: the server runs tools for requests that ask for them, and none unasked."""

import json
import sys
import threading
import time
from pathlib import Path

import pytest
from test_chat_tools import call, write_model

HOSTILE = Path(__file__).with_name("hostile_mcp.py")
CHAT = "/v1/chat/completions"
ASK = [{"role": "user", "content": "Go."}]
MCP = [{"type": "mcp"}]
SUM = call("calculator", expression="12 * 13")


@pytest.fixture
def serve(start_server, tmp_path):
    """serve(answers, *flags, kinds=(...)): a server whose model gives these answers, with these servers of tools."""

    def start(answers, *flags, kinds=(), timeout=2):
        servers = {kind: {"command": sys.executable, "args": [str(HOSTILE), kind], "timeout": timeout} for kind in kinds}
        file = tmp_path / "mcp.json"
        file.write_text(json.dumps({"mcpServers": servers}))
        model = write_model(tmp_path / "model", *answers)
        return start_server(model, "--tools", *(("--mcp", file) if kinds else ()), *flags)

    return start


def pieces(text, size=20):
    return [text[i : i + size] for i in range(0, len(text), size)]


@pytest.fixture(scope="module")
def counter(start_server, tmp_path_factory):
    """Calls the calculator, whose calls run unasked, the clock, whose calls do not, and answers."""
    model = write_model(tmp_path_factory.mktemp("agent") / "m", ["I count.\n", *pieces(SUM)], [call("date_time")], ["Do", "ne."])
    return start_server(model, "--tools", "--allow-tool", "calculator", "--api-key", "one", "--api-key", "two")


KEY, OTHER_KEY = ({"Authorization": f"Bearer {key}"} for key in ("one", "two"))


def chat(server, messages=ASK, tools=MCP, headers=None, **more):
    reply = server.post(CHAT, {"messages": messages, "tools": tools, **more}, headers)
    assert reply.status == 200, reply.body
    return reply.json()["choices"][0]


def refusal(server, messages=ASK, tools=MCP, headers=None, **more):
    reply = server.post(CHAT, {"messages": messages, "tools": tools, **more}, headers)
    assert reply.status == 400, reply.body
    return reply.error()


def deltas(server, messages=ASK, tools=MCP, headers=None, **more):
    """(deltas that say something, reason to finish, usage) of a streamed answer."""
    events = server.events(CHAT, {"messages": messages, "tools": tools, "stream_options": {"include_usage": True}, **more}, headers)
    assert events.pop() == "[DONE]" and len({event["id"] for event in events}) == 1
    usage = events.pop()["usage"]
    choices = [event["choices"][0] for event in events]
    assert [choice["finish_reason"] for choice in choices[:-1]] == [None] * (len(choices) - 1)
    assert sum("role" in choice["delta"] for choice in choices) == 1 and choices[0]["delta"]["role"] == "assistant"
    return [choice["delta"] for choice in choices], choices[-1]["finish_reason"], usage


def joined(parts, name):
    """The calls of a stream under this name, put together as the openai client does it."""
    calls = {}
    for delta in parts:
        for news in delta.get(name, []):
            one = calls.setdefault(news["index"], {"arguments": ""})
            function = news.pop("function", {})
            one["arguments"] += function.pop("arguments", "")
            one.update({**news, **function})
    return [calls[index] for index in sorted(calls)]


def test_a_loop_runs_and_stops_at_a_call_that_asks(counter):
    choice = chat(counter, headers=KEY)
    assert choice["finish_reason"] == "tool_calls"
    assistant, result = choice["messages"]
    assert (assistant["role"], assistant["content"]) == ("assistant", "I count.")
    function = assistant["tool_calls"][0]["function"]
    assert function["name"] == "calculator" and json.loads(function["arguments"]) == {"expression": "12 * 13"}
    assert result == {"role": "tool", "tool_call_id": assistant["tool_calls"][0]["id"], "name": "calculator", "content": "156"}
    (left,) = choice["message"]["tool_calls"]
    assert left["function"]["name"] == "date_time" and left["approval_request_id"].startswith("appr_")
    # The word, and the answer.
    talk = [*ASK, *choice["messages"], choice["message"]]
    last = chat(counter, talk, headers=KEY, tool_approvals=[left["approval_request_id"]])
    assert (last["message"]["content"], last["finish_reason"]) == ("Done.", "stop")
    assert [message["role"] for message in last["messages"]] == ["tool"] and last["messages"][0]["tool_call_id"] == left["id"]
    assert ", 20" in last["messages"][0]["content"] and "tool_calls" not in last["message"]
    # No for an answer is the client's own result.
    no = {"role": "tool", "tool_call_id": left["id"], "content": "the user does not allow this call"}
    refused = chat(counter, [*talk, no], headers=KEY)
    assert refused["message"]["content"] == "Done." and refused["messages"] == []


def test_the_same_streamed(counter):
    parts, reason, usage = deltas(counter, headers=KEY)
    assert reason == "tool_calls" and "".join(part.get("content", "") for part in parts) == "I count."
    assert len([part for part in parts if "arguments" in str(part.get("server_tool_calls"))]) > 1  # they come as they grow
    (ran,) = joined(parts, "server_tool_calls")
    assert (ran["name"], ran["result"], ran["is_error"]) == ("calculator", "156", False)
    assert json.loads(ran["arguments"]) == {"expression": "12 * 13"}
    (left,) = joined(parts, "tool_calls")
    assert (left["name"], left["index"]) == ("date_time", 0) and left["approval_request_id"].startswith("appr_")
    whole = chat(counter, headers=KEY)
    assert counter.post(CHAT, {"messages": ASK, "tools": MCP}, KEY).json()["usage"]["completion_tokens"] == usage["completion_tokens"]
    arguments = json.loads(whole["message"]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {} == json.loads(left["arguments"])
    calls = [{"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in (ran, left)]
    talk = [*ASK, {"role": "assistant", "content": "I count.", "tool_calls": calls[:1]}]
    talk += [{"role": "tool", "tool_call_id": ran["id"], "content": "156"}, {"role": "assistant", "content": None, "tool_calls": calls[1:]}]
    parts, reason, _ = deltas(counter, talk, headers=KEY, tool_approvals=[left["approval_request_id"]])
    assert reason == "stop" and "".join(part.get("content", "") for part in parts) == "Done."
    (ran,) = joined(parts, "server_tool_calls")
    assert ran["id"] == left["id"] and ", 20" in ran["result"] and ran["index"] == 0


def asked(server, headers=KEY):
    """(a conversation that ends with a call that asks, the id of its approval)"""
    choice = chat(server, headers=headers)
    return [*ASK, *choice["messages"], choice["message"]], choice["message"]["tool_calls"][0]["approval_request_id"]


def test_an_approval_holds_for_one_call_once_and_for_one_key(counter):
    n_before = counter_calls(counter, "date_time")
    talk, approval = asked(counter)
    assert "no approval" in refusal(counter, talk, headers=KEY)["message"]
    for forged in ("appr_" + "0" * 24, approval[:-1], approval.upper(), "", talk[-1]["tool_calls"][0]["id"]):
        refusal(counter, talk, headers=KEY, tool_approvals=[forged])
    refusal(counter, talk, headers=OTHER_KEY, tool_approvals=[approval])
    refusal(counter, talk, headers=KEY, tool_approvals=[approval, approval])
    refusal(counter, ASK, headers=KEY, tool_approvals=[approval])

    def changed(**call):
        other = json.loads(json.dumps(talk))
        one = other[-1]["tool_calls"][0]
        one["id"] = call.pop("id", one["id"])
        one["function"].update(call)
        return other

    for other in (changed(arguments='{"zone": "UTC"}'), changed(name="learn_check"), changed(id="call_1"), changed(arguments="[]")):
        assert refusal(counter, other, headers=KEY, tool_approvals=[approval])["param"].startswith("messages[")
    twice = json.loads(json.dumps(talk))
    twice[-1]["tool_calls"] *= 2  # the same call, two times
    refusal(counter, twice, headers=KEY, tool_approvals=[approval])
    assert counter_calls(counter, "date_time") == n_before
    # None of this has used it up; now it is used, by one of many at a time.
    statuses = []

    def use():
        statuses.append(counter.post(CHAT, {"messages": talk, "tools": MCP, "tool_approvals": [approval]}, KEY).status)

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 19
    assert counter_calls(counter, "date_time") == n_before + 1
    refusal(counter, talk, headers=KEY, tool_approvals=[approval])


def counter_calls(server, tool, headers=KEY):
    lines = server.get("/metrics", headers=headers).body.decode().splitlines()
    values = [line.split()[-1] for line in lines if line.startswith(f'tinyllm:tool_calls_total{{tool="{tool}"}}')]
    return float(values[0]) if values else 0.0


def test_only_who_has_a_key_runs_tools(counter, tinyllm, tmp_path):
    assert counter.post(CHAT, {"messages": ASK, "tools": MCP}).status == 401
    for flags in (["--host", "0.0.0.0"], ["--cors-origin", "*"], ["--allowed-host", "x"], ["--trusted-proxy", "127.0.0.1"]):
        message = tinyllm.failure("serve", "-m", tmp_path, "--tools", "--port", "0", *flags, code=2)
        assert "needs an --api-key" in message
    models = counter.get("/v1/models", headers=KEY).json()["data"][0]["server_tools"]
    assert [(tool["name"], tool["asks"]) for tool in models][:2] == [("calculator", False), ("date_time", True)]


def test_what_a_request_may_ask_for(counter, fine_server):
    def says(field, tools, **more):
        error = refusal(counter, tools=tools, headers=KEY, **more)
        assert error["param"] == field, error

    says("tools[0].allowed_tools", [{"type": "mcp", "allowed_tools": ["shell"]}])
    says("tools[0].allowed_tools", [{"type": "mcp", "allowed_tools": []}])
    says("tools[0].server_label", [{"type": "mcp", "server_label": "wiki"}])
    says("tools[0].server_url", [{"type": "mcp", "server_url": "http://localhost:1/mcp"}])
    says("tools[0].require_approval", [{"type": "mcp", "require_approval": "never"}])
    says("tools[0].require_approval", [{"type": "mcp", "require_approval": "sometimes"}])
    says("tools[0]", [{"type": "mcp", "command": "sh"}])
    says("tools[1]", MCP * 2)
    says("tools[1]", [{"type": "function", "function": {"name": "calculator"}}, {"type": "mcp", "allowed_tools": ["calculator"]}])
    says("n", MCP, n=2, temperature=1)
    says("logprobs", MCP, logprobs=True)
    says("tool_approvals", [], tool_approvals=["appr_1"])
    assert "runs none" in refusal(fine_server)["message"]
    # Every call of these asks, also where the operator says that it need not.
    always = chat(counter, tools=[{"type": "mcp", "require_approval": "always"}], headers=KEY)
    assert always["message"]["tool_calls"][0]["function"]["name"] == "calculator" and always["messages"] == []
    never = [{"type": "mcp", "allowed_tools": ["calculator"], "require_approval": "never", "server_label": "tinyllm"}]
    assert chat(counter, tools=never, headers=KEY)["messages"][1]["content"] == "156"
    # A tool that was not asked for is none, though the server has it.
    assert "tool_calls" not in chat(counter, tools=never, headers=KEY)["message"]
    unused = chat(counter, tool_choice="none", headers=KEY)
    assert "messages" not in unused and "<tool_call>" in unused["message"]["content"]


def test_calls_of_one_message_run_up_to_the_first_that_asks(serve):
    both = [SUM + "\n" + call("date_time") + "\n" + call("calculator", expression="1 + 1")]
    server = serve([both, ["two"], ["Done."], ["four"]], "--allow-tool", "calculator")
    choice = chat(server)
    assert [message["role"] for message in choice["messages"]] == ["assistant", "tool"]
    assert choice["messages"][1]["content"] == "156"
    left = choice["message"]["tool_calls"]
    assert [call["function"]["name"] for call in left] == ["date_time", "calculator"] and choice["message"]["content"] is None
    assert "approval_request_id" in left[0]
    parts, reason, _ = deltas(server)
    assert reason == "tool_calls" and [c["result"] for c in joined(parts, "server_tool_calls")] == ["156"]
    assert [c["name"] for c in joined(parts, "tool_calls")] == ["date_time", "calculator"]
    talk = [*ASK, *choice["messages"], choice["message"]]
    last = chat(server, talk, tool_approvals=[left[0]["approval_request_id"]])
    assert [message["content"] for message in last["messages"]][1] == "2" and last["message"]["content"] == "four"


def test_functions_of_the_client_are_left_to_it(serve):
    server = serve([[call("lookup", word="x")], ["Done."]], "--allow-tool", "calculator")
    own = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}
    choice = chat(server, tools=[own, *MCP])
    (left,) = choice["message"]["tool_calls"]
    assert left["function"]["name"] == "lookup" and "approval_request_id" not in left
    result = {"role": "tool", "tool_call_id": left["id"], "content": "found"}
    assert chat(server, [*ASK, choice["message"], result], tools=[own, *MCP])["message"]["content"] == "Done."


RESULTS = {
    "fine": "gone well",
    "dies": "error: the server has ended with exit code 3: 'out of luck'",
    "silent": "error: the server did not answer tools/call within 2 s",
    "floods": "error: the server did not answer tools/call within 2 s",
    "long": "error: the server sent a line of more than 16 MiB",
    "refuses": "error: the server refuses tools/call: 'not \\x1b[31mthis'",
}


@pytest.mark.parametrize("kind", RESULTS)
def test_a_server_of_tools_costs_its_own_calls_only(serve, kind):
    server = serve([[call(f"{kind}_go")], [SUM], ["Done."]], "--allow-tool", f"{kind}_go", "--allow-tool", "calculator", kinds=[kind])
    choice = chat(server)
    assert [m["content"] for m in choice["messages"] if m["role"] == "tool"] == [RESULTS[kind], "156"]
    assert choice["message"]["content"] == "Done."
    failed = [v for k, v in server.metrics().items() if k.startswith("tinyllm:tool_call_failures_total")]
    assert sum(failed) == (kind != "fine") and server.metric("tinyllm:tool_calls_total") == 2


def test_a_huge_result_is_cut(serve):
    server = serve([[call("huge_go")], ["Done."]], "--allow-tool", "huge_go", kinds=["huge"])
    result = chat(server)["messages"][1]["content"]
    assert len(result) < 3000 and "bytes are left out here" in result


def test_rounds_are_bounded(serve):
    endless = [[call("calculator", expression=f"{i} + 1")] for i in range(1, 10)]
    server = serve([*endless, ["x"]], "--allow-tool", "calculator")
    choice = chat(server)
    assert server.metric("tinyllm:tool_calls_total") == 8 and len(choice["messages"]) == 16
    assert choice["finish_reason"] == "stop" and "<tool_call>" in choice["message"]["content"]  # it was shown no tools


def test_a_model_that_repeats_itself_is_asked_for_its_answer(serve):
    """The repeated call is dropped: it stands in no message. A stream has shown it, and says so."""
    again = [SUM.replace('13"', '13" '), ["Done."]]
    server = serve([[SUM], [again[0]], again[1]], "--allow-tool", "calculator")
    # Dropped, so the toy is asked with one result again, and says the same; it is shown no tools then.
    choice = chat(server)
    assert [m["role"] for m in choice["messages"]] == ["assistant", "tool"] and choice["messages"][1]["content"] == "156"
    assert choice["finish_reason"] == "stop" and "<tool_call>" in choice["message"]["content"]
    parts, reason, _ = deltas(server)
    ran, dropped = joined(parts, "server_tool_calls")
    assert ran["result"] == "156" and "dropped" not in ran and reason == "stop"
    assert dropped["dropped"] is True and dropped["is_error"] is True and dropped["result"] == "this call repeats the one before, and was not run"
    assert server.metric("tinyllm:tool_calls_total") == 2


def test_an_approved_call_that_is_repeated_does_not_ask_again(serve):
    server = serve([[SUM], [SUM.replace('13"', '13" ')], ["Done."]])
    choice = chat(server)
    talk, approval = [*ASK, choice["message"]], choice["message"]["tool_calls"][0]["approval_request_id"]
    last = chat(server, talk, tool_approvals=[approval])
    assert [m["content"] for m in last["messages"]] == ["156"] and last["finish_reason"] == "stop" and "tool_calls" not in last["message"]
    # Streamed as well it is nobody's call: it would be left to the client, and is not.
    choice = chat(server)
    approval = choice["message"]["tool_calls"][0]["approval_request_id"]
    parts, reason, _ = deltas(server, [*ASK, choice["message"]], tool_approvals=[approval])
    (ran,) = joined(parts, "server_tool_calls")
    assert ran["result"] == "156" and joined(parts, "tool_calls") == [] and reason == "stop"

# No grammar holds calls beside it: the model may write what is none.
LOOSE = {"type": "function", "function": {"name": "loose", "parameters": {"$ref": "#/$defs/none"}}}


def test_a_call_that_is_cut_keeps_its_index(serve):
    """Each call of a stream has an index of its own; one that was no call after all is dropped, and the whole ones run."""
    cut = ['\n<tool_call>\n{"name": "calculator", "arguments": {"expression":', ' "1 + 1"}}\n</tool_call>']
    server = serve([[SUM, *cut], [call("calculator", expression="2 + 2")], ["Done."]], "--allow-tool", "calculator")
    parts, reason, _ = deltas(server, max_tokens=2)
    ran, dropped, last = joined(parts, "server_tool_calls")
    assert (ran["result"], last["result"], reason) == ("156", "4", "stop") and "dropped" not in ran and "dropped" not in last
    assert json.loads(last["arguments"]) == {"expression": "2 + 2"} and len({c["id"] for c in (ran, dropped, last)}) == 3
    assert dropped["dropped"] is True and dropped["is_error"] is True and dropped["result"] == "the text ends inside a call"
    choice = chat(server, max_tokens=2)
    assert [m["content"] for m in choice["messages"] if m["role"] == "tool"] == ["156", "4"]
    assert choice["messages"][0]["content"] == cut[0].lstrip() and choice["message"]["content"] == "Done."


def test_a_failed_call_that_would_ask_holds_no_other_back(serve):
    broken = '<tool_call>\n{"name": "date_time", "arguments": [}\n</tool_call>\n'
    server = serve([[broken, SUM], ["Done."]], "--allow-tool", "calculator")
    parts, reason, _ = deltas(server, tools=[LOOSE, *MCP])
    (ran,) = joined(parts, "server_tool_calls")
    assert (ran["index"], ran["result"], reason) == (0, "156", "stop") and joined(parts, "tool_calls") == []
    assert chat(server, tools=[LOOSE, *MCP])["message"]["content"] == "Done."


def test_a_message_that_is_cut_says_so(serve):
    """Streamed and whole alike, though a call of it ran and another asks."""
    server = serve([[SUM, call("date_time"), "and ", "more"], ["Done."]], "--allow-tool", "calculator")
    parts, reason, _ = deltas(server, max_tokens=3)
    choice = chat(server, max_tokens=3)
    assert reason == choice["finish_reason"] == "length"
    assert [c["name"] for c in joined(parts, "tool_calls")] == [c["function"]["name"] for c in choice["message"]["tool_calls"]] == ["date_time"]


def test_usage_counts_each_message_once(serve):
    """Also in the chunk in which a message without words ends."""
    server = serve([[SUM], [" "]], "--allow-tool", "calculator")
    options = {"include_usage": True, "continuous_usage_stats": True}
    events = server.events(CHAT, {"messages": ASK, "tools": MCP, "stream_options": options})
    usages = [event["usage"] for event in events[:-1] if event["choices"] and event.get("usage") and event["choices"][0]["delta"]]
    first, second, third = sorted({usage["prompt_tokens"] for usage in usages})
    assert second - first < third - second  # the last prompt asks for the answer besides


def test_names_that_a_model_wrote_are_one_line_of_the_log(serve):
    server = serve([[call("a\nb\x1b[31m")], ["Done."]])
    choice = chat(server, tools=[LOOSE, *MCP])
    assert choice["messages"][1]["content"].startswith("error: there is no tool ")
    server.wait_for(r"tool 'a\\x0ab\\x1b\[31m': \d+ bytes, an error$", seconds=5)


def test_nothing_runs_for_a_request_that_is_refused(counter):
    """What only the model's part of the server can refuse is refused before a call runs, and uses no approval up."""
    talk, approval = asked(counter)
    n_before = counter_calls(counter, "date_time")
    strict = json.loads(json.dumps(LOOSE))
    strict["function"]["strict"] = True
    sum_call = {"id": "c1", "type": "function", "function": {"name": "calculator", "arguments": '{"expression": "1 + 1"}'}}
    n_sums = counter_calls(counter, "calculator")
    allowed = [*ASK, {"role": "assistant", "content": "", "tool_calls": [sum_call]}]
    for more in ({"tools": [strict, *MCP]}, {"structured_outputs": {"regex": "("}}, {"stop_token_ids": [10**6]}, {"logit_bias": {"100000": 1}}):
        refusal(counter, talk, headers=KEY, tool_approvals=[approval], **more)
        refusal(counter, allowed, headers=KEY, **more)
    long = [{"role": "user", "content": "a" * 5000}, *talk[1:]]
    error = refusal(counter, long, headers=KEY, tool_approvals=[approval])
    assert error["code"] == "context_length_exceeded"
    assert (counter_calls(counter, "date_time"), counter_calls(counter, "calculator")) == (n_before, n_sums)
    last = chat(counter, talk, headers=KEY, tool_approvals=[approval])
    assert last["message"]["content"] == "Done." and counter_calls(counter, "date_time") == n_before + 1


def test_a_client_that_leaves_stops_its_call(serve):
    server = serve([[call("silent_go")], ["Done."]], "--allow-tool", "silent_go", "--allow-tool", "calculator", kinds=["silent"], timeout=60)
    body = json.dumps({"messages": ASK, "tools": MCP, "stream": True}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + body)
        data = b""
        while b"silent_go" not in data:
            data += connection.recv(4096)
        time.sleep(0.3)
        assert server.post(CHAT, {"messages": ASK, "max_tokens": 1}).status == 200  # nobody waits for the tool
    server.wait_for("client left", seconds=5)
    server.wait_until_idle(seconds=5)
    started = time.monotonic()
    server.stop()  # at once: the call is not waited for
    assert time.monotonic() - started < 8


def test_a_server_that_goes_down_ends_its_calls(serve):
    server = serve([[call("silent_go")], ["Done."]], "--allow-tool", "silent_go", "--drain-seconds", "1", kinds=["silent"], timeout=60)
    replies = []
    asking = threading.Thread(target=lambda: replies.append(server.post(CHAT, {"messages": ASK, "tools": MCP})))
    asking.start()
    time.sleep(1)
    started = time.monotonic()
    server.stop()
    asking.join(timeout=20)
    assert time.monotonic() - started < 10 and replies[0].status == 503


def test_a_silent_server_delays_no_other(serve):
    server = serve([[call("silent_go")], ["Done."]], "--allow-tool", "silent_go", "--allow-tool", "calculator", kinds=["silent"], timeout=5)
    calls = [{"id": "c1", "type": "function", "function": {"name": "calculator", "arguments": '{"expression": "2 + 2"}'}}]
    waiting = threading.Thread(target=lambda: chat(server))
    waiting.start()
    time.sleep(0.5)
    started = time.monotonic()
    choice = chat(server, [*ASK, {"role": "assistant", "content": "", "tool_calls": calls}])
    assert choice["messages"][0]["content"] == "4" and time.monotonic() - started < 3
    waiting.join(timeout=20)


def test_a_thousand_requests_beside_each_other(serve):
    """125 clients of 8 requests each; some leave in the middle, some try approvals that do not hold."""
    server = serve([[SUM], [call("fine_go")], ["Done."]], "--allow-tool", "calculator", "--allow-tool", "fine_go", kinds=["fine"], timeout=60)
    bodies = [{"messages": ASK, "tools": MCP, "stream": i % 2 == 0} for i in range(2)]
    bad = {"messages": ASK, "tools": MCP, "tool_approvals": ["appr_1"]}
    counts, lock = {}, threading.Lock()

    def ask(i):
        for turn in range(8):
            if (8 * i + turn) % 10 == 0:
                with server.connect() as connection:  # and away
                    body = json.dumps(bodies[0]).encode()
                    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                    connection.sendall(head.encode() + body)
                    connection.recv(200)
                outcome = "left"
            elif (8 * i + turn) % 10 == 1:
                outcome = server.post(CHAT, bad).status
            else:
                reply = server.post(CHAT, bodies[turn % 2])
                outcome = "right" if reply.status == 200 and b"gone well" in reply.body and b"Done." in reply.body else reply
            with lock:
                counts[outcome if isinstance(outcome, (str, int)) else str(outcome)] = counts.get(outcome, 0) + 1

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(125)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert counts == {"right": 800, "left": 100, 400: 100}, counts
    server.wait_until_idle()
    calls = server.metrics()
    assert 800 <= calls['tinyllm:tool_calls_total{tool="fine_go"}'] <= 900
    assert not any(name.startswith("tinyllm:tool_call_failures_total") for name in calls)


def test_an_answer_that_outgrows_the_context_says_so(serve):
    server = serve([[SUM], ["Done."]], "--allow-tool", "calculator")
    always = [{"type": "mcp", "require_approval": "always"}]
    n_prompt = server.post(CHAT, {"messages": ASK, "tools": always}).json()["usage"]["prompt_tokens"]
    full = [{"role": "user", "content": "Go." + "a" * (4096 - n_prompt - 10)}]
    assert refusal(server, full)["code"] == "context_length_exceeded"
    assert server.metric("tinyllm:tool_calls_total") == 1
    events = server.events(CHAT, {"messages": full, "tools": MCP})
    assert events[-2]["error"]["code"] == "context_length_exceeded" and events[-1] == "[DONE]"


def test_the_openai_client_reads_it(counter):
    openai = pytest.importorskip("openai", reason="LACKS the package openai: ./tiny test installs it into build/python")
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{counter.port}/v1", api_key="one", max_retries=0, timeout=60)
    talk = list(ASK)
    choice = client.chat.completions.create(model="", messages=talk, tools=MCP).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.messages[1]["content"] == "156"
    talk += [*choice.messages, choice.message]
    words = {"tool_approvals": [choice.message.tool_calls[0].approval_request_id]}
    answer = ""
    with client.chat.completions.create(model="", messages=talk, tools=MCP, stream=True, extra_body=words) as stream:
        for chunk in stream:
            answer += chunk.choices[0].delta.content or ""
    assert answer == "Done." and chunk.choices[0].finish_reason == "stop"

"""Tools of the server on the page: the switch, a card for each call, the user's word, and what is kept of it."""

import json

import pytest
from conftest import options_of
from test_layout import OVERFLOWING, SMALL
from test_page import answer, expect, finished, say, server, shot  # noqa: F401 (server is a fixture)

TOOLS = [
    {"name": "calculator", "description": "Computes", "asks": False},
    {"name": "shell", "description": "Runs a command", "asks": True},
]
HOSTILE = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 2</script>**bold** [a](javascript:window.hacked=3)"

HIDING = "\u202e\u200b\u2028\u2029\u034f\u115f\u1160\u2800\u3164\uffa0\ufe0f\u00ad\U000e0041"


def begin(index, name, call_id=None, kind="server_tool_calls"):
    function = {"name": name, "arguments": ""}
    return {kind: [{"index": index, "id": call_id or f"c{index}", "type": "function", "function": function}]}


def more(index, arguments, kind="server_tool_calls", **fields):
    return {kind: [{"index": index, "function": {"arguments": arguments}, **fields}]}


def result(index, text, is_error=False, call_id=None):
    return {"server_tool_calls": [{"index": index, "id": call_id or f"c{index}", "result": text, "is_error": is_error}]}


def left(index, name, arguments, approval="appr_1", call_id="left0"):
    asks = {"approval_request_id": approval} if approval else {}
    return [begin(index, name, call_id, "tool_calls"), more(index, arguments, "tool_calls", **asks)]


COUNT = [
    {"content": "I count.\n"}, begin(0, "calculator"), more(0, '{"expression": '), True, more(0, '"12 * 13"}'), True, result(0, "156"),
    {"content": "It is **156**."}, "stop",
]  # fmt: skip
ASK = [{"content": "I look.\n"}, *left(0, "shell", '{"command": "ls"}'), "tool_calls"]
APPROVED = [result(0, "a.txt", call_id="left0"), {"content": "There is a.txt."}, "stop"]


@pytest.fixture(params=["390-dark", "1280-light"])
def page(open_page, server, request):  # noqa: F811
    server.model["server_tools"] = TOOLS
    server.scripts = {"count": COUNT, "list": ASK, "approved": APPROVED, "answered": [{"content": "Then not."}, "stop"]}
    page = open_page(server.url, **options_of(request.param))
    page.locator("#switch-tools").click()
    page.look = request.param
    return page


def card(page, i=-1):
    return page.locator(".call").nth(i)


def test_the_switch(open_page, server):  # noqa: F811
    page = open_page(server.url)
    say(page, "hello")
    finished(page)
    expect(page.locator("#switch-tools")).to_be_hidden()
    server.model["server_tools"] = TOOLS
    page.reload()
    switch = page.locator("#switch-tools")
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(switch).to_have_attribute("title", "Off: the model does not see calculator, shell")
    say(page, "hello")
    finished(page)
    assert "tools" not in server.requests[-1]
    switch.click()
    page.reload()  # it is remembered
    expect(switch).to_have_attribute("aria-pressed", "true")
    say(page, "hello")
    finished(page)
    assert server.requests[-1]["tools"] == [{"type": "mcp"}]


def test_a_call_that_runs(page, server):  # noqa: F811
    say(page, "count")
    expect(card(page).locator(".call-name")).to_have_text("calculator")
    expect(card(page).locator(".call-arguments")).to_have_text('{"expression": ')  # as far as it has come
    shot(page, f"tools-streams-{page.look}")
    server.go_on.set()
    expect(answer(page).locator(".body strong")).to_have_text("156")
    finished(page)
    expect(answer(page).locator(".said")).to_have_text("I count.")
    expect(card(page).locator(".call-arguments")).to_have_text('{"expression": "12 * 13"}')
    expect(card(page).locator(".call-state")).to_have_text("done")
    expect(card(page).locator(".call-result pre")).to_be_hidden()  # folded
    card(page).locator("summary").click()
    expect(card(page).locator(".call-result pre")).to_have_text("156")
    shot(page, f"tools-done-{page.look}")
    say(page, "hello")  # what came of it is in the next prompt
    finished(page)
    _, called, told, last, _ = server.requests[-1]["messages"]
    assert (called["content"], called["tool_calls"][0]["function"]) == ("I count.\n", {"name": "calculator", "arguments": '{"expression": "12 * 13"}'})
    assert told == {"role": "tool", "tool_call_id": "c0", "name": "calculator", "content": "156"}
    assert last == {"role": "assistant", "content": "It is **156**."}


def test_a_call_that_asks_and_is_approved(page, server):  # noqa: F811
    say(page, "list")
    finished(page)
    expect(card(page)).to_have_attribute("data-state", "asks")
    expect(card(page).locator(".call-arguments")).to_have_text('{"command": "ls"}')
    shot(page, f"tools-asks-{page.look}")
    card(page).get_by_role("button", name="Approve").click()
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")
    finished(page)
    body = server.requests[-1]
    assert body["tool_approvals"] == ["appr_1"] and body["tools"] == [{"type": "mcp"}]
    assert [m["role"] for m in body["messages"]] == ["user", "assistant"]
    assert body["messages"][1]["tool_calls"] == [{"id": "left0", "type": "function", "function": {"name": "shell", "arguments": '{"command": "ls"}'}}]
    expect(card(page)).to_have_attribute("data-state", "done")
    expect(page.locator(".call-buttons")).to_have_count(0)
    expect(page.locator(".message.assistant")).to_have_count(1)


def test_a_call_that_is_denied(page, server):  # noqa: F811
    say(page, "list")
    card(page).get_by_role("button", name="Deny").click()
    expect(answer(page).locator(".body")).to_have_text("Then not.")
    finished(page)
    assert "tool_approvals" not in server.requests[-1]
    told = {"role": "tool", "tool_call_id": "left0", "name": "shell", "content": "error: the user does not allow this call"}
    assert server.requests[-1]["messages"][-1] == told
    expect(card(page)).to_have_attribute("data-state", "failed")


def test_always_holds_for_this_conversation_until_a_reload(page, server):  # noqa: F811
    say(page, "list")
    card(page).get_by_role("button", name="Always").click()
    finished(page)
    say(page, "list")  # no question
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")
    finished(page)
    assert [bool(body.get("tool_approvals")) for body in server.requests] == [False, True, False, True]
    page.reload()
    page.locator(".conversation .open").first.evaluate("e => e.click()")
    say(page, "list")
    expect(card(page).get_by_role("button", name="Always")).to_be_visible()
    assert len(server.requests) == 5


def test_several_calls_wait_for_all_words(page, server):  # noqa: F811
    server.scripts["list"] = [*left(0, "shell", '{"command": "ls"}'), *left(1, "shell", '{"command": "rm"}', "appr_2", "left1"), "tool_calls"]
    say(page, "list")
    finished(page)
    card(page, 0).get_by_role("button", name="Approve").click()
    expect(card(page, 0).locator(".call-state")).to_have_text("approved")
    assert len(server.requests) == 1
    card(page, 1).get_by_role("button", name="Deny").click()
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")
    body = server.requests[-1]
    assert body["tool_approvals"] == ["appr_1"] and [m["role"] for m in body["messages"]] == ["user", "assistant", "tool"]
    assert body["messages"][-1]["tool_call_id"] == "left1"


def test_stop_ends_a_running_tool(page, server):  # noqa: F811
    say(page, "count")
    expect(card(page)).to_have_attribute("data-state", "running")
    page.locator("#stop").click()
    finished(page)
    expect(card(page)).to_have_attribute("data-state", "stopped")
    expect(answer(page).get_by_role("alert")).to_have_text("Stopped.")
    page.wait_for_timeout(500)
    assert server.n_disconnected == 1


def test_cards_are_kept(page, server):  # noqa: F811
    server.go_on.set()
    say(page, "count")
    finished(page)
    say(page, "list")
    expect(card(page)).to_have_attribute("data-state", "asks")
    page.reload()
    page.locator(".conversation .open").first.evaluate("e => e.click()")
    expect(page.locator(".call")).to_have_count(2)
    expect(card(page, 0)).to_have_attribute("data-state", "done")
    expect(answer(page, 0).locator(".said")).to_have_text("I count.")
    with page.expect_download() as download:
        page.locator("#export").evaluate("e => e.click()")
    file = download.value.path()
    calls = [call for m in json.loads(file.read_text())["conversations"][0]["messages"] for call in m.get("calls", [])]
    assert [(call["name"], call.get("result")) for call in calls] == [("calculator", "156"), ("shell", None)]
    page.evaluate("localStorage.clear()")
    page.reload()
    page.locator("#import-file").set_input_files(file)
    page.locator(".conversation .open").first.evaluate("e => e.click()")
    expect(page.locator(".call")).to_have_count(2)
    card(page).get_by_role("button", name="Approve").click()  # it still asks, and still may
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")


def test_a_repeated_call_is_no_part_of_the_talk(page, server):  # noqa: F811
    dropped = result(1, "this call repeats the one before, and was not run", True, "again")
    dropped["server_tool_calls"][0]["dropped"] = True
    again = left(0, "shell", "{}", approval=None, call_id="again")
    server.scripts["count"] = [begin(0, "calculator"), result(0, "156"), *again, dropped, {"content": "Done."}, "stop"]
    say(page, "count")
    expect(answer(page).locator(".body")).to_have_text("Done.")
    finished(page)
    expect(page.locator(".call")).to_have_count(2)
    expect(card(page)).to_have_attribute("data-state", "failed")
    say(page, "hello")
    finished(page)
    assert [m["role"] for m in server.requests[-1]["messages"]] == ["user", "assistant", "tool", "assistant", "user"]


def test_nothing_of_a_call_becomes_html(page, server):  # noqa: F811
    hostile = [begin(0, HOSTILE), more(0, json.dumps({"a": HOSTILE})), result(0, HOSTILE), {"content": "Done."}]
    server.scripts["list"] = [*hostile, *left(0, HOSTILE, HOSTILE + f"a{HIDING}b"), "tool_calls"]
    server.scripts["approved"] = [result(0, HOSTILE, True, "left0"), {"content": "End."}, "stop"]
    say(page, "list")
    finished(page)
    expect(card(page).locator(".call-arguments")).to_contain_text("a" + "\ufffd" * len(HIDING) + "b")
    card(page, 0).locator("summary").click()
    shot(page, f"tools-hostile-{page.look}")
    card(page).get_by_role("button", name="Approve").click()
    expect(answer(page).locator(".body")).to_have_text("End.")
    assert page.locator(".call").locator("img, script, strong, a").count() == 0
    assert page.evaluate("window.hacked") is None
    expect(card(page, 0).locator(".call-name")).to_have_text(HOSTILE)


def test_a_call_that_nobody_runs_is_shown(page, server):  # noqa: F811
    server.scripts["list"] = [{"content": "I try.\n"}, *left(0, "elsewhere", "{}", approval=None), "tool_calls"]
    say(page, "list")
    finished(page)
    expect(card(page).locator(".call-state")).to_have_text("was not run")
    expect(card(page).locator("button")).to_have_count(0)
    say(page, "hello")
    expect(answer(page).locator(".body")).to_have_text("You said: hello")
    assert server.requests[-1]["messages"][2]["content"] == "the user has not answered whether this call may run"


def test_an_error_of_the_server_is_told(page, server):  # noqa: F811
    say(page, "list")
    finished(page)
    server.fail_with = (400, "an approval was used already")
    page.allowed = ["400"]
    card(page).get_by_role("button", name="Approve").click()
    expect(answer(page).get_by_role("alert")).to_have_text("an approval was used already")
    expect(card(page)).to_have_attribute("data-state", "stopped")


@pytest.mark.parametrize("word", ["Approve", "Always", "Deny"])
def test_a_busy_server_costs_no_word(page, server, word):  # noqa: F811
    say(page, "list")
    finished(page)
    server.fail_with, page.allowed = (429, "busy"), ["429"]
    card(page).get_by_role("button", name=word).click()
    expect(answer(page).get_by_role("alert")).to_have_text("The server is busy. Try again in a moment.")
    page.reload()
    page.locator(".conversation .open").first.evaluate("e => e.click()")
    server.fail_with = None
    answer(page).get_by_role("button", name="Continue" if word == "Deny" else word).click()
    expect(answer(page).locator(".body")).to_have_text("Then not." if word == "Deny" else "There is a.txt.")
    finished(page)
    expect(answer(page).get_by_role("alert")).to_have_count(0)
    assert server.requests[-1].get("tool_approvals") == (None if word == "Deny" else ["appr_1"])


def test_a_call_that_cannot_be_approved_holds_no_other_back(page, server):  # noqa: F811
    long = json.dumps({"command": "x" * 17000})
    server.scripts["list"] = [*left(0, "shell", '{"command": "ls"}'), *left(1, "shell", long, None, "left1"), "tool_calls"]
    say(page, "list")
    finished(page)
    expect(card(page).locator(".call-state")).to_have_text("was not run")
    card(page, 0).get_by_role("button", name="Approve").click()
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")
    body = server.requests[-1]
    assert body["tool_approvals"] == ["appr_1"] and [m["role"] for m in body["messages"]] == ["user", "assistant", "tool"]
    assert body["messages"][-1]["tool_call_id"] == "left1" and body["messages"][-1]["content"].startswith("error: this call was not run: ")
    expect(card(page)).to_have_attribute("data-state", "failed")


def test_a_call_that_asks_does_so_though_its_message_is_cut(page, server):  # noqa: F811
    server.scripts["list"] = [*ASK[:-1], "length"]
    say(page, "list")
    card(page).get_by_role("button", name="Approve").click()
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")


def test_a_call_that_asks_does_so_though_its_answer_was_stopped(page, server):  # noqa: F811
    server.scripts["list"] = [*ASK[:-1], True, "tool_calls"]
    say(page, "list")
    expect(card(page)).to_have_attribute("data-state", "asking")
    page.locator("#stop").click()
    finished(page)
    server.go_on.set()
    answer(page).get_by_role("button", name="Continue").click()
    card(page).get_by_role("button", name="Approve").click()
    expect(answer(page).locator(".body")).to_have_text("There is a.txt.")


def test_what_the_model_is_told_of_calls_that_were_stopped(page, server):  # noqa: F811
    say(page, "count")  # stopped while its arguments come: it is no call
    expect(card(page)).to_have_attribute("data-state", "running")
    page.locator("#stop").click()
    finished(page)
    say(page, "hello")
    finished(page)
    assert server.requests[-1]["messages"][1:-1] == [{"role": "assistant", "content": "I count.\n"}]
    server.scripts["count"] = [begin(0, "shell"), more(0, '{"command": "ls"}'), True, result(0, "a.txt"), "stop"]
    say(page, "count")
    expect(card(page).locator(".call-arguments")).to_have_text('{"command": "ls"}')
    page.locator("#stop").click()
    finished(page)
    say(page, "hello")
    finished(page)
    called, told, _ = server.requests[-1]["messages"][-3:]
    assert called["tool_calls"][0]["id"] == told["tool_call_id"] == "c0" and told["content"] == "this call was stopped; it may have run"


def test_a_call_that_failed_is_no_part_of_the_talk(page, server):  # noqa: F811
    failed = {"server_tool_calls": [{"index": 1, "id": "c1", "result": "the text ends inside a call", "is_error": True, "dropped": True}]}
    server.scripts["count"] = [begin(0, "calculator"), more(0, "{}"), begin(1, "calculator"), more(1, '{"expr'), {"content": "<broken>", **failed}]
    server.scripts["count"] += [result(0, "156"), begin(2, "calculator"), more(2, '{"a": 1}'), result(2, "4"), {"content": "Done."}, "stop"]
    say(page, "count")
    finished(page)
    say(page, "hello")
    finished(page)
    calls = [call["id"] for m in server.requests[-1]["messages"] for call in m.get("tool_calls", [])]
    assert calls == ["c0", "c2"]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_cards_fit_and_are_met_by_a_finger(open_page, server, width):  # noqa: F811
    server.model["server_tools"] = [{**TOOLS[1], "name": "n" * 64}]
    long = "averylongword" * 60
    server.scripts["list"] = [begin(0, "n" * 64), more(0, json.dumps({"a": long})), result(0, long), *left(0, "m" * 64, json.dumps({"b": long})), "tool_calls"]
    page = open_page(server.url, viewport={"width": width, "height": 800}, has_touch=True)
    page.locator("#switch-tools").click()
    say(page, "list")
    finished(page)
    card(page, 0).locator("summary").click()
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(SMALL) == []
    shot(page, f"tools-wide-{width}")

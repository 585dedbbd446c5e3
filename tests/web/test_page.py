"""The web page in Debian's Chromium, against a scripted server. Screenshots stay in build/test-logs/web."""

import pytest
from conftest import ROOT
from fake_server import FakeServer

expect = pytest.importorskip("playwright.sync_api", reason="NOT RUN: the web page's tests need playwright").expect
SHOTS = ROOT / "build/test-logs/web"


@pytest.fixture
def server():
    server = FakeServer()
    yield server
    server.close()


def shot(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def say(page, text):
    page.locator("#input").fill(text)
    page.keyboard.press("Enter")


def answer(page, i=-1):
    return page.locator(".message.assistant").nth(i)


def finished(page):
    expect(page.locator("#send")).to_be_visible()


def test_send_and_stream(open_page, server):
    page = open_page(server.url)
    expect(page.locator("#model")).to_have_text("toy")
    say(page, "hello")
    expect(answer(page).locator(".body")).to_have_text("You said: hello")
    finished(page)
    expect(answer(page).locator(".stats")).to_contain_text("30 tokens")
    expect(page.locator("#context-text")).to_have_text("50 / 100")
    expect(page.locator("#input")).to_be_focused()
    assert server.requests == [
        {
            "messages": [{"role": "user", "content": "hello"}],
            "stream": True,
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        }
    ]
    say(page, "again")
    expect(answer(page).locator(".body")).to_have_text("You said: again")
    assert [m["role"] for m in server.requests[1]["messages"]] == ["user", "assistant", "user"]
    shot(page, "chat")


def test_markdown_and_code(open_page, server):
    page = open_page(server.url)
    say(page, "markdown")
    finished(page)
    body = answer(page).locator(".body")
    expect(body.locator("h1")).to_have_text("Title")
    expect(body.locator("strong")).to_have_text("bold")
    expect(body.locator("td").first).to_have_text("1")
    expect(body.locator("pre .hljs-keyword").first).to_have_text("def")
    body.locator(".copy").click()
    expect(body.locator(".copy")).to_have_text("Copied")
    shot(page, "markdown")


def test_code_that_is_not_complete_is_code(open_page, server):
    """As it is while it streams, at any point of a line."""
    page = open_page(server.url)
    say(page, "cut code")
    finished(page)
    body = answer(page).locator(".body")
    expect(body.locator("pre code")).to_have_text("def f():\n    # not a heading\n    return\n")
    expect(body.locator("h1")).to_have_count(0)


def test_scripts_in_an_answer_do_nothing(open_page, server):
    page = open_page(server.url, allow=["Content Security Policy"])
    say(page, "xss")
    finished(page)
    body = answer(page).locator(".body")
    expect(body).to_contain_text("Hello")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    forbidden = "script, img, svg, iframe, form, input, style, [onerror], [onload], [href^='javascript']"
    assert body.locator(forbidden).count() == 0
    assert page.locator("body").is_visible()
    # What the user types is text, always.
    say(page, "<b id=mine>bold</b>")
    expect(page.locator(".message.user").last.locator(".body")).to_have_text("<b id=mine>bold</b>")


def test_stop(open_page, server):
    page = open_page(server.url)
    say(page, "slow")
    expect(answer(page)).to_contain_text("word5 ")
    page.keyboard.press("Escape")
    finished(page)
    text = answer(page).locator(".body").inner_text()
    page.wait_for_timeout(300)
    assert answer(page).locator(".body").inner_text() == text
    assert server.n_disconnected == 1
    say(page, "next")
    expect(answer(page).locator(".body")).to_have_text("You said: next")


def test_reload_keeps_the_talk(open_page, server):
    page = open_page(server.url)
    say(page, "hello")
    finished(page)
    page.reload()
    expect(page.locator(".conversation .open")).to_have_text("hello")
    page.locator(".conversation .open").click()
    expect(answer(page).locator(".body")).to_have_text("You said: hello")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator(".conversation").hover()
    page.locator(".conversation .delete").click()
    expect(page.locator(".conversation")).to_have_count(0)


def test_regenerate_and_edit(open_page, server):
    page = open_page(server.url)
    say(page, "one")
    finished(page)
    answer(page).get_by_role("button", name="Regenerate").click()
    finished(page)
    assert [len(r["messages"]) for r in server.requests] == [1, 1]
    page.locator(".message.user").get_by_role("button", name="Edit").click()
    page.get_by_label("Edit the message").fill("two")
    page.keyboard.press("Enter")
    expect(answer(page).locator(".body")).to_have_text("You said: two")
    expect(page.locator(".message")).to_have_count(2)
    assert server.requests[-1]["messages"] == [{"role": "user", "content": "two"}]


def test_errors_are_shown(open_page, server):
    page = open_page(server.url, allow=["Failed to load resource", "ERR_"])
    server.fail_with = (400, "temperature is 9, must be at most 2")
    say(page, "hello")
    expect(page.get_by_role("alert")).to_have_text("temperature is 9, must be at most 2")
    shot(page, "error")
    server.fail_with = None
    say(page, "broken")
    expect(answer(page)).to_contain_text("Half an ans")
    expect(page.get_by_role("alert").last).to_have_text("the engine stopped")
    say(page, "cut")
    expect(page.get_by_role("alert").last).to_contain_text("The answer was cut")
    finished(page)
    page.route("**/v1/chat/completions", lambda route: route.abort())
    say(page, "anyone?")
    expect(page.get_by_role("alert").last).to_contain_text("The server cannot be reached")


def test_settings_go_with_each_request(open_page, server):
    page = open_page(server.url)
    page.keyboard.press("Control+,")
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Save").click()
    say(page, "hello")
    finished(page)
    request = server.requests[-1]
    assert (request["temperature"], request["seed"]) == (0.5, 7)
    assert request["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "top_p" not in request and "max_tokens" not in request


def test_asks_for_the_key(open_page, server):
    server.api_key = "secret"
    page = open_page(server.url, allow=["401"])
    expect(page.locator("#settings")).to_be_visible()
    expect(page.get_by_label("API key")).to_be_focused()
    page.get_by_label("API key").fill("secret")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#model")).to_have_text("toy")
    say(page, "hello")
    expect(answer(page).locator(".body")).to_have_text("You said: hello")


def test_a_narrow_screen(open_page, server):
    page = open_page(server.url, viewport={"width": 360, "height": 640})
    say(page, "wide")
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.locator("#sidebar")).not_to_be_in_viewport()
    page.locator("#open-sidebar").click()
    expect(page.locator("#sidebar")).to_be_in_viewport(ratio=0.95)
    shot(page, "narrow")
    page.locator(".conversation .open").click()
    expect(page.locator("#sidebar")).not_to_be_in_viewport()


def test_dark(open_page, server):
    page = open_page(server.url, color_scheme="dark")
    say(page, "markdown")
    finished(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(27, 28, 27)"
    shot(page, "dark")

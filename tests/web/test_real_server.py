"""The page as the real server gives it, talking with the real default model, and with a toy that calls tools."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
import toy_model
from conftest import ROOT
from running_server import RunningServer

expect = pytest.importorskip("playwright.sync_api", reason="NOT RUN: the web page's tests need playwright").expect
BINARY = ROOT / "build/release/tinyllm"
MODEL = Path.home() / ".cache/tinyllm/models/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not MODEL.exists():
        pytest.skip(f"NOT RUN: no {MODEL.name}; ./tiny pull smollm2-135m fetches it")
    home = tmp_path_factory.mktemp("web")
    command = [str(BINARY), "serve", "-m", str(MODEL), "--context", "512", "--debug-views"]
    server = RunningServer(command, {**os.environ, "TINYLLM_HOME": str(home)}, home / "log.txt").start()
    yield server
    server.stop()


def test_the_real_engine_at_work(open_page, server):
    page = open_page(f"http://127.0.0.1:{server.port}/")
    page.locator("#open-engine").click()
    expect(page.locator("#engine-kv")).to_contain_text("0 in use, ")
    expect(page.locator("#engine-idle")).to_have_text("32 of 32 rows idle")
    page.keyboard.press("Control+,")
    page.get_by_label("Temperature").fill("0")
    page.get_by_role("button", name="Save").click()
    page.locator("#input").fill("Count from one to a hundred, in words.")
    page.keyboard.press("Enter")
    expect(page.locator("#engine-lanes .state")).to_have_text("decode")
    page.screenshot(path=ROOT / "build/test-logs/web/engine-real.png")
    page.keyboard.press("Escape")
    expect(page.locator("#engine-lanes li")).to_have_count(0)
    expect(page.locator("#engine-kv")).to_contain_text("0 in use, ")


def test_a_stopped_answer_goes_on_where_it_was(open_page, server):
    page = open_page(f"http://127.0.0.1:{server.port}/")
    page.keyboard.press("Control+,")
    page.get_by_label("Temperature").fill("0")
    page.get_by_role("button", name="Save").click()
    page.locator("#input").fill("Count from one to a hundred, in words.")
    page.keyboard.press("Enter")
    body = page.locator(".message.assistant .body")
    expect(body).to_have_text(re.compile(".{30}", re.DOTALL))
    page.keyboard.press("Escape")
    expect(page.locator(".message.assistant .note")).to_have_text("Stopped.")
    before = body.inner_text()
    page.get_by_role("button", name="Continue").click()
    expect(body).to_have_text(re.compile(f".{{{len(before) + 10}}}", re.DOTALL))
    page.keyboard.press("Escape")
    expect(page.locator("#send")).to_be_visible()
    assert body.inner_text().startswith(before)


def test_files(server):
    page = server.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
    again = server.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    for path in ("app.js", "style.css", "vendor/purify.js", "vendor/purify.licence.txt", "vendor/katex/fonts/KaTeX_Main-Regular.woff2"):
        reply = server.get(f"/web/{path}")
        assert (reply.status, reply.body) == (200, (ROOT / "web" / path).read_bytes())
    for path in ("/web/", "/web/../CMakeLists.txt", "/web/nothing.js", "/index.html"):
        assert server.get(path).status == 404
    assert server.post("/", {}).status == 404


def test_a_real_talk(open_page, server):
    page = open_page(f"http://127.0.0.1:{server.port}/")
    expect(page.locator("#model")).to_contain_text("SmolLM2")
    page.keyboard.press("Control+,")
    page.get_by_label("Temperature").fill("0")
    page.get_by_role("button", name="Save").click()
    page.locator("#input").fill("What is the capital of France?")
    page.keyboard.press("Enter")
    expect(page.locator(".message.assistant .body")).to_contain_text("Paris")
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator(".message.assistant .stats")).to_contain_text("tok/s")
    expect(page.locator("#context-text")).to_contain_text("/ 512")
    page.screenshot(path=ROOT / "build/test-logs/web/real.png")


# Ends with the number of tool results so far, which decides what the toy says.
TEMPLATE = (
    "{% if tools %}Write <tool_call>.\n{% endif %}{% set ns = namespace(n=1) %}{% for m in messages %}{{ m.content }}\n"
    "{% if m.role == 'tool' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}{{ ns.n }}"
)


def call(name, arguments):
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


@pytest.fixture
def tool_server(tmp_path):
    """A toy that computes, asks what time it is, calls a tool that never answers, and says that it is done."""
    silent = f"{sys.executable} {ROOT / 'tests/e2e/hostile_mcp.py'} silent".split()
    config = {"mcpServers": {"silent": {"command": silent[0], "args": silent[1:]}}}
    (tmp_path / "mcp.json").write_text(json.dumps(config))
    answers = {
        "1": ["I count.\n", call("calculator", '{"expression": "12 * 13"}')], "2": [call("date_time", "{}")], "3": [call("silent_go", "{}")],
    }  # fmt: skip
    chain, words = toy_model.say(answers)
    model = toy_model.write_folder(tmp_path / "model", chain, template=TEMPLATE, words=words)
    flags = ["--tools", "--mcp", str(tmp_path / "mcp.json"), "--allow-tool", "calculator"]
    command = [str(BINARY), "serve", "-m", str(model), *flags]
    server = RunningServer(command, {**os.environ, "TINYLLM_HOME": str(tmp_path)}, tmp_path / "log.txt").start()
    yield server
    server.stop()


@pytest.mark.parametrize("width", [390, 1280])
def test_real_tools(open_page, tool_server, width):
    page = open_page(f"http://127.0.0.1:{tool_server.port}/", viewport={"width": width, "height": 900})
    page.locator("#switch-tools").click()
    page.locator("#input").fill("Go")
    page.keyboard.press("Enter")
    cards = page.locator(".call")
    expect(cards).to_have_count(2)
    expect(cards.nth(0)).to_have_attribute("data-state", "done")
    expect(cards.nth(0).locator(".call-result pre")).to_have_text("156")
    expect(cards.nth(1)).to_have_attribute("data-state", "asks")
    cards.nth(1).get_by_role("button", name="Approve").click()
    expect(cards.nth(1).locator(".call-result pre")).to_contain_text(", 20")
    expect(cards.nth(2)).to_have_attribute("data-state", "asks")
    cards.nth(2).get_by_role("button", name="Approve").click()
    expect(cards.nth(2)).to_have_attribute("data-state", "running")
    page.screenshot(path=ROOT / f"build/test-logs/web/tools-real-{width}.png")
    page.locator("#stop").click()
    expect(cards.nth(2)).to_have_attribute("data-state", "stopped")
    tool_server.wait_for("client left", seconds=10)
    tool_server.wait_until_idle(seconds=10)

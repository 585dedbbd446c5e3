"""The page as the real server gives it, talking with the real default model."""

import os
import re
from pathlib import Path

import pytest
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

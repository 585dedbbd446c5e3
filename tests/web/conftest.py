"""Debian's Chromium for the tests of the web page."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))  # running_server
CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 30000  # on a machine that does much else as well


@pytest.fixture(scope="session")
def browser():
    playwright_api = pytest.importorskip("playwright.sync_api", reason="NOT RUN: the web page's tests need playwright")
    if not CHROMIUM:
        pytest.skip("NOT RUN: the web page's tests need chromium")
    playwright_api.expect.set_options(timeout=PATIENCE_MS)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


# A phone, a tablet and a desk, light and dark.
LOOKS = [f"{width}-{scheme}" for width in (390, 820, 1280) for scheme in ("light", "dark")]
SOME_LOOKS = LOOKS if os.environ.get("TINYLLM_LONG") else ["390-dark", "820-light", "1280-dark"]


def options_of(look):
    """Of open_page."""
    width, scheme = look.split("-")
    return {"viewport": {"width": int(width), "height": 800}, "color_scheme": scheme, "has_touch": int(width) < 1000}


@pytest.fixture(params=SOME_LOOKS)
def look(request):
    """For what the page does: each width, and with --long each in both colours."""
    return options_of(request.param)


@pytest.fixture(params=LOOKS)
def every_look(request):
    """For how the page looks."""
    return options_of(request.param)


@pytest.fixture
def open_page(browser):
    """open_page(url, **options of the browser's context) -> the loaded page. Fails on errors in the page's console.

    With context=page.context it is another tab of the same browser.
    """
    contexts, problems = [], []

    def open_page(url, allow=(), **options):
        if "context" in options:  # another tab
            page = options["context"].new_page()
        else:
            contexts.append(browser.new_context(**{"viewport": {"width": 1100, "height": 750}, **options}))
            page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        page.allowed = allow
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        return page

    yield open_page
    allowed = [text for context in contexts for page in context.pages for text in page.allowed]
    for context in contexts:
        context.close()
    assert [p for p in problems if not any(text in p for text in allowed)] == []

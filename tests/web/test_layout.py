"""How the page looks: no width overflows it, a finger meets what it aims at. Screenshots in build/test-logs/web."""

import pytest
from test_engine_view import BUSY
from test_page import answer, expect, finished, say, server, shot  # noqa: F401 (server is a fixture)

TITLE = "Averylongwordwithoutanyspaces" * 8

OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => e && (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const list = [...document.querySelectorAll('body *')].filter((e) => {
    const box = e.getBoundingClientRect();
    if (box.width === 0 || getComputedStyle(e).visibility === 'hidden' || box.right <= width + 1) return false;
    return !scrolls(e.parentElement);
  });
  if (document.documentElement.scrollWidth > width) list.push(document.documentElement);
  const messages = document.getElementById('messages');
  if (messages.scrollWidth > messages.clientWidth) list.push(messages);
  return list.map((e) => `${e.tagName}#${e.id}.${e.className} ${e.getBoundingClientRect().right} > ${width}`);
}"""

SMALL = """() => [...document.querySelectorAll('button, summary, select, input, textarea, label.check')].filter((e) => {
  if (e.matches('label.check input')) return false;  // its label is what is met
  return e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !e.closest('#engine');
}).map((e) => [e.id || e.className || e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


def talk(page):
    """A conversation with all that is wide in it."""
    say(page, TITLE)
    finished(page)
    say(page, "everything")
    finished(page)
    answer(page).get_by_role("button", name="Regenerate").click()
    finished(page)
    page.evaluate("document.fonts.ready.then(() => 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_overflows(open_page, server, scheme):  # noqa: F811
    server.model["id"] = "a-model-with-a-long-name/" * 6
    server.frames = [BUSY]
    page = open_page(server.url, color_scheme=scheme, allow=["400", "503", "ERR_"])
    talk(page)
    server.fail_with = (400, "an error with " + "averylongword" * 30)
    say(page, "x" * 300)
    expect(answer(page).get_by_role("alert")).to_contain_text("an error")
    answer(page, 1).locator("summary").click()
    page.locator(".message.user").first.get_by_role("button", name="Edit").click()
    server.is_loading = True
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#notice")).to_be_visible()
    for width in [320, 360, 375, 390, 412, 480, 540, 600, 640, 700, 735, 736, 737, 768, 820, 900, 991, 992, 993, 1024, 1100]:
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(OVERFLOWING) == [], width
        page.keyboard.press("Control+,")
        assert page.evaluate(OVERFLOWING) == [], f"settings at {width}"
        page.keyboard.press("Escape")
        page.locator("#open-engine").click()
        assert page.evaluate(OVERFLOWING) == [], f"engine at {width}"
        page.locator("#close-engine").click()


def test_the_whole_page(open_page, server, every_look):  # noqa: F811
    page = open_page(server.url, **every_look)
    talk(page)
    name = f"{page.viewport_size['width']}-{every_look['color_scheme']}"
    assert page.evaluate(OVERFLOWING) == []
    shot(page, f"end-{name}")
    for i, where in enumerate((".math.display", ".table", ".code")):
        answer(page).locator(where).first.scroll_into_view_if_needed()
        shot(page, f"everything{i}-{name}")
    if page.locator("#open-sidebar").is_visible():
        page.locator("#open-sidebar").click()
        page.wait_for_timeout(300)
        shot(page, f"sidebar-{name}")


@pytest.mark.parametrize("width", [320, 390, 820])
def test_touch_targets(open_page, server, width):  # noqa: F811
    page = open_page(server.url, viewport={"width": width, "height": 800}, has_touch=True)
    talk(page)
    say(page, "cut")
    finished(page)
    assert page.evaluate(SMALL) == []
    if width < 737:
        page.locator("#open-sidebar").click()
        expect(page.locator("#sidebar")).to_be_in_viewport(ratio=0.9)
    page.get_by_role("button", name=f"Rename {TITLE[:60]}").click()
    assert page.evaluate(SMALL) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=f"Delete {TITLE[:60]}")).to_be_visible()
    assert page.evaluate(SMALL) == []
    page.keyboard.press("Control+,")
    assert page.evaluate(SMALL) == []
    page.keyboard.press("Escape")


def test_the_sidebar_is_reached_beside_the_engine(open_page, server):  # noqa: F811
    server.frames = [BUSY]
    page = open_page(server.url, viewport={"width": 820, "height": 700})
    page.locator("#open-engine").click()
    expect(page.locator("#search")).to_be_hidden()
    page.locator("#open-sidebar").click()
    expect(page.locator("#search")).to_be_visible()

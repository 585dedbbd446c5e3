"""The page's live view of the engine, against scripted frames and the real server. Screenshots in build/test-logs/web."""

import pytest
from fake_server import FakeServer
from test_page import expect, say, shot


def lane(row, request, state, n_generated, **more):
    counts = {"n_prompt": 40, "n_cached": 16, "n_computed": 40 + n_generated, "n_blocks": 4, "choice": 0}
    return {"row": row, "request": request, "state": state, "n_generated": n_generated, "max_generated": 100, **counts, **more}


LANES = [
    lane(0, "req-4f1a", "decode", 57),
    lane(1, "req-90bc", "decode", 12, choice=1),
    lane(3, "nightly-report", "prefill", 0, n_computed=30),
    lane(2, "req-d3e7", "idle", 80),
]
BUSY = {
    "step": 412,
    "rows": 8,
    "lanes": LANES,
    "queue": {"n": 7, "first": [{"request": f"req-{i}", "choice": 0, "n_prompt": 10 * i} for i in range(1, 8)]},
    "kv": {
        "n_blocks": 256,
        "block_size": 16,
        "n_free": 178,
        "n_cached": 30,
        "n_used": 48,
        "map": [[0, 9], [1, 4], [0, 2], [-3, 3], [2, 14], [-2, 20], [3, 16], [-1, 80], [-2, 10], [-1, 98]],
    },
    "drafts": {"n": 200, "accepted_at": [150, 100, 80, 40, 10] + [0] * 11},
    "steps": [[i, 120 if i % 17 == 5 else 0, 1 + i % 4, 3.25] for i in range(293, 413)],
}
IDLE = {
    **BUSY,
    "lanes": [],
    "drafts": {"n": 0, "accepted_at": [0] * 16},
    "queue": {"n": 0, "first": []},
    "kv": {**BUSY["kv"], "n_free": 200, "n_cached": 56, "n_used": 0, "map": [[-2, 56], [-1, 200]]},
}


@pytest.fixture
def server():
    server = FakeServer()
    server.frames = [BUSY]
    yield server
    server.close()


def colours(page, canvas):
    """How many pixels of a canvas have which colour."""
    return page.evaluate(
        """(id) => {
          const canvas = document.getElementById(id), counts = {};
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] < 255) continue;
            const colour = [data[i], data[i + 1], data[i + 2]].join();
            counts[colour] = (counts[colour] || 0) + 1;
          }
          return counts;
        }""",
        canvas,
    )


def test_a_server_without_it_shows_nothing(open_page):
    server = FakeServer()
    page = open_page(server.url)
    expect(page.locator("#model")).to_have_text("toy")
    expect(page.locator("#open-engine")).to_be_hidden()
    expect(page.locator("#engine")).to_be_hidden()
    server.close()


def test_rows_queue_and_blocks(open_page, server):
    page = open_page(server.url)
    page.locator("#open-engine").click()
    expect(page.locator("#engine-step")).to_have_text("step 412")
    expect(page.locator("#engine-lanes li")).to_have_count(4)
    first, second, third, fourth = (page.locator("#engine-lanes li").nth(i) for i in range(4))
    expect(first.locator(".name")).to_have_text("req-4f1a")
    expect(first.locator(".state")).to_have_text("decode")
    expect(first.locator(".count")).to_have_text("57")
    expect(second.locator(".name")).to_have_text("req-90bc [1]")
    expect(third.locator(".state")).to_have_text("prefill")
    expect(third.locator(".count")).to_have_text("30 / 40")
    expect(fourth.locator(".state")).to_have_text("idle")
    expect(page.locator("#engine-idle")).to_have_text("4 of 8 rows idle")
    expect(page.locator("#engine-queue")).to_have_text("7 waiting")
    expect(page.locator("#engine-waiting li")).to_have_count(5)
    expect(page.locator("#engine-kv")).to_have_text("48 in use, 3 of them shared, 30 cached, 178 free")
    expect(page.locator("#engine-tokens")).to_have_text("last step: 0 prefill, 1 decode, 3.3 ms")
    # Squares of one request have one colour and an equal number of pixels each.
    expect(page.locator("#engine-guesses")).to_have_text("200 made, 1.9 right at a time")
    expect(page.locator("#engine-accepted")).to_have_attribute("aria-label", "75 %, 50 %, 40 %, 20 %, 5 %" + ", 0 %" * 11)
    bars = colours(page, "engine-accepted")
    assert len(bars) >= 2

    pixels = colours(page, "engine-blocks")
    square = pixels["226,222,214"] / 178  # free: --line
    dots = page.locator("#engine-lanes .dot")
    for i, n_blocks in enumerate((11, 4, 14, 16)):
        colour = dots.nth(i).evaluate("dot => getComputedStyle(dot).backgroundColor").removeprefix("rgb(").rstrip(")")
        assert pixels[colour.replace(" ", "")] == pytest.approx(n_blocks * square), i
    shot(page, "engine")
    # The next frame replaces all of it.
    server.frames.append(IDLE)
    expect(page.locator("#engine-lanes li")).to_have_count(0)
    expect(page.locator("#engine-queue")).to_have_text("nobody waits")
    expect(page.locator("#engine-drafts")).to_be_hidden()
    expect(page.locator("#engine-kv")).to_have_text("0 in use, 56 cached, 200 free")
    page.locator("#close-engine").click()
    expect(page.locator("#engine")).to_be_hidden()
    page.wait_for_timeout(200)
    assert server.n_disconnected == 1  # a closed view watches no more


def test_it_is_remembered_and_follows_the_theme(open_page, server):
    page = open_page(server.url, color_scheme="dark")
    page.locator("#open-engine").click()
    say(page, "hello")
    page.reload()
    expect(page.locator("#engine-lanes li")).to_have_count(4)
    assert "50,51,47" in colours(page, "engine-blocks")  # --line of the dark theme
    shot(page, "engine-dark")


def test_a_narrow_screen(open_page, server):
    page = open_page(server.url, viewport={"width": 360, "height": 640})
    page.locator("#open-engine").click()
    expect(page.locator("#engine-lanes li")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, "engine-narrow")
    page.locator("#close-engine").click()
    expect(page.locator("#input")).to_be_visible()


def test_many_blocks_share_a_square(open_page, server):
    server.frames = [{**BUSY, "kv": {**BUSY["kv"], "n_blocks": 20000, "map": [[0, 1], [-1, 19998], [1, 1]]}}]
    page = open_page(server.url)
    page.locator("#open-engine").click()
    expect(page.locator("#engine-kv-note")).to_have_text("16 tokens each, 20 a square")
    expect(page.locator("#engine-guesses")).to_have_text("200 made, 1.9 right at a time")
    expect(page.locator("#engine-accepted")).to_have_attribute("aria-label", "75 %, 50 %, 40 %, 20 %, 5 %" + ", 0 %" * 11)
    bars = colours(page, "engine-accepted")
    assert len(bars) >= 2

    pixels = colours(page, "engine-blocks")
    assert len(pixels) == 3  # two requests hold one block each, and both are seen

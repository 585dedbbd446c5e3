"""What stands in answers: formulas, tasks, code, thoughts, and text that is made to break the page."""

import time

import pytest
from test_page import answer, expect, finished, say, server, shot  # noqa: F401 (server is a fixture)


def look_of(page):
    scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    return f"{page.viewport_size['width']}-{scheme}"


def test_formulas_are_drawn(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "math")
    finished(page)
    body = answer(page).locator(".body")
    expect(body.locator(".katex")).to_have_count(4)
    expect(body.locator(".katex-display")).to_have_count(2)
    expect(body.locator("code")).to_have_text("$x$")
    expect(body).to_contain_text("It costs $5 and $6;")
    expect(body).to_contain_text("$\\broken{$ is not.")
    # In its own letters, and where its mark stood.
    family = body.locator(".katex .mathnormal").first.evaluate("e => getComputedStyle(e).fontFamily")
    assert "KaTeX_Math" in family
    page.evaluate("document.fonts.ready.then(() => 0)")
    assert page.evaluate("document.fonts.check('16px KaTeX_Math')")
    shot(page, f"math-{look_of(page)}")


def test_a_formula_that_katex_refuses_stays_as_written(open_page, server):  # noqa: F811
    server.answers["bad"] = "Before $\\frac{1}$ after, and $\\href{javascript:window.hacked=1}{x}$."
    page = open_page(server.url)
    say(page, "bad")
    finished(page)
    expect(answer(page).locator(".math.broken")).to_have_text("$\\frac{1}$")
    expect(answer(page).locator("a")).to_have_count(0)


def test_formulas_between_lines(open_page, server):  # noqa: F811
    server.answers["lines"] = "It is\n$$\nx^2\n$$\nhere, and\n\\[\ny\n\\]\nthere.\n\n- in a list $z$\n\n| table |\n|---|\n| $w$ |\n"
    page = open_page(server.url)
    say(page, "lines")
    finished(page)
    expect(answer(page).locator(".katex-display")).to_have_count(2)
    expect(answer(page).locator("li .katex, td .katex")).to_have_count(2)
    expect(answer(page).locator(".body > .block").first).to_have_text("It is")


def test_task_lists(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "tasks")
    finished(page)
    tasks = answer(page).locator(".task")
    expect(tasks).to_have_count(2)
    assert [tasks.nth(i).get_attribute("aria-label") for i in range(2)] == ["done", "to do"]
    expect(answer(page).locator("li").first).to_have_text("☑ measure")


def test_code_names_its_language_and_wraps(open_page, server, look):  # noqa: F811
    server.answers["code"] = "```python\nprint('" + "long " * 100 + "')\n```\n\n```\nplain\n```\n"
    page = open_page(server.url, **look)
    say(page, "code")
    finished(page)
    code = answer(page).locator(".code").first
    expect(code.locator(".language")).to_have_text("python")
    expect(answer(page).locator(".code").last.locator(".language")).to_have_text("text")
    pre = code.locator("pre")
    assert pre.evaluate("e => e.scrollWidth > e.clientWidth")
    wrap = code.get_by_role("button", name="Wrap long lines")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert pre.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    shot(page, f"code-{look_of(page)}")


COLOURED = {
    "python": ("def f(x: int) -> str: return 'a'", "keyword", "def"),
    "c++": ("constexpr int f() { co_return 1; }", "keyword", "constexpr"),
    "ts": ("const f = async (x?: string) => x ?? 'a';", "keyword", "const"),
    "sh": ("if true; then echo hi; fi", "keyword", "if"),
    "rust": ("async fn f() -> u8 { 1 }", "keyword", "async"),
    "c#": ("record Point(int X);", "keyword", "record"),
    "json": ('{"a": null}', "attr", '"a"'),
    "html": ('<img src="x" onerror="window.hacked = 1">', "name", "img"),
}


@pytest.mark.parametrize("language", COLOURED)
def test_code_is_coloured(open_page, server, language):  # noqa: F811
    code, kind, word = COLOURED[language]
    server.answers["code"] = f"```{language}\n{code}\n```\n"
    page = open_page(server.url)
    say(page, "code")
    finished(page)
    coloured = answer(page).locator(f".hljs-{kind}").first
    expect(coloured).to_have_text(word)
    plain = answer(page).locator("pre").evaluate("e => getComputedStyle(e).color")
    assert coloured.evaluate("e => getComputedStyle(e).color") != plain
    expect(answer(page).locator("pre")).to_have_text(code)
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("asked, thought, said", [
    ("think", "The user wants two.", "It is two."),
    ("think inside", "The prompt had opened it.", "It is three."),
])
def test_thoughts_are_folded_and_not_sent_back(open_page, server, look, asked, thought, said):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, asked)
    finished(page)
    expect(answer(page).locator(".body")).to_have_text(said)
    thoughts = answer(page).locator(".reasoning .thoughts")
    expect(thoughts).to_be_hidden()
    answer(page).locator("summary").click()
    expect(thoughts).to_have_text(thought)
    shot(page, f"thoughts-{look_of(page)}")
    say(page, "next")
    expect(answer(page).locator(".body")).to_have_text("You said: next")
    assert server.requests[1]["messages"][1] == {"role": "assistant", "content": said}


def test_a_thought_on_its_way(open_page, server):  # noqa: F811
    page = open_page(server.url)
    server.answers["wait"] = ("<think>\nhmm", ", well")
    say(page, "wait")
    expect(answer(page).locator("summary")).to_have_text("Thinking…")
    answer(page).locator("summary").click()
    expect(answer(page).locator(".thoughts")).to_have_text("hmm")
    server.go_on.set()
    finished(page)
    expect(answer(page).locator(".reasoning")).to_contain_text("Thoughts")
    expect(answer(page).locator(".thoughts")).to_be_visible()  # what was unfolded stays so
    expect(answer(page).locator(".body")).to_have_text("")


def test_thoughts_that_the_server_tells_apart(open_page, server):  # noqa: F811
    server.answers["apart"] = "It is four."
    server.reasoning = "Two and two."
    page = open_page(server.url)
    say(page, "apart")
    finished(page)
    expect(answer(page).locator(".body")).to_have_text("It is four.")
    answer(page).locator("summary").click()
    expect(answer(page).locator(".thoughts")).to_have_text("Two and two.")


NASTY = {
    "quotes": ">" * 3000 + " deep",
    "spaced quotes": "> " * 3000 + "deep",
    "lists": "- " * 3000 + "deep",
    "numbers": "1. " * 3000 + "deep",
    "brackets": "[" * 3000 + "deep" + "](x)" * 3000,
    "images": "![" * 3000 + "deep",
    "stars": "*a " * 3000 + "deep" + "*" * 3000,
    "strikes": "~~a" * 3000 + "deep",
    "tags": "<div>" * 3000 + "deep",
    "braces": "$" + "{" * 1900 + "deep" + "}" * 1900 + "$",
    "dollars": "$ deep " * 3000,
    "one dollar after another": "$" * 20000 + " deep",
    "emphasis that never ends": "**deep " * 4000,
    "unclosed formulas": "\\(deep" * 3000,
    "ticks": " ".join("`" * (i % 60 + 1) for i in range(600)) + "deep",
    "table": "|" * 3000 + "\n" + "|-" * 3000 + "\n" + "deep",
}


@pytest.mark.parametrize("name", NASTY)
def test_nothing_that_a_model_writes_stops_the_page(open_page, server, name):  # noqa: F811
    server.answers["nasty"] = NASTY[name]
    page = open_page(server.url)
    began = time.monotonic()
    say(page, "nasty")
    expect(page.locator("#send")).to_be_visible()
    expect(answer(page)).to_contain_text("deep")
    assert time.monotonic() - began < 20
    say(page, "next")
    expect(answer(page).locator(".body")).to_have_text("You said: next")
    page.reload()  # kept, and no worse when it is read again
    page.locator(".conversation .open").click()
    expect(answer(page).locator(".body")).to_have_text("You said: next")
    expect(answer(page, 0)).to_contain_text("deep")


def test_a_growing_answer_keeps_what_is_complete(open_page, server):  # noqa: F811
    """Blocks that have not changed are not drawn again: a marked text stays marked."""
    page = open_page(server.url)
    server.answers["wait"] = ("Paragraph one.\n\nPara", "graph two.")
    say(page, "wait")
    expect(answer(page).locator(".block")).to_have_count(2)
    page.evaluate("window.first = document.querySelector('.message.assistant .block')")
    say(page, "waits in its field while an answer comes")
    server.go_on.set()
    expect(answer(page).locator(".block").last).to_have_text("Paragraph two.")
    finished(page)
    assert page.evaluate("document.querySelector('.message.assistant .block') === window.first")
    assert len(server.requests) == 1
    expect(page.locator("#input")).to_have_value("waits in its field while an answer comes")

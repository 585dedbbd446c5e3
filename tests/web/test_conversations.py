"""Conversations: nothing of them is lost, whatever is done meanwhile, in this tab or another."""

import json

import pytest
from test_page import answer, expect, finished, say, server, shot  # noqa: F401 (server is a fixture)


def sidebar(page):
    if page.locator("#open-sidebar").is_visible():
        page.locator("#open-sidebar").click()
        expect(page.locator("#sidebar")).to_be_in_viewport()


def new(page):
    sidebar(page)
    page.locator("#new-chat").click()


def open_title(page, title):
    sidebar(page)
    page.locator(".conversation .open").get_by_text(title, exact=True).click()


def titles(page):
    return page.locator(".conversation .open")


def test_two_tabs_keep_both_conversations(open_page, server, look):  # noqa: F811
    one = open_page(server.url, **look)
    two = open_page(server.url, context=one.context)
    say(one, "from one")
    finished(one)
    say(two, "from two")
    finished(two)
    say(one, "from one again")
    finished(one)
    for page in (one, two):
        sidebar(page)
        expect(titles(page)).to_have_text(["from one", "from two"])
    two.reload()
    open_title(two, "from one")
    expect(two.locator(".message.user")).to_have_count(2)


def test_two_tabs_in_one_conversation(open_page, server):  # noqa: F811
    one = open_page(server.url)
    say(one, "root")
    finished(one)
    two = open_page(server.url, context=one.context)
    open_title(two, "root")
    say(two, "wait")
    expect(answer(two)).to_contain_text("The first half")
    say(one, "beside it")  # both follow the same answer: two versions
    finished(one)
    server.go_on.set()
    finished(two)
    expect(answer(two).locator(".body")).to_have_text("The first half, the second half.")
    expect(two.locator(".message.user .versions").last).to_have_text("‹1/2›")
    two.reload()
    open_title(two, "root")
    for word, place in (("beside it", 2), ("wait", 1)):
        shown = two.locator(".message.user").last
        expect(shown.locator(".versions")).to_contain_text("/2")
        if shown.locator(".body").inner_text() != word:
            two.get_by_role("button", name="Previous version" if place == 1 else "Next version").first.click()
        expect(two.locator(".message.user .body").last).to_have_text(word)
        expect(two.locator(".message.user .versions").last).to_have_text(f"‹{place}/2›")


def test_a_conversation_deleted_in_another_tab_stays_deleted(open_page, server):  # noqa: F811
    one = open_page(server.url)
    say(one, "slow")
    expect(answer(one)).to_contain_text("word5 ")
    two = open_page(server.url, context=one.context)
    expect(titles(two)).to_have_text(["slow"])
    two.once("dialog", lambda dialog: dialog.accept())
    two.locator(".conversation").hover()
    two.locator(".conversation .delete").click()
    expect(one.locator(".message")).to_have_count(0)
    one.wait_for_timeout(1500)  # longer than between two times of keeping an answer
    assert server.n_disconnected == 1
    # Nor does one that was kept just before the news came.
    one.evaluate("""() => {
      const kept = JSON.stringify({ id: 'x', title: 'late', messages: [{ id: 'a', parent: '', role: 'user', content: 'late' }] });
      localStorage.setItem('tiny-llm.conversation.x', kept);
    }""")
    expect(titles(two)).to_have_text(["late"])
    one.reload()
    one.evaluate("""() => {
      dispatchEvent(new StorageEvent('storage', { key: 'tiny-llm.conversation.x', newValue: null }));
    }""")
    two.reload()
    expect(two.locator("#model")).to_have_text("toy")
    expect(titles(two)).to_have_count(0)


def test_an_answer_goes_on_in_the_background(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "wait")
    expect(answer(page)).to_contain_text("The first half")
    new(page)
    expect(page.locator("#stop")).to_be_hidden()
    say(page, "hello")
    expect(answer(page).locator(".body")).to_have_text("You said: hello")
    finished(page)
    sidebar(page)
    expect(page.locator(".conversation.running")).to_have_count(1)
    shot(page, f"background-{page.viewport_size['width']}-{look['color_scheme']}")
    titles(page).get_by_text("wait").click()
    expect(page.locator("#stop")).to_be_visible()
    server.go_on.set()
    expect(answer(page).locator(".body")).to_have_text("The first half, the second half.")
    finished(page)
    assert server.n_disconnected == 0
    sidebar(page)
    expect(page.locator(".conversation.running")).to_have_count(0)


def test_escape_stops_only_the_answer_that_is_shown(open_page, server):  # noqa: F811
    page = open_page(server.url)
    say(page, "slow")
    expect(answer(page)).to_contain_text("word5 ")
    new(page)
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert server.n_disconnected == 0
    open_title(page, "slow")
    page.keyboard.press("Escape")
    finished(page)
    expect(answer(page).locator(".note")).to_have_text("Stopped.")
    page.wait_for_timeout(200)
    assert server.n_disconnected == 1


def test_edit_and_regenerate_keep_the_old_branch(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "one")
    finished(page)
    say(page, "more")
    finished(page)
    page.locator(".message.user").first.get_by_role("button", name="Edit").click()
    page.get_by_label("Edit the message").fill("two")
    page.keyboard.press("Enter")
    expect(answer(page).locator(".body")).to_have_text("You said: two")
    finished(page)
    expect(page.locator(".message")).to_have_count(2)
    assert server.requests[-1]["messages"] == [{"role": "user", "content": "two"}]
    expect(page.locator(".message.user .versions")).to_have_text("‹2/2›")
    answer(page).get_by_role("button", name="Regenerate").click()
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    finished(page)
    shot(page, f"versions-{page.viewport_size['width']}-{look['color_scheme']}")
    # Back to the first branch, which is as it was; it outlives a reload.
    page.locator(".message.user").first.get_by_role("button", name="Previous version").click()
    expect(page.locator(".message")).to_have_count(4)
    expect(answer(page).locator(".body")).to_have_text("You said: more")
    page.reload()
    open_title(page, "one")
    expect(page.locator(".message")).to_have_count(4)
    page.locator(".message.user").first.get_by_role("button", name="Next version").click()
    expect(page.locator(".message.user .body")).to_have_text("two")
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    # What follows goes on from the branch that is shown.
    say(page, "go on")
    finished(page)
    assert [m["content"] for m in server.requests[-1]["messages"]] == ["two", "You said: two", "go on"]


def test_a_reload_during_an_answer_keeps_what_has_come(open_page, server):  # noqa: F811
    page = open_page(server.url)
    say(page, "slow")
    expect(answer(page)).to_contain_text("word5 ")
    page.reload()
    open_title(page, "slow")
    expect(answer(page).locator(".body")).to_contain_text("word5 ")
    expect(answer(page).locator(".note")).to_contain_text("lost")
    answer(page).get_by_role("button", name="Continue").click()
    expect(answer(page).locator(".body")).to_contain_text("and the rest.")


def test_search(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    for text in ("about apples", "about pears"):
        say(page, text)
        finished(page)
        new(page)
    sidebar(page)
    page.get_by_label("Search the conversations").fill("PEARS said")  # in the title or in what was said
    expect(titles(page)).to_have_text(["about pears"])
    page.get_by_label("Search the conversations").fill("plums")
    expect(page.locator("#conversations")).to_have_text("Nothing found.")
    shot(page, f"search-{page.viewport_size['width']}-{look['color_scheme']}")
    page.get_by_label("Search the conversations").fill("")
    expect(titles(page)).to_have_count(2)


def test_rename(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "hello")
    finished(page)
    sidebar(page)
    page.get_by_role("button", name="Rename hello").click()
    page.get_by_label("Title").fill("My talk")
    page.keyboard.press("Enter")
    expect(titles(page)).to_have_text(["My talk"])
    expect(page.locator("#title")).to_have_text("My talk")
    page.get_by_role("button", name="Rename My talk").click()
    page.get_by_label("Title").fill("not this")
    page.keyboard.press("Escape")
    expect(titles(page)).to_have_text(["My talk"])
    page.reload()
    expect(titles(page)).to_have_text(["My talk"])


def test_delete_is_reachable(open_page, server, look):  # noqa: F811
    """By finger too: nothing has to be hovered over."""
    page = open_page(server.url, **look)
    say(page, "hello")
    finished(page)
    sidebar(page)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete hello").click()
    expect(titles(page)).to_have_count(0)
    expect(page.locator(".message")).to_have_count(0)


def test_export_and_import(open_page, server, look, tmp_path):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "think")
    finished(page)
    answer(page).get_by_role("button", name="Regenerate").click()
    finished(page)
    new(page)
    say(page, "second")
    finished(page)
    sidebar(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.startswith("tiny-llm-conversations-")
    other = open_page(server.url, **look)  # another browser
    sidebar(other)
    other.locator("#import-file").set_input_files(file)
    expect(other.locator("#notice")).to_contain_text("2 conversations imported.")
    expect(titles(other)).to_have_text(["second", "think"])
    other.locator("#import-file").set_input_files(file)  # twice is once
    expect(titles(other)).to_have_count(2)
    titles(other).get_by_text("think").click()
    expect(answer(other).locator(".versions")).to_have_text("‹2/2›")
    other.reload()
    expect(titles(other)).to_have_count(2)
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"conversations": [{"messages": "none"}, 7, null]}')
    other.locator("#import-file").set_input_files(wrong)
    expect(other.locator("#notice")).to_contain_text("wrong.json holds no conversations")


def test_news_of_the_server_leave_the_notice(open_page, server, tmp_path):  # noqa: F811
    page = open_page(server.url, allow=["ERR_FAILED"])
    asked = []
    page.route("**/v1/models", lambda route: asked.append(route))
    page.reload()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]")
    page.locator("#import-file").set_input_files(wrong)
    expect(page.locator("#notice")).to_contain_text("wrong.json holds no conversations")
    asked[0].abort()  # the first news come late, and are bad
    expect(page.locator("#model")).to_have_text("no connection")
    expect(page.locator("#notice")).to_contain_text("wrong.json holds no conversations")
    page.locator("#close-notice").click()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    page.unroute("**/v1/models")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#model")).to_have_text("toy")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_file_with_a_circle_is_read(open_page, server, tmp_path):  # noqa: F811
    file = tmp_path / "circle.json"
    circle = [{"id": "a", "parent": "b", "role": "user", "content": "x"}, {"id": "b", "parent": "a", "role": "assistant", "content": "y"}]
    circle[1].update(stats={"tokens": 9, "seconds": "x"}, reasoning=7, error={}, status=["lost"], at="now")
    file.write_text(json.dumps([{"id": "c", "title": "circle", "messages": circle}]))
    page = open_page(server.url)
    page.locator("#import-file").set_input_files(file)
    titles(page).get_by_text("circle").click()
    expect(page.locator(".message")).to_have_count(2)


OLD = [{"id": "old1", "title": "an old talk", "messages": [
    {"role": "user", "content": "before"}, {"role": "assistant", "content": "the tree"}], "usedTokens": 9}]


def test_conversations_of_the_page_before_are_taken_over(open_page, server):  # noqa: F811
    page = open_page(server.url)
    page.evaluate("old => localStorage.setItem('tiny-llm.conversations', JSON.stringify(old))", OLD)
    page.reload()
    open_title(page, "an old talk")
    expect(page.locator(".message .body")).to_have_text(["before", "the tree"])
    answer(page).get_by_role("button", name="Regenerate").click()
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    page.reload()
    expect(titles(page)).to_have_count(1)


def test_a_full_browser_says_so_and_drops_nothing(open_page, server):  # noqa: F811
    page = open_page(server.url)
    say(page, "first")
    finished(page)
    page.evaluate("""() => {
      let size = 1 << 20;
      for (let i = 0; size > 0; i += 1) {
        try { localStorage.setItem(`filling${i}`, 'x'.repeat(size)); } catch { size >>= 1; }
      }
    }""")
    new(page)
    say(page, "second")
    finished(page)
    expect(page.locator("#notice")).to_contain_text("no room left")
    expect(titles(page)).to_have_text(["second", "first"])
    page.reload()
    expect(titles(page)).to_have_text(["first"])


@pytest.mark.parametrize("kept", ["{", "[]", "null", '{"messages": {}}', '{"messages": [{"role": "user"}, null, 3]}'])
def test_what_is_kept_may_be_broken(open_page, server, kept):  # noqa: F811
    page = open_page(server.url)
    page.evaluate("kept => localStorage.setItem('tiny-llm.conversation.x', kept)", kept)
    page.evaluate("kept => localStorage.setItem('tiny-llm.settings', kept)", kept)
    page.reload()
    expect(page.locator("#model")).to_have_text("toy")
    say(page, "hello")
    expect(answer(page).locator(".body")).to_have_text("You said: hello")

"""The page and its server: loading, restarts, lost connections, what is asked for, and whose key it is."""

import json

from test_page import answer, expect, finished, say, server, shot  # noqa: F401 (server is a fixture)


def kept(page, storage):
    return page.evaluate(f"JSON.stringify(Object.entries({storage}))")


def test_the_model_is_waited_for(open_page, server, look):  # noqa: F811
    server.is_loading = True
    page = open_page(server.url, allow=["503"], **look)
    expect(page.locator("#notice")).to_contain_text("The model is being loaded")
    expect(page.locator("#send")).to_be_disabled()
    say(page, "hello")  # stays in the field
    shot(page, f"loading-{page.viewport_size['width']}-{look['color_scheme']}")
    server.is_loading = False
    expect(page.locator("#model")).to_have_text("toy")
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#input")).to_have_value("hello")
    page.keyboard.press("Enter")
    expect(answer(page).locator(".body")).to_have_text("You said: hello")


def test_a_lost_server_and_retry(open_page, server, look):  # noqa: F811
    page = open_page(server.url, allow=["ERR_"], **look)
    expect(page.locator("#model")).to_have_text("toy")
    page.route("**/v1/*", lambda route: route.abort())
    page.route("**/v1/chat/completions", lambda route: route.abort())
    say(page, "anyone?")
    expect(page.locator("#notice")).to_contain_text("The server cannot be reached")
    expect(answer(page).get_by_role("alert")).to_contain_text("The server cannot be reached")
    shot(page, f"lost-{page.viewport_size['width']}-{look['color_scheme']}")
    page.unroute("**/v1/*")
    page.unroute("**/v1/chat/completions")
    server.model["id"] = "another toy"  # it was started anew
    page.locator("#retry").click()
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#model")).to_have_text("another toy")
    answer(page).get_by_role("button", name="Retry").click()
    expect(answer(page).locator(".body")).to_have_text("You said: anyone?")


def test_a_server_that_comes_back_is_found_without_a_click(open_page, server):  # noqa: F811
    page = open_page(server.url, allow=["ERR_"])
    page.route("**/v1/*", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#notice")).to_contain_text("cannot be reached")
    page.unroute("**/v1/*")
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#model")).to_have_text("toy")


def test_a_new_model_is_seen_when_the_reader_comes_back(open_page, server):  # noqa: F811
    page = open_page(server.url)
    expect(page.locator("#model")).to_have_text("toy")
    server.model.update(id="larger", max_model_len=400)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#model")).to_have_text("larger")
    say(page, "hello")
    finished(page)
    expect(page.locator("#context-text")).to_have_text("50 / 400")


def test_stopped_answers_say_so_and_go_on(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "slow")
    expect(answer(page)).to_contain_text("word5 ")
    page.locator("#stop").click()
    finished(page)
    expect(answer(page).locator(".note")).to_have_text("Stopped.")
    expect(answer(page).locator(".stats")).to_contain_text("tok/s")
    shot(page, f"stopped-{page.viewport_size['width']}-{look['color_scheme']}")
    text = answer(page).locator(".body").inner_text()
    answer(page).get_by_role("button", name="Continue").click()
    expect(answer(page).locator(".body")).to_contain_text("and the rest.")
    finished(page)
    expect(answer(page).locator(".note")).to_have_count(0)
    assert answer(page).locator(".body").inner_text() == f"{text.rstrip()} and the rest."
    request = server.requests[-1]
    assert (request["continue_final_message"], request["add_generation_prompt"]) == (True, False)
    assert request["messages"][-1]["role"] == "assistant"
    assert request["messages"][-1]["content"].rstrip() == text.rstrip()


def test_cut_answers_say_so_and_go_on(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "cut")
    expect(answer(page).get_by_role("alert")).to_contain_text("The answer was cut")
    answer(page).get_by_role("button", name="Continue").click()
    expect(answer(page).locator(".body")).to_have_text("You said: cutand the rest.")
    expect(answer(page).get_by_role("alert")).to_have_count(0)


def test_a_connection_lost_in_an_answer(open_page, server):  # noqa: F811
    page = open_page(server.url)
    say(page, "hang up")
    expect(answer(page).get_by_role("alert")).to_have_text("The connection to the server was lost.")
    expect(answer(page).locator(".body")).to_have_text("Half of it,")
    answer(page).get_by_role("button", name="Continue").click()
    expect(answer(page).locator(".body")).to_have_text("Half of it, and the rest.")


def test_each_answer_keeps_its_speed(open_page, server, look):  # noqa: F811
    page = open_page(server.url, **look)
    say(page, "slow")
    expect(answer(page)).to_contain_text("word5 ")
    page.locator("#stop").click()
    finished(page)
    say(page, "wait")
    expect(answer(page)).to_contain_text("The first half")
    page.wait_for_timeout(20)
    server.go_on.set()
    finished(page)
    page.reload()
    if page.locator("#open-sidebar").is_visible():
        page.locator("#open-sidebar").click()
    page.locator(".conversation .open").click()
    for i in range(2):
        expect(answer(page, i).locator(".stats")).to_contain_text("tok/s")
        expect(answer(page, i).locator(".stats")).to_contain_text(" tokens · ")
        expect(answer(page, i).locator(".stats")).to_contain_text("first after")


def test_only_what_the_user_changed_is_sent(open_page, server):  # noqa: F811
    server.model["default_sampling"] = {"temperature": 0.2, "top_p": 0.9, "top_k": 40}
    page = open_page(server.url)
    expect(page.locator("#model")).to_have_text("toy")
    say(page, "hello")
    finished(page)
    assert not {"temperature", "top_p", "seed", "max_tokens"} & server.requests[0].keys()
    page.keyboard.press("Control+,")
    expect(page.get_by_label("Temperature")).to_have_attribute("placeholder", "0.2")
    expect(page.get_by_label("Top-p")).to_have_attribute("placeholder", "0.9")
    expect(page.locator("#defaults")).to_have_text("The server's defaults: temperature 0.2, top p 0.9, top k 40.")
    page.get_by_label("Top-p").fill("0.5")
    page.get_by_role("button", name="Save").click()
    say(page, "again")
    finished(page)
    assert server.requests[1]["top_p"] == 0.5 and "temperature" not in server.requests[1]


def test_a_server_that_tells_no_defaults(open_page, server):  # noqa: F811
    page = open_page(server.url)
    page.keyboard.press("Control+,")
    expect(page.get_by_label("Temperature")).to_have_attribute("placeholder", "the server's")


def enter_key(page, remember):
    expect(page.locator("#settings")).to_be_visible()
    page.get_by_label("API key").fill("secret")
    page.get_by_label("Remember the key").set_checked(remember)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#model")).to_have_text("toy")


def test_the_key_ends_with_the_tab(open_page, server, look):  # noqa: F811
    server.api_key = "secret"
    page = open_page(server.url, allow=["401"], **look)
    expect(page.locator("#settings")).to_be_visible()
    shot(page, f"settings-{page.viewport_size['width']}-{look['color_scheme']}")
    enter_key(page, remember=False)
    assert "secret" not in kept(page, "localStorage") and "secret" in kept(page, "sessionStorage")
    page.reload()
    expect(page.locator("#model")).to_have_text("toy")  # a reload is the same tab
    other = open_page(server.url, allow=["401"], context=page.context)
    expect(other.locator("#settings")).to_be_visible()


def test_a_key_to_remember(open_page, server):  # noqa: F811
    server.api_key = "secret"
    page = open_page(server.url, allow=["401"])
    enter_key(page, remember=True)
    other = open_page(server.url, context=page.context)
    expect(other.locator("#model")).to_have_text("toy")
    other.keyboard.press("Control+,")  # and forgotten again
    expect(other.get_by_label("Remember the key")).to_be_checked()
    other.get_by_label("Remember the key").uncheck()
    other.get_by_role("button", name="Save").click()
    other.evaluate("new Promise((done) => setTimeout(done, 100))")  # a dialog tells a little later that it was closed
    assert "secret" not in kept(other, "localStorage")


def test_a_key_of_the_page_before_is_not_left_behind(open_page, server):  # noqa: F811
    server.api_key = "secret"
    page = open_page(server.url, allow=["401"])
    old = json.dumps({"api_key": "secret", "temperature": "0.5"})
    page.evaluate("old => localStorage.setItem('tiny-llm.settings', old)", old)
    page.reload()
    expect(page.locator("#model")).to_have_text("toy")
    assert "secret" not in kept(page, "localStorage")
    page.keyboard.press("Control+,")
    expect(page.get_by_label("Temperature")).to_have_value("0.5")


def test_a_server_without_time_is_still_there(open_page, server):  # noqa: F811
    page = open_page(server.url, allow=["429"])
    expect(page.locator("#model")).to_have_text("toy")
    busy = {"status": 429, "json": {"error": {"message": "too many requests"}}}
    page.route("**/v1/models", lambda route: route.fulfill(**busy))
    with page.expect_response("**/v1/models"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(100)
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#model")).to_have_text("toy")

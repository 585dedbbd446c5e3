"""GET /requests/{id}/why: where the time of a request went, and why no more of its prompt was cached."""

import json
import threading

import pytest
from running_server import raw_request

BLOCK = 16
FLAGS = ["--block-size", BLOCK, "--kv-blocks", 200, "--speculate", "off"]
WORDS = [f"w{i}" for i in range(40)]  # each letter is a token


@pytest.fixture(scope="module")
def server(start_server, models):
    return start_server(models["loop"], *FLAGS)


def complete(server, prompt, headers=None, **more):
    reply = server.post("/v1/completions", {"prompt": prompt, "max_tokens": 4, **more}, headers)
    assert reply.status == 200, reply
    return reply


def why(server, request_id, headers=None):
    reply = server.get(f"/requests/{request_id}/why", headers=headers)
    assert reply.status == 200, reply
    return reply.json()


def token_ids(server, prompt):
    return server.post("/tokenize", {"prompt": prompt}).json()["tokens"]


def test_the_first_token_that_differs(server):
    prompt = " ".join(WORDS)
    complete(server, prompt)
    other = prompt.replace("w21", "x21")
    ids, other_ids = token_ids(server, prompt), token_ids(server, other)
    differs = next(i for i, (a, b) in enumerate(zip(ids, other_ids)) if a != b)
    reply = complete(server, other)
    told = why(server, reply.json()["id"])
    assert told["id"] == reply.json()["id"] and told["request_id"] == reply.headers["x-request-id"]
    (text,) = told["texts"]
    cache = text["cache"]
    assert (cache["why"], cache["common_tokens"], cache["token_id"]) == ("differs", differs, other_ids[differs])
    assert cache["token"] == "x" and f"token {differs}" in cache["sentence"]
    assert text["prompt_tokens"]["cached"] == differs // BLOCK * BLOCK == reply.json()["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert text["prompt_tokens"]["all"] == len(other_ids)


def test_numbers_add_up(server):
    reply = complete(server, ["abc", "def"], max_tokens=5, n=2)
    texts = why(server, reply.headers["x-request-id"])["texts"]
    assert [(text["prompt"], text["choice"]) for text in texts] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for text in texts:
        assert (text["state"], text["finish_reason"]) == ("finished", "length")
        assert text["answer_tokens"] == {"all": 5, "steps": 4} and text["prompt_tokens"]["steps"] == 1
        assert text["steps"]["alone"]["n"] + text["steps"]["shared"]["n"] == 5
        time = text["time"]
        assert 0 <= time["queued_s"] <= time["first_token_s"] <= time["total_s"]
        assert text["decode"]["weight_bytes_per_step"] > 0 and text["preemptions"] == 0


def test_while_it_runs(server):
    """The client names the request itself, so that it can be asked for before its answer has come."""
    body = json.dumps({"prompt": "a", "max_tokens": 3000, "n": 8, "stream": True, "ignore_eos": True})
    running = []
    for i in range(100):  # on a machine that stalls, it may have ended before it is asked for
        name = f"long-{i}"
        connection = server.connect()
        try:
            connection.sendall(raw_request("/v1/completions", body.encode(), f"X-Request-Id: {name}"))
            lines = connection.makefile("rb")
            while not lines.readline().startswith(b"data: "):
                pass
            running = [text for text in why(server, name)["texts"] if text["state"] == "running"]
        finally:
            connection.close()
        if running:
            break
    assert running, "none of 100 requests was seen while it ran"
    assert all(text["finish_reason"] is text["time"]["total_s"] is None for text in running)
    assert all(text["prompt_tokens"]["all"] == 1 for text in running)
    server.wait_until_idle()
    ended = why(server, name)["texts"]
    assert len(ended) == 8 and {text["state"] for text in ended} == {"finished"}


def test_chats_and_responses_too(server):
    messages = [{"role": "user", "content": "Hi"}]
    for path, body in [
        ("/v1/chat/completions", {"messages": messages, "max_tokens": 2}),
        ("/v1/messages", {"messages": messages, "max_tokens": 2}),
        ("/v1/responses", {"input": "Hi", "max_output_tokens": 2}),
    ]:
        answer = server.post(path, body).json()
        assert why(server, answer["id"])["texts"][0]["answer_tokens"]["all"] == 2


@pytest.mark.parametrize("request_id", ["cmpl-nothing", "a b"])
def test_what_is_not_kept(server, request_id):
    reply = server.get(f"/requests/{request_id.replace(' ', '%20')}/why")
    assert reply.status == 404 and reply.error()["code"] == "request_not_found"


def test_other_methods_are_refused(server):
    assert server.request("POST", "/requests/x/why", b"{}", {"Content-Type": "application/json"}).status == 405


def test_keys_do_not_see_each_others_requests(start_server, models, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("first # Ann\nsecond # Bob\n")
    server = start_server(models["loop"], *FLAGS, "--api-key-file", keys)
    ann, bob = {"Authorization": "Bearer first"}, {"Authorization": "Bearer second"}
    request_id = complete(server, "abc", ann).json()["id"]
    assert why(server, request_id, ann)["texts"]
    assert server.get(f"/requests/{request_id}/why", headers=bob).status == 404
    assert server.get(f"/requests/{request_id}/why").status == 401
    prompt = " ".join(WORDS)
    complete(server, prompt, ann)
    cache = why(server, complete(server, prompt.replace("w21", "x21"), bob).json()["id"], bob)["texts"][0]["cache"]
    assert (cache["why"], cache["common_tokens"]) == ("unknown", 0)  # of Ann's prompt Bob learns nothing


def test_a_shared_cache_tells_no_stranger_where_texts_differ(start_server, models, tmp_path):
    """Else a prompt of somebody else could be guessed token by token."""
    keys = tmp_path / "keys"
    keys.write_text("first\nsecond\n")
    server = start_server(models["loop"], *FLAGS, "--api-key-file", keys, "--share-prefix-cache")
    ann, bob = {"Authorization": "Bearer first"}, {"Authorization": "Bearer second"}
    prompt = " ".join(WORDS)
    complete(server, prompt, ann)
    for other in (prompt.replace("w21", "x21"), "x" + prompt):
        cache = why(server, complete(server, other, bob).json()["id"], bob)["texts"][0]["cache"]
        assert cache["why"] is cache["common_tokens"] is cache["token_id"] is cache["token"] is None
        assert "do not share the cache" in cache["sentence"]
    # A salt can be guessed, so it makes nobody the only one.
    salted = {"cache_salt": "demo"}
    complete(server, prompt, ann, **salted)
    cache = why(server, complete(server, prompt.replace("w0", "x0"), bob, **salted).json()["id"], bob)["texts"][0]["cache"]
    assert cache["why"] is cache["common_tokens"] is cache["token"] is None
    cache = why(server, complete(server, prompt, bob).json()["id"], bob)["texts"][0]["cache"]
    assert cache["why"] == "whole" and cache["token_id"] is cache["token"] is None


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "Via"])
def test_behind_a_proxy_nobody_is_told_where_texts_differ(server, header):
    prompt = " ".join(WORDS[::-1])
    complete(server, prompt)
    through = {header: "192.0.2.1"}
    other = prompt.replace("w21", header.lower())  # each asks for a text of its own
    cache = why(server, complete(server, other, through).json()["id"])["texts"][0]["cache"]
    assert cache["why"] is cache["common_tokens"] is cache["token"] is None


def test_pages_of_other_origins_make_a_second_client(start_server, models):
    server = start_server(models["loop"], *FLAGS, "--cors-origin", "https://example.org")
    prompt = " ".join(WORDS)
    complete(server, prompt)
    cache = why(server, complete(server, prompt.replace("w21", "x21")).json()["id"])["texts"][0]["cache"]
    assert cache["why"] is cache["common_tokens"] is cache["token"] is None


def test_many_clients_at_once(server):
    ids = []

    def ask():
        for _ in range(5):
            request_id = complete(server, "abc", max_tokens=3).json()["id"]
            ids.append((request_id, why(server, request_id)["texts"][0]["state"]))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(ids) == 20 and {state for _, state in ids} == {"finished"}


def test_chat_why(tinyllm, models):
    said = tinyllm.run("chat", "-m", models["fine"], "--max-tokens", 5, stdin="/why\nHi\n/why\n").stderr.decode()
    assert "(there is no answer yet)" in said
    assert "no cached text begins like this one" in said or "this prompt has none" in said
    for row in ("prompt", "cache", "waiting", "answer", "steps", "weights"):
        assert f"\n  {row} " in said, said
    reference = tinyllm.run("chat", "-m", models["fine"], "--engine", "reference", stdin="Hi\n/why\n").stderr.decode()
    assert "(the reference path keeps no account)" in reference

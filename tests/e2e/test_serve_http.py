"""The server on the wire: errors, limits, cancels, shutdown. Raw sockets and the standard library only."""

import json
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
import toy_model
from running_server import raw_request, read_until_closed

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
# Nearly greedy: at temperature 1 a draw sooner or later hits the end token.
ENDLESS = {**HELLO, "max_tokens": 3000, "stream": True, "temperature": 0.1}


def assert_works(server):
    """A good request after whatever went before."""
    reply = server.post("/v1/completions", {"prompt": "a", "max_tokens": 3, "temperature": 0})
    assert (reply.status, reply.json()["choices"][0]["text"]) == (200, "bcd"), reply


BAD_FIELDS = [
    # path, body, param, words of the message
    (CHAT, {}, "messages", "messages is missing"),
    (CHAT, {"messages": None}, "messages", "missing"),
    (CHAT, {"messages": "hi"}, "messages", "messages is 'hi', must be an array"),
    (CHAT, {"messages": []}, "messages", "at least one message"),
    (CHAT, {"messages": [1]}, "messages[0]", "messages[0] is 1, must be an object"),
    (CHAT, {"messages": [{}]}, "messages[0].role", "missing"),
    (CHAT, {"messages": [{"role": 1, "content": "x"}]}, "messages[0].role", "must be a string"),
    (CHAT, {"messages": [{"role": "user"}]}, "messages[0].content", "missing"),
    (CHAT, {"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "messages[0].content is 5"),
    (CHAT, {"messages": [{"role": "user", "content": None}]}, "messages[0].content", "null"),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type", "'text'"),
    (CHAT, {"messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0]", "object"),
    (CHAT, {**HELLO, "temperature": -0.1}, "temperature", "must be a number in [0, 2]"),
    (CHAT, {**HELLO, "temperature": "hot"}, "temperature", "'hot'"),
    (CHAT, {**HELLO, "temperature": True}, "temperature", "true"),
    (CHAT, {**HELLO, "top_p": 0}, "top_p", "top_p is 0"),
    (CHAT, {**HELLO, "top_k": 1.5}, "top_k", "whole number"),
    (CHAT, {**HELLO, "min_p": 2}, "min_p", "[0, 1]"),
    (CHAT, {**HELLO, "presence_penalty": 2.1}, "presence_penalty", "[-2, 2]"),
    (CHAT, {**HELLO, "frequency_penalty": -3}, "frequency_penalty", "[-2, 2]"),
    (CHAT, {**HELLO, "repetition_penalty": 0}, "repetition_penalty", "must be"),
    (CHAT, {**HELLO, "max_tokens": 0}, "max_tokens", "max_tokens is 0"),
    (CHAT, {**HELLO, "max_tokens": -5}, "max_tokens", "max_tokens is -5"),
    (CHAT, {**HELLO, "max_tokens": 10**30}, "max_tokens", "is 1" + 30 * "0"),
    (CHAT, {**HELLO, "max_tokens": 10**2000}, "max_tokens", "is 1" + 19 * "0" + "... (2001 digits), must be"),
    (CHAT, {**HELLO, "min_tokens": 9, "max_tokens": 8}, "min_tokens", "larger"),
    (CHAT, {**HELLO, "n": 0}, "n", "n is 0"),
    (CHAT, {**HELLO, "n": 10**6}, "n", "[1, 128]"),
    (CHAT, {**HELLO, "n": 2, "temperature": 0}, "n", "same text"),
    (CHAT, {**HELLO, "seed": 2**64}, "seed", "whole number"),
    (CHAT, {**HELLO, "seed": "x"}, "seed", "'x'"),
    (CHAT, {**HELLO, "logprobs": 3}, "logprobs", "true or false"),
    (CHAT, {**HELLO, "top_logprobs": 3}, "top_logprobs", "logprobs is true"),
    (CHAT, {**HELLO, "logprobs": True, "top_logprobs": 21}, "top_logprobs", "[0, 20]"),
    (CHAT, {**HELLO, "stop": ["a"] * 17}, "stop", "at most 16"),
    (CHAT, {**HELLO, "stop": ""}, "stop", "empty"),
    (CHAT, {**HELLO, "stop": [1]}, "stop[0]", "string"),
    (CHAT, {**HELLO, "stop": "a" * 2000}, "stop", "2000 bytes"),
    (CHAT, {**HELLO, "logit_bias": {"x": 1}}, "logit_bias", "token ids"),
    (CHAT, {**HELLO, "logit_bias": {"1": "x"}}, "logit_bias.1", "number"),
    (CHAT, {**HELLO, "logit_bias": {"1": 101}}, "logit_bias.1", "[-100, 100]"),
    (CHAT, {**HELLO, "logit_bias": {"260": 1}}, "logit_bias", "[0, 260)"),
    (CHAT, {**HELLO, "logit_bias": [1]}, "logit_bias", "object"),
    (CHAT, {**HELLO, "stop_token_ids": [-1]}, "stop_token_ids[0]", "whole number"),
    (CHAT, {**HELLO, "stop_token_ids": [260]}, "stop_token_ids", "[0, 260)"),
    (CHAT, {**HELLO, "stream_options": {"include_usage": True}}, "stream_options", "stream is true"),
    (CHAT, {**HELLO, "stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "true"),
    (CHAT, {**HELLO, "stream": "yes"}, "stream", "true or false"),
    (CHAT, {**HELLO, "prompt_logprobs": 99}, "prompt_logprobs", "[0, 20]"),
    (CHAT, {**HELLO, "prompt_logprobs": 1, "stream": True}, "prompt_logprobs", "stream"),
    (CHAT, {**HELLO, "continue_final_message": True}, "continue_final_message", "both"),
    (CHAT, {**HELLO, "cache_salt": ""}, "cache_salt", "at least one"),
    (CHAT, {**HELLO, "chat_template_kwargs": {"messages": []}}, "chat_template_kwargs", "messages"),
    (CHAT, {**HELLO, "chat_template_kwargs": {"add_generation_prompt": False}}, "chat_template_kwargs", "beside"),
    (CHAT, {**HELLO, "functions": [{"name": "f"}]}, "functions", "not supported"),
    (CHAT, {**HELLO, "response_format": {"type": "xml"}}, "response_format.type", "json_object"),
    (CHAT, {**HELLO, "response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing"),
    (CHAT, {**HELLO, "response_format": "text"}, "response_format", "object"),
    (CHAT, {**HELLO, "guided_regex": "a("}, "guided_regex", "regex"),
    (CHAT, {**HELLO, "chat_template": "{{ 1 }}"}, "chat_template", "not supported"),
    (CHAT, {**HELLO, "best_of": 2}, "best_of", "not supported"),
    ("/v1/completions", {}, "prompt", "missing"),
    ("/v1/completions", {"prompt": ""}, "prompt", "no token"),
    ("/v1/completions", {"prompt": []}, "prompt", "at least one"),
    ("/v1/completions", {"prompt": 5}, "prompt", "string or an array"),
    ("/v1/completions", {"prompt": {"a": 1}}, "prompt", "an object"),
    ("/v1/completions", {"prompt": [-1]}, "prompt[0]", "whole number"),
    ("/v1/completions", {"prompt": [260]}, "prompt", "ids in [0, 260)"),
    ("/v1/completions", {"prompt": [2**40]}, "prompt[0]", "whole number"),
    ("/v1/completions", {"prompt": ["a"] * 1025}, "prompt", "at most 1024"),
    ("/v1/completions", {"prompt": ["a"] * 100, "n": 100}, "n", "1024"),
    ("/v1/completions", {"prompt": "a", "max_tokens": 0}, "max_tokens", "echo"),
    ("/v1/completions", {"prompt": "a", "logprobs": 21}, "logprobs", "[0, 20]"),
    ("/v1/completions", {"prompt": "a", "logprobs": True}, "logprobs", "whole number"),
    ("/v1/completions", {"prompt": "a", "suffix": "b"}, "suffix", "not supported"),
    ("/tokenize", {}, "prompt", "missing"),
    ("/tokenize", {"prompt": 1}, "prompt", "string"),
    ("/detokenize", {"tokens": "x"}, "tokens", "array"),
    ("/detokenize", {"tokens": [10**6]}, "tokens", "[0, 260)"),
    ("/apply-template", {"messages": 1}, "messages", "array"),
]


@pytest.mark.parametrize("path, body, param, words", BAD_FIELDS)
def test_a_wrong_field_is_named(loop_server, path, body, param, words):
    reply = loop_server.post(path, body)
    assert reply.status == 400, reply
    error = reply.error()
    assert error["param"] == param and words in error["message"] and error["type"] == "invalid_request_error"
    assert "/tmp" not in error["message"] and "0x" not in error["message"]


def test_good_after_bad(loop_server):
    assert_works(loop_server)


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1, 2]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"prompt": NaN}', "not JSON"),
        (b'{"prompt": Infinity}', "not JSON"),
        (b'{"temperature": 1e999, "prompt": "a"}', "not JSON"),
        (b'{"prompt": "\xff\xfe"}', "not JSON"),
        (b'{"prompt": "\\ud800"}', "not JSON"),
        (b'{"prompt": "a"} trailing', "not JSON"),
        (b'{"prompt": ' + b"[" * 100 + b"]" * 100 + b"}", "nested"),
        (b'{"prompt": ' + b'{"a":' * 100000 + b"1" + b"}" * 100000 + b"}", "nested"),
    ],
)
def test_a_body_that_is_no_json_object(loop_server, body, words):
    reply = loop_server.post("/v1/completions", body)
    assert reply.status == 400 and words in reply.error()["message"]


def test_unknown_fields_and_null_are_ignored(loop_server):
    nulls = {name: None for name in ("temperature", "n", "stop", "tools", "seed", "logit_bias", "stream", "response_format")}
    body = {"prompt": "a", "max_tokens": 2, "frobnicate": {"x": [1]}, "user": "me", **nulls}
    assert loop_server.post("/v1/completions", body).json()["choices"][0]["text"] == "bc"
    wanted_anyway = {"tools": [], "tool_choice": "none", "best_of": 1, "response_format": {"type": "text"}, "n": 1.0}
    assert loop_server.post("/v1/completions", {"prompt": "a", "max_tokens": 2, **wanted_anyway}).status == 200


def test_paths_methods_and_types(loop_server):
    assert loop_server.get("/nope").status == 404 and loop_server.get("/nope").error()["type"] == "not_found_error"
    assert loop_server.get(CHAT).status == 405 and "POST" in loop_server.get(CHAT).error()["message"]
    assert loop_server.request("DELETE", "/health").status == 405
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        reply = loop_server.request("POST", CHAT, json.dumps(HELLO), headers)
        assert reply.status == 415 and "application/json" in reply.error()["message"]
    reply = loop_server.request("POST", "/tokenize", '{"prompt": "a"}', {"Content-Type": "Application/JSON; charset=utf-8"})
    assert reply.status == 200
    head = loop_server.request("HEAD", "/health")
    assert (head.status, head.body, int(head.headers["content-length"])) == (200, b"", 15)
    assert loop_server.get("/health?x=1").json() == {"status": "ok"} == loop_server.get("/v1/health").json()


def test_request_ids(loop_server):
    reply = loop_server.get("/health", headers={"X-Request-Id": "mine-1"})
    assert reply.headers["x-request-id"] == "mine-1"
    for strange in ("a b", "x" * 200):
        assert loop_server.get("/health", headers={"X-Request-Id": strange}).headers["x-request-id"].startswith("req-")
    loop_server.post("/v1/completions", {"prompt": "a", "max_tokens": 1}, {"X-Request-Id": "find-me"})
    loop_server.wait_for("find-me completion: 1 prompt tokens .* 1 generated")


def test_prompts_stay_out_of_the_log(start_server, models):
    secret = {"prompt": "my secret", "max_tokens": 1}
    for flags, is_there in (([], False), (["--log-prompts"], True)):
        server = start_server(models["loop"], *flags)
        server.post("/v1/completions", secret)
        server.post("/v1/completions", {**secret, "temperature": 9})
        assert ("my secret" in server.log()) == is_there


def test_nobody_writes_lines_of_his_own_into_the_log(start_server, tmp_path):
    """Not through a prompt that is logged, and not through an error that repeats what a client wrote."""
    template = "{{ raise_exception('no ' ~ messages[0].content) }}"
    server = start_server(toy_model.write_folder(tmp_path / "toy", toy_model.spell("abc"), template=template), "--log-prompts")
    reply = server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "a\ninfo: mine\x1b[31m\x7f"}]})
    assert reply.status == 400 and "no a\ninfo: mine" in reply.json()["error"]["message"]
    server.wait_for(r"400 .*no a\\x0ainfo: mine\\x1b\[31m\\x7f$", seconds=5)
    body = b'{"prompt":\n"abc", "max_tokens": 1}'
    assert server.post("/v1/completions", body).status == 200
    server.wait_for(r'asks: {"prompt":\\x0a"abc"', seconds=5)
    assert not any(line.startswith("info: mine") for line in server.log().splitlines()) and "\x1b" not in server.log()


def test_other_host_names_are_refused(start_server, models, loop_server):
    """A web page whose own name points to 127.0.0.1 must not reach the server."""
    for host in ("localhost:80", "127.0.0.1", "[::1]:8000", "app.localhost"):
        assert loop_server.get("/health", headers={"Host": host}).status == 200
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""):
        reply = loop_server.get("/health", headers={"Host": host})
        assert reply.status == 403 and reply.error()["code"] == "host_not_allowed"
    allowed = start_server(models["loop"], "--allowed-host", "llm.example")
    assert allowed.get("/health", headers={"Host": "LLM.example:80"}).status == 200


def test_cors(start_server, models, loop_server):
    origin = {"Origin": "https://app.example"}
    assert "access-control-allow-origin" not in loop_server.get("/health", headers=origin).headers
    server = start_server(models["loop"], "--cors-origin", "https://app.example", "--api-key", "k")
    reply = server.request("OPTIONS", CHAT, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "https://app.example"
    assert "Authorization" in reply.headers["access-control-allow-headers"]
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in server.get("/health", headers={"Origin": "https://app.example.evil"}).headers
    assert server.get("/v1/models", headers=origin).headers["access-control-allow-origin"]  # on a 401, too


def test_keep_alive_and_pipelining(loop_server):
    body = json.dumps({"prompt": "a", "max_tokens": 2}).encode()
    with loop_server.connect() as connection:
        connection.sendall(raw_request("/v1/completions", body) * 2 + raw_request("/v1/completions", body, "Connection: close"))
        data = read_until_closed(connection)
    assert data.count(b"HTTP/1.1 200 OK") == 3 and data.count(b'"text":"bc"') == 3


def test_old_http(loop_server):
    body = json.dumps({"prompt": "a", "max_tokens": 3, "stream": True}).encode()
    with loop_server.connect() as connection:
        connection.sendall(raw_request("/v1/completions", body).replace(b"HTTP/1.1", b"HTTP/1.0"))
        data = read_until_closed(connection)
    assert b"Transfer-Encoding" not in data and b"Connection: close" in data and data.endswith(b"data: [DONE]\n\n")


def test_chunked_request_and_continue(loop_server):
    body = json.dumps({"prompt": "a", "max_tokens": 2}).encode()
    with loop_server.connect() as connection:
        connection.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for byte in body:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert b'"text":"bc"' in read_until_closed(connection)


@pytest.mark.parametrize(
    "data, status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),  # a TLS hello
        (b"GET / SPDY/9\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nno colon here\r\n\r\n", 400),
        (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /tokenize HTTP/1.1\r\n" + b"Host: localhost\r\nContent-Type: application/json\r\n" + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /health HTTP/1.1\r\nX: " + b"a" * 40000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\n" + b"X: a\r\n" * 8000 + b"\r\n", 431),
        (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17000000\r\n\r\n", 413),
    ],
)
def test_what_is_no_request(loop_server, data, status):
    with loop_server.connect() as connection:
        connection.sendall(data)
        answer = read_until_closed(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert json.loads(body)["error"]["message"]
    assert_works(loop_server)


def test_large_bodies(start_server, models):
    server = start_server(models["loop"], "--max-body-mb", 1)
    assert server.post("/tokenize", {"prompt": "ab " * 300000}).json()["count"] == 900000
    with server.connect() as connection:  # the body comes although nobody wants it
        body = b'{"prompt": "' + b"x" * (2 << 20) + b'"}'
        connection.sendall(raw_request("/tokenize", body)[:200000])
        assert read_until_closed(connection).startswith(b"HTTP/1.1 413 ")
    assert_works(server)


def test_slow_clients_are_cut_off(start_server, models):
    server = start_server(models["loop"], "--header-seconds", 0.5, "--body-seconds", 0.5)
    slow = [server.connect() for _ in range(30)]
    started = time.monotonic()
    for connection in slow[:20]:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: local")
    for connection in slow[20:]:
        connection.sendall(raw_request("/tokenize", b" " * 100)[:-50])
    assert_works(server)
    for connection in slow:
        assert read_until_closed(connection).startswith(b"HTTP/1.1 408 ")
        connection.close()
    assert time.monotonic() - started < 5
    assert_works(server)


def test_a_client_that_leaves_stops_its_text(loop_server):
    cancelled = loop_server.metric("vllm:request_success_total", finished_reason="abort")
    for body in (ENDLESS, {**ENDLESS, "stream": False}, {**ENDLESS, "n": 3}):
        with loop_server.connect() as connection:
            connection.sendall(raw_request(CHAT, json.dumps(body).encode()))
            if body["stream"]:
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
            else:
                while not loop_server.metric("vllm:num_requests_running"):
                    time.sleep(0.01)
        left = time.monotonic()
        loop_server.wait_until_idle(seconds=2)
        assert time.monotonic() - left < 1
    assert loop_server.metric("vllm:request_success_total", finished_reason="abort") == cancelled + 5


def test_a_half_closed_connection_is_a_client_that_left(loop_server):
    with loop_server.connect() as connection:
        connection.sendall(raw_request(CHAT, json.dumps(ENDLESS).encode()))
        connection.shutdown(socket.SHUT_WR)
        loop_server.wait_until_idle(seconds=2)
    with loop_server.connect() as connection:  # an answer that is ready at once still comes
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_until_closed(connection).startswith(b"HTTP/1.1 200 OK")


def test_overload_is_429_and_passes(start_server, models):
    server = start_server(models["loop"], "--max-num-seqs", 2, "--max-queue", 1)
    open_streams = []
    for _ in range(3):
        connection = server.connect()
        connection.sendall(raw_request(CHAT, json.dumps(ENDLESS).encode()))
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        open_streams.append(connection)
    for body in (HELLO, {**HELLO, "stream": True}):
        reply = server.post(CHAT, body)
        assert (reply.status, reply.headers["retry-after"], reply.error()["code"]) == (429, "1", "rate_limit_exceeded")
    assert server.post(CHAT, {**HELLO, "n": 4}).status == 429
    for connection in open_streams:
        connection.close()
    server.wait_until_idle()
    assert_works(server)
    assert server.metric("tinyllm:http_errors_total", status="429") == 3


def test_timed_out_clients_do_not_delay_others(start_server, models):
    """200 clients ask for much and leave; a short request then waits less than 5 s."""
    server = start_server(models["loop"], "--max-num-seqs", 8)
    for _ in range(200):
        with server.connect() as connection:
            connection.sendall(raw_request(CHAT, json.dumps(ENDLESS).encode()))
    started = time.monotonic()
    assert_works(server)
    assert time.monotonic() - started < 5
    server.wait_until_idle()


def test_terminate_lets_texts_end(start_server, models):
    server = start_server(models["loop"])
    connection = server.connect()
    connection.sendall(raw_request(CHAT, json.dumps({**ENDLESS, "max_tokens": 1500}).encode()))
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    idle = server.connect()
    server.process.send_signal(signal.SIGTERM)
    data = read_until_closed(connection)
    assert b'"finish_reason":"length"' in data and data.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert read_until_closed(idle) == b""
    assert server.process.wait(timeout=30) == 0


def test_terminate_cuts_off_what_takes_too_long(start_server, models):
    server = start_server(models["loop"], "--drain-seconds", 0.2)
    streams = []
    for stream in (True, False):
        connection = server.connect()
        body = {**ENDLESS, "max_tokens": 4000, "n": 16, "stream": stream}  # one text of the toy takes a quarter of a second
        connection.sendall(raw_request(CHAT, json.dumps(body).encode()))
        streams.append(connection)
    assert streams[0].recv(100).startswith(b"HTTP/1.1 200")
    while server.metric("vllm:num_requests_running") <= 16:
        time.sleep(0.01)
    refused = server.connect()  # stays open while the server drains
    server.process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    streamed, whole = (read_until_closed(connection) for connection in streams)
    assert b'"type":"unavailable_error"' in streamed and streamed.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 503 ") and b"shutting down" in whole
    assert server.process.wait(timeout=30) == 0 and time.monotonic() - started < 15  # not 30, the default
    refused.close()


def test_a_second_signal_ends_at_once(start_server, models):
    server = start_server(models["loop"])
    connection = server.connect()
    connection.sendall(raw_request(CHAT, json.dumps({**ENDLESS, "max_tokens": 4000, "n": 16}).encode()))
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("shutting down")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=10) == 130  # the drain takes up to 30 s


def test_kill_and_start_again_on_the_same_port(start_server, models):
    server = start_server(models["loop"])
    server.process.kill()
    server.process.wait()
    again = subprocess.Popen(
        [*server.command, "--port", str(server.port)], env=server.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        assert any(line.startswith(b"serving") for line in again.stderr)
        assert_works(server)
    finally:
        again.terminate()
        again.wait(timeout=10)


def test_a_taken_port_and_other_wrong_flags(loop_server, tinyllm, models):
    message = tinyllm.failure("serve", "-m", models["loop"], "--port", loop_server.port)
    assert f"127.0.0.1:{loop_server.port}: cannot listen there" in message.splitlines()[-1]
    assert "TLS needs both" in tinyllm.failure("serve", "-m", models["loop"], "--tls-cert", "x", "--port", 0, code=2)
    assert "--tls-cert" in tinyllm.failure("serve", "-m", models["loop"], "--tls-cert", "x", "--tls-key", "y", "--port", 0)
    assert "has no tokenizer" in tinyllm.failure("serve", "-m", models["no tokenizer"], "--port", 0)


def test_base_models_complete_but_do_not_chat(start_server, models):
    server = start_server(models["base"])
    reply = server.post(CHAT, HELLO)
    assert reply.status == 400 and "no chat template" in reply.error()["message"]
    assert server.post("/v1/completions", {"prompt": "\n", "max_tokens": 4}).json()["choices"][0]["text"] == "Fine"


def test_tls(start_server, models, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    # Without drafts each token is an event.
    server = start_server(models["loop"], "--tls-cert", certificate, "--tls-key", key, "--speculate", "off")
    context = ssl.create_default_context(cafile=str(certificate))
    body = json.dumps({"prompt": "a", "max_tokens": 300, "stream": True}).encode()
    with context.wrap_socket(server.connect(), server_hostname="localhost") as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
        connection.sendall(raw_request("/v1/completions", body, "Connection: close"))
        data = read_until_closed(connection)
    assert data.count(b'"text":"') > 300 and b"data: [DONE]" in data
    with server.connect() as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        read_until_closed(plain)
    with context.wrap_socket(server.connect(), server_hostname="localhost") as connection:
        connection.sendall(raw_request("/v1/completions", body))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_no_descriptor_stays_open(loop_server):
    import os

    def n_open():
        return len(os.listdir(f"/proc/{loop_server.process.pid}/fd"))

    before = n_open()
    threads = [threading.Thread(target=loop_server.get, args=("/health",)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deadline = time.monotonic() + 5
    while n_open() > before:
        assert time.monotonic() < deadline, (before, n_open())
        time.sleep(0.05)

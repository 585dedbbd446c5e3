"""A `tinyllm serve` whose engine dies: every client is told, and the process ends with exit code 1.

tinyllm_failing is the binary with a backend that runs out of memory in a given step (failing_backend.cpp).
"""

import json

import pytest
from conftest import BINARY, Tinyllm
from running_server import RunningServer, raw_request, read_until_closed

FAILING = BINARY.parent / "tinyllm_failing"
STOPPED = "the engine has stopped"
N_GOOD_STEPS = 3000  # some tenths of a second
ENDLESS = {"prompt": "abc", "max_tokens": 4000, "temperature": 0, "ignore_eos": True}


@pytest.fixture
def failing_server(tmp_path, models):
    """Two rows; the engine dies in step N_GOOD_STEPS + 1."""
    if not FAILING.exists():
        pytest.skip(f"LACKS {FAILING}: ./tiny test builds it")
    environment = {**Tinyllm(tmp_path).env, "TINYLLM_TEST_GOOD_STEPS": str(N_GOOD_STEPS)}
    # Without drafts each token is a step.
    flags = ["--max-num-seqs", "2", "--speculate", "off"]
    command = [str(FAILING), "serve", "-m", str(models["loop"]), *flags]
    server = RunningServer(command, environment, tmp_path / "log.txt").start()
    yield server
    server.stop()


def request(**more):
    return raw_request("/v1/completions", json.dumps({**ENDLESS, **more}).encode())


def expect_503(reply):
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 "), reply
    assert json.loads(body)["error"]["message"].startswith(STOPPED)


def test_everybody_is_told_and_the_process_ends_with_1(failing_server):
    """One text is streamed and one runs beside it; two wait for a row."""
    clients = [failing_server.connect() for _ in range(4)]
    clients[0].sendall(request(stream=True))
    streamed = clients[0].recv(65536)
    for client in clients[1:]:
        client.sendall(request())
    streamed += read_until_closed(clients[0])
    for client in clients[1:]:
        expect_503(read_until_closed(client))

    assert streamed.startswith(b"HTTP/1.1 200 ") and b"bad_alloc" not in streamed  # inner words stay inside
    events = [line.removeprefix("data: ") for line in streamed.decode().splitlines() if line.startswith("data: ")]
    assert len(events) > 100 and events[-1] == "[DONE]"
    assert json.loads(events[-2])["error"]["message"].startswith(STOPPED)
    assert all("choices" in json.loads(event) for event in events[:-2])  # the text until then

    assert failing_server.process.wait(timeout=20) == 1
    assert failing_server.log().splitlines()[-1] == f"tinyllm: internal error: {STOPPED}: std::bad_alloc"
    for client in clients:
        client.close()


def test_what_a_client_asks_after_the_failure(failing_server):
    """It sent two requests at once: the second is answered with 503 too, or the process has gone."""
    with failing_server.connect() as client:
        client.sendall(request() + b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        replies = read_until_closed(client).split(b"HTTP/1.1 ")[1:]
    assert 1 <= len(replies) <= 2
    for reply in replies:
        expect_503(b"HTTP/1.1 " + reply)
    assert failing_server.process.wait(timeout=20) == 1

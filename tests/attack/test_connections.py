"""Connections that are silent, slow, forged or too many."""

import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import time

import pytest
from attackers import ask_raw, head, health_times, status_of
from conftest import BINARY
from running_server import RunningServer, raw_request, read_until_closed

COMPLETION = {"prompt": "a", "max_tokens": 3, "temperature": 0}


def works(server, headers=None):
    reply = server.post("/v1/completions", COMPLETION, headers)
    return (reply.status, reply.json()["choices"][0]["text"]) == (200, "bcd")


@pytest.fixture(scope="module")
def server(start_server, models):
    return start_server(models["loop"], "--quiet")


def test_silent_connections_shut_nobody_out(start_server, models):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    server = start_server(models["loop"], "--quiet", "--max-connections", 300)
    silent = [server.connect() for _ in range(330)]
    try:
        for i, connection in enumerate(silent[:100]):
            connection.sendall(b"GET /health HTTP/1.1\r\nHo"[: 1 + i % 20])
        times = health_times(server, n=20)
        assert times[-1] < 1 and works(server)
    finally:
        for connection in silent:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_answer_under_way_is_not_closed_for_a_new_connection(start_server, models):
    server = start_server(models["loop"], "--quiet", "--max-connections", 20)
    with server.connect() as stream:
        body = json.dumps({"prompt": "a", "max_tokens": 2000, "stream": True, "temperature": 0}).encode()
        stream.sendall(raw_request("/v1/completions", body, "Connection: close"))
        assert stream.recv(10).startswith(b"HTTP")
        silent = [server.connect() for _ in range(40)]
        assert works(server)
        assert read_until_closed(stream).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    for connection in silent:
        connection.close()


def test_idle_time_is_a_flag(start_server, models):
    server = start_server(models["loop"], "--quiet", "--idle-seconds", 0.3)
    with server.connect() as connection:
        started = time.monotonic()
        assert read_until_closed(connection) == b""
        assert 0.2 < time.monotonic() - started < 5


@pytest.mark.parametrize(
    "headers, statuses",
    [
        (["Transfer-Encoding: xchunked"], {501}),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], {400, 501}),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], {400, 501}),
        (["Transfer-Encoding: gzip, chunked"], {501}),
        (["Transfer-Encoding: chunked", "Content-Length: 4"], {400}),
        (["Content-Length: 4", "Content-Length: 4"], {400}),
        (["Content-Length: 4, 4"], {400}),
        (["Transfer-Encoding : chunked"], {400}),
    ],
)
def test_no_second_request_hides_in_a_body(server, headers, statuses):
    lines = ["POST /tokenize HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers, "", ""]
    answer = ask_raw(server, "\r\n".join(lines).encode() + b"0\r\n\r\nGET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1 and status_of(answer) in statuses, answer
    assert b"Connection: close" in answer


def test_a_chunked_body_in_single_bytes(server):
    """The parser of Beast ends the process when a chunked body begins with fewer than five bytes."""
    with server.connect() as connection:
        connection.sendall(head("/tokenize", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked\r\nConnection: close"))
        for byte in b"0\r\n\r\n":
            time.sleep(0.02)
            connection.sendall(bytes([byte]))
        assert status_of(read_until_closed(connection)) == 400
    assert works(server)


def test_absolute_targets(server):
    target = f"http://127.0.0.1:{server.port}/health"
    assert status_of(ask_raw(server, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())) == 200
    evil = b"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert status_of(ask_raw(server, evil)) == 403


def test_a_slow_reader_gets_its_whole_answer(start_server, models):
    server = start_server(models["loop"], "--quiet", "--write-seconds", 1)
    body = json.dumps({"prompt": "a " * 300_000, "return_token_strs": True}).encode()
    with server.connect() as connection:
        connection.settimeout(20)
        connection.sendall(raw_request("/tokenize", body, "Connection: close"))
        data, started = b"", time.monotonic()
        while chunk := connection.recv(64 << 10):
            data += chunk
            if time.monotonic() - started < 3:  # three times the deadline
                time.sleep(0.05)
    length = int(data.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    assert len(data.partition(b"\r\n\r\n")[2]) == length > 3_500_000
    assert json.loads(data.partition(b"\r\n\r\n")[2])["count"] == 600_000


def test_who_reads_nothing_is_cut(start_server, models):
    server = start_server(models["loop"], "--quiet", "--write-seconds", 0.5)
    body = json.dumps({"prompt": "a " * 500_000, "return_token_strs": True}).encode()
    assert works(server)

    def n_files():
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(raw_request("/tokenize", body))
        time.sleep(0.1)
        n_with_it, deadline = n_files(), time.monotonic() + 10
        while n_files() >= n_with_it:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_one_client_has_its_share(start_server, models):
    server = start_server(
        models["loop"], "--quiet", "--api-key", "one", "--api-key", "two", "--max-requests-per-client", 2, "--requests-per-minute", 5
    )
    one, two = {"X-Api-Key": "one"}, {"X-Api-Key": "two"}
    streams = []
    for _ in range(2):
        connection = server.connect()
        body = json.dumps({"prompt": "a", "max_tokens": 3000, "stream": True, "temperature": 0}).encode()
        connection.sendall(raw_request("/v1/completions", body, "X-Api-Key: one"))
        assert connection.recv(12).startswith(b"HTTP/1.1 200")
        streams.append(connection)
    reply = server.post("/v1/completions", COMPLETION, one)
    assert reply.status == 429 and "at a time" in reply.error()["message"] and reply.headers["retry-after"]
    assert works(server, two)
    for connection in streams:
        connection.close()
    replies = [server.post("/v1/completions", COMPLETION, two).status for _ in range(6)]
    assert 429 in replies and replies[0] == 200
    assert server.get("/health").status == 200  # costs nothing


def test_waiting_and_running_have_limits(start_server, models):
    server = start_server(models["loop"], "--max-request-seconds", 0.5, "--max-num-seqs", 1, "--quiet")
    body = {"prompt": "a", "max_tokens": 4000, "n": 1, "temperature": 0}
    replies = [server.post("/v1/completions", {**body, "stream": stream}) for stream in (False, True)]
    for reply in replies:
        assert b"longer than this server allows" in reply.body or b'"finish_reason":"length"' in reply.body
    waiting = start_server(models["loop"], "--max-wait-seconds", 0.3, "--max-num-seqs", 1, "--quiet")
    with waiting.connect() as stream:
        stream.sendall(raw_request("/v1/completions", json.dumps({**body, "stream": True, "n": 30, "temperature": 1}).encode()))
        stream.recv(10)
        reply = waiting.post("/v1/completions", COMPLETION)
    assert reply.status == 503 and "waited too long" in reply.error()["message"]


def test_operators_caps(start_server, models):
    server = start_server(models["loop"], "--limit-max-tokens", 5, "--limit-n", 2, "--limit-logprobs", 3, "--quiet")
    reply = server.post("/v1/completions", {"prompt": "a", "max_tokens": 50, "temperature": 0})
    assert reply.json()["choices"][0]["text"] == "bcdef"
    for field in ({"n": 3}, {"logprobs": 4}, {"prompt_logprobs": 4}):
        reply = server.post("/v1/completions", {"prompt": "a", "temperature": 1, **field})
        assert reply.status == 400 and reply.error()["param"] in field and "on this server" in reply.error()["message"]


def test_keys_share_no_prefix(start_server, models):
    keys = ["--api-key", "one", "--api-key", "two", "--quiet"]
    cached = {}
    for name, flags in (("apart", keys), ("shared", [*keys, "--share-prefix-cache"])):
        server = start_server(models["loop"], *flags)
        for key in ("one", "two", "one"):
            body = {"prompt": "abcdefgh" * 40, "max_tokens": 1}
            usage = server.post("/v1/completions", body, {"X-Api-Key": key}).json()["usage"]
            cached.setdefault(name, []).append(usage["prompt_tokens_details"]["cached_tokens"] > 0)
    assert cached == {"apart": [False, False, True], "shared": [False, True, True]}


def test_the_log_names_who_asks_and_holds_no_forged_lines(start_server, models, tmp_path):
    key_file = tmp_path / "keys"
    key_file.write_text("# comment\nsecret # Ann\nother\n")
    server = start_server(models["loop"], "--api-key-file", key_file, "--trusted-proxy", "127.0.0.1", "--log-prompts")
    headers = {"X-Api-Key": "secret", "X-Forwarded-For": "1.1.1.1, 192.0.2.7"}
    body = b'{"prompt": "a",\n"max_tokens": 1, "x": "\x1b[2J\\ninfo: forged"}'
    assert server.post("/v1/completions", body, headers).status == 400  # a bare control character is no JSON
    assert server.post("/v1/completions", body.replace(b"\x1b", b""), headers).status == 200
    ask_raw(server, b"GET /a\x7f\x80info:forged HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    server.wait_for(r"192\.0\.2\.7 \(Ann\)")
    log = server.log()
    assert "secret" not in log and "\x1b" not in log.replace("\x1b[", "") and "\ninfo: forged" not in log and "1.1.1.1" not in log


def test_a_log_that_nobody_reads_stops_nothing(start_server, models, tmp_path):
    server = start_server(models["loop"])
    read, write = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as free:
        command = [*server.command, "--port", str(free.getsockname()[1])]
    process = subprocess.Popen(command, env=server.env, stdin=subprocess.DEVNULL, stderr=write)
    os.close(write)
    try:
        other = RunningServer.__new__(RunningServer)
        other.process, other.port = process, int(command[-1])
        deadline = time.monotonic() + 20
        while True:
            try:
                if other.get("/health").status == 200:
                    break
            except OSError:
                pass
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        for _ in range(700):  # 100 bytes a line: more than the pipe's 64 KB
            other.post("/v1/completions", {"prompt": "a", "temperature": 9})
        assert works(other)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        os.close(read)


def test_no_memory_is_a_refusal_not_an_end(models, tmp_path, start_server):
    """With little address space left, large requests are 503 and the next small one works."""
    base = start_server(models["loop"], "--quiet")
    assert works(base)  # now all its threads have what they need
    size = int(open(f"/proc/{base.process.pid}/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = size + (40 << 20)
    command = ["/bin/sh", "-c", f'ulimit -v {limit >> 10}; exec "$@"', "sh", *base.command, "--max-body-mb", "64", "--kv-blocks", "40"]
    server = RunningServer(command, base.env, tmp_path / "log.txt").start()
    try:
        large = b'{"prompt":[' + b",".join([b'"' + b"a" * 1000 + b'"'] * 30_000) + b"]}"
        statuses = set()
        for _ in range(5):
            try:
                statuses.add(status_of(ask_raw(server, raw_request("/v1/completions", large, "Connection: close"))))
            except (OSError, AssertionError):
                statuses.add(0)  # the connection was lost
            assert server.process.poll() is None, server.log()
        print(statuses)
        assert works(server)
    finally:
        server.stop()


def test_too_little_memory_to_start_is_one_line(models, tinyllm):
    """Wherever memory or threads run out while the server starts, it ends with a line that says so."""
    n_refused = 0
    for megabytes in range(60, 140, 8):
        serve = [str(BINARY), "serve", "-m", str(models["loop"]), "--port", "0", "--kv-blocks", "40", "--threads", "4"]
        command = ["timeout", "1", "/bin/sh", "-c", f'ulimit -v {megabytes << 10}; exec "$@"', "sh", *serve]
        done = subprocess.run(command, capture_output=True, text=True, env=tinyllm.env, check=False)
        assert done.returncode in (1, 124, 127), (megabytes, done)
        if done.returncode == 1:
            n_refused += 1
            assert done.stderr.startswith("tinyllm: ") and "internal" not in done.stderr, (megabytes, done.stderr)
    assert n_refused > 3


def test_signals_are_heard_under_attack(start_server, models):
    server = start_server(models["loop"], "--quiet", "--http-threads", 1)
    body = raw_request("/v1/completions", b"{" + b",".join(b'"k%d":1' % i for i in range(40_000)) + b"}")
    connections = [server.connect() for _ in range(40)]
    for connection in connections:
        connection.sendall(body)
    started = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=20)
    assert time.monotonic() - started < 3
    for connection in connections:
        connection.close()


def test_drain_answers_503(start_server, models):
    server = start_server(models["loop"], "--drain-seconds", 20)
    assert server.get("/ready").status == 200
    with server.connect() as stream:
        body = json.dumps({"prompt": "a", "max_tokens": 4000, "stream": True, "temperature": 1, "n": 40, "logprobs": 1}).encode()
        body = json.dumps({"prompt": "a", "max_tokens": 3500, "stream": True, "temperature": 0.1, "n": 10}).encode()
        stream.sendall(raw_request("/v1/completions", body))
        assert stream.recv(10).startswith(b"HTTP")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("shutting down: 10 running requests may finish")
        assert server.get("/ready").status == 503 and server.get("/health").status == 503
        reply = server.post("/v1/completions", COMPLETION)
        assert reply.status == 503 and reply.headers["retry-after"]
    assert server.process.wait(timeout=10) == 0


def test_sighup_reads_keys_anew(start_server, models, tmp_path):
    key_file = tmp_path / "keys"
    key_file.write_text("old\n")
    server = start_server(models["loop"], "--api-key-file", key_file)
    assert works(server, {"X-Api-Key": "old"})
    key_file.write_text("new\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("API keys and certificate are read anew")
    assert works(server, {"X-Api-Key": "new"}) and server.post("/v1/completions", COMPLETION, {"X-Api-Key": "old"}).status == 401
    key_file.write_text("")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("nothing is read anew: .*holds no key")
    assert works(server, {"X-Api-Key": "new"})


def make_certificate(folder, name):
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_tls_ends_properly_and_keeps_its_secrets_forward(start_server, models, tmp_path):
    certificate, key = make_certificate(tmp_path, "first")
    server = start_server(models["loop"], "--tls-cert", certificate, "--tls-key", key)

    def open_tls(change=lambda context: None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        change(context)
        return context.wrap_socket(server.connect(), suppress_ragged_eofs=False)

    with open_tls() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        data = b""
        while chunk := connection.recv(4096):  # without close_notify this raises SSLEOFError
            data += chunk
        assert data.startswith(b"HTTP/1.1 200")
        first = connection.getpeercert(binary_form=True)

    def only_rsa(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-GCM-SHA256:AES256-SHA")

    with pytest.raises((ssl.SSLError, ConnectionError)):
        open_tls(only_rsa)
    make_certificate(tmp_path, "second")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("read anew")
    with open_tls() as connection:
        assert connection.getpeercert(binary_form=True) != first


def test_hosts_of_an_open_address(start_server, models, tinyllm):
    server = start_server(models["loop"], "--host", "0.0.0.0", "--allowed-host", "llm.example", "--quiet")
    for host, status in (("127.0.0.1", 200), ("192.0.2.7:80", 200), ("llm.example", 200), ("evil.example", 403)):
        assert server.get("/health", headers={"Host": host}).status == status, host
    assert "--host is empty" in tinyllm.failure("serve", "-m", models["loop"], "--host", "", "--port", 0, code=2)


def test_head_of_a_body_too_large(server):
    assert status_of(ask_raw(server, head("/v1/completions", 10**12))) == 413

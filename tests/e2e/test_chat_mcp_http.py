"""chat --mcp over HTTP with servers that go wrong; good ones are in tests/mcp."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_chat_tools import call, write_model

INITIALIZED = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
RESULTS = {"initialize": INITIALIZED, "tools/list": {"tools": [{"name": "go", "inputSchema": {"type": "object"}}]}}


class Handler(BaseHTTPRequestHandler):
    """A server of one tool whose calls are answered by `on_call` of the test."""

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def result(self, result, **headers):
        message = {"jsonrpc": "2.0", "id": self.message["id"], "result": result}
        self.answer(200, json.dumps(message).encode(), **headers)

    def do_DELETE(self):
        self.server.seen.append(("DELETE", dict(self.headers)))
        self.answer(200, b"")

    def do_POST(self):
        self.message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = self.message.get("method", "reply")
        self.server.seen.append((method, dict(self.headers)))
        if "method" not in self.message:
            time.sleep(getattr(self.server, "reply_s", 0))
            self.answer(202, b"")
        elif "id" not in self.message:
            if method == "notifications/cancelled":
                self.server.has_ended_first = self.server.has_ended.wait(0.8)
            self.answer(202, b"")
        elif method == "tools/call":
            self.server.on_call(self)
        else:
            self.result(RESULTS[method], **({"mcp_session_id": "s-1"} if method == "initialize" else {}))


@pytest.fixture
def serve():
    servers = []

    def start(on_call):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.on_call, server.seen, server.has_ended = on_call, [], threading.Event()
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def talk(tinyllm, tmp_path, url, calls=1, **more):
    model = write_model(tmp_path / "model", *[[call("web_go", n=i)] for i in range(calls)], ["Done."])
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"web": {"url": url, "timeout": 2, **more}}}))
    done = tinyllm.run("chat", "-m", model, "--mcp", file, "--tools", "--allow-tool", "web_go", stdin="Go.\n", timeout=60)
    assert (done.returncode, done.stdout) == (0, b"Done.\n"), done
    return done.stderr.decode().splitlines()[1:]


def url_of(server):
    return f"http://127.0.0.1:{server.server_address[1]}/mcp"


def test_headers_and_the_session(tinyllm, tmp_path, serve):
    server = serve(lambda handler: handler.result({"content": [{"type": "text", "text": "fine"}]}))
    assert talk(tinyllm, tmp_path, url_of(server), headers={"Authorization": "Bearer KEY"}) == ["  = fine"]
    assert [method for method, _ in server.seen] == ["initialize", "notifications/initialized", "tools/list", "tools/call", "DELETE"]
    for method, headers in server.seen:
        assert headers["Authorization"] == "Bearer KEY" and headers["Accept"] == "application/json, text/event-stream"
        assert headers.get("Mcp-Session-Id") == (None if method == "initialize" else "s-1")
        assert headers.get("MCP-Protocol-Version") == (None if method == "initialize" else "2025-06-18")


def events(*messages):
    return lambda handler: handler.answer(200, "".join(f"event: message\ndata: {m}\n\n" for m in messages).encode(), "text/event-stream")


def endless(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b'data: {"jsonrpc": "2.0", "method": "notifications/message"}\n\n')
    except OSError:
        pass


def endless_line(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass


def asks_first(handler):
    """A request of the server in the stream, and the result once it is answered."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    handler.wfile.write(b'data: {"jsonrpc": "2.0", "id": 9, "method": "ping"}\n\n')
    end = time.monotonic() + 10
    while time.monotonic() < end and "reply" not in [method for method, _ in handler.server.seen]:
        time.sleep(0.02)
    result = {"jsonrpc": "2.0", "id": handler.message["id"], "result": {"content": [{"type": "text", "text": "asked"}]}}
    handler.wfile.write(f"data: {json.dumps(result)}\n\n".encode())


CALLS = {
    "asks first": (asks_first, ["  = asked"]),
    "refuses": (lambda h: h.answer(500, b"it broke\nat line 3"), ["  error: the server answers with HTTP status 500: 'it broke'"]),
    "redirects": (
        lambda h: h.answer(302, b"", location="http://127.0.0.1:1/"),
        ["  error: the server answers with HTTP status 302"],
    ),
    "is empty": (lambda h: h.answer(200, b""), ["  error: the server has ended its answer without a result"]),
    "ends its events": (events("{}"), ["  error: the server has ended its answer without a result"]),
    "is no JSON": (lambda h: h.answer(200, b"<html>"), ["  error: the server has ended its answer without a result"]),
    "closes": (lambda h: h.connection.close(), None),
    "is silent": (lambda h: time.sleep(8), ["  error: the server did not answer tools/call within 2 s"]),
    "floods": (endless, ["  error: the server did not answer tools/call within 2 s"]),
    "does not end a line": (endless_line, ["  error: the server sent a message of more than 16 MiB"]),
    "forgets": (
        lambda h: h.answer(404, b""),
        ["(MCP server 'web' has ended the session)", "  error: the server has ended the session"],
    ),
}


def floods_beside(handler):
    """A request of the server, and messages without end while its answer is posted."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    handler.wfile.write(b'data: {"jsonrpc": "2.0", "id": 9, "method": "ping"}\n\n')
    message = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 65536}}
    try:
        while True:
            handler.wfile.write(f"data: {json.dumps(message)}\n\n".encode())
    except OSError:
        pass


def test_messages_that_wait_are_bounded(tinyllm, tmp_path, serve):
    server = serve(floods_beside)
    server.reply_s = 4
    lines = talk(tinyllm, tmp_path, url_of(server), timeout=30)
    assert lines == ["  error: the server sent more than 32 MiB of messages at once"]


def test_a_call_that_timed_out_is_cancelled_after_its_stream_has_ended(tinyllm, tmp_path, serve):
    def silent(handler):
        handler.connection.settimeout(10)
        if handler.connection.recv(1) == b"":
            handler.server.has_ended.set()

    server = serve(silent)
    assert talk(tinyllm, tmp_path, url_of(server)) == ["  error: the server did not answer tools/call within 2 s"]
    assert server.has_ended_first


@pytest.mark.parametrize("kind", CALLS)
def test_what_comes_of_a_call(tinyllm, tmp_path, serve, kind):
    on_call, wanted = CALLS[kind]
    lines = talk(tinyllm, tmp_path, url_of(serve(on_call)))
    if wanted is None:
        assert len(lines) == 1 and lines[0].startswith("  error: the server cannot be reached: "), lines
    else:
        assert lines == wanted


def test_nobody_there(tinyllm, tmp_path, serve):
    server = serve(None)
    url = url_of(server)
    server.server_close()
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"web": {"url": url, "timeout": 2}}}))
    model = write_model(tmp_path / "model", ["Done."])
    done = tinyllm.run("chat", "-m", model, "--mcp", file, "-p", "Go.")
    assert done.stdout == b"Done.\n" and done.stderr.startswith(b"(MCP server 'web' cannot be reached: "), done

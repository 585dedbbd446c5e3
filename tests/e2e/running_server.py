"""A `tinyllm serve` process of its own for tests, and plain HTTP to it."""

import http.client
import json
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field


@dataclass
class Reply:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The error object of a refused request, whose shape is checked."""
        error = self.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}, error
        assert error["message"] and "\n" not in error["message"], error
        return error


@dataclass
class RunningServer:
    command: list
    env: dict
    log_path: object
    process: subprocess.Popen = field(init=False)
    port: int = field(init=False)

    def start(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*self.command, "--port", "0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env
            )
        self.port = int(self.wait_for(r"^serving .* on https?://\S+:(\d+) "))
        return self

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for(self, pattern, seconds=120):
        """The first group of a line of the log, which must come in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = re.search(pattern, self.log(), re.MULTILINE)
            if found:
                return found[1] if found.groups() else found[0]
            assert self.process.poll() is None, self.log()
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in the log:\n{self.log()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def request(self, method, path, body=None, headers=None, timeout=120):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, document, headers=None, **options):
        body = document if isinstance(document, (bytes, str)) else json.dumps(document)
        body = body.encode() if isinstance(body, str) else body
        return self.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})}, **options)

    def events(self, path, document, headers=None):
        """The data of every server-sent event of a streamed answer, [DONE] included as text."""
        reply = self.post(path, {**document, "stream": True}, headers)
        assert reply.status == 200, reply
        assert reply.headers["content-type"].startswith("text/event-stream")
        events = [event for event in reply.body.decode().split("\n\n") if event and not event.startswith(":")]
        data = [event.removeprefix("data: ") for event in events]
        return [text if text == "[DONE]" else json.loads(text) for text in data]

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        lines = self.get("/metrics").body.decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    def metric(self, name, **labels):
        """The sum of a metric's lines that carry these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = [v for k, v in self.metrics().items() if k.split("{")[0] == name and all(w in k for w in wanted)]
        assert found, name
        return sum(found)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def wait_until_idle(self, seconds=30):
        """No text runs or waits and every KV block is free."""
        names = ["vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"]
        deadline = time.monotonic() + seconds
        while any(self.metric(name) for name in names):
            assert time.monotonic() < deadline, {name: self.metric(name) for name in names}
            time.sleep(0.02)


def raw_request(path, body, *headers):
    """The bytes of a POST with a JSON body."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def read_until_closed(connection, seconds=60):
    connection.settimeout(seconds)
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    return data

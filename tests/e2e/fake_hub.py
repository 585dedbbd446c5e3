"""A Hugging Face hub on the loopback interface that behaves, or misbehaves as a test asks it to."""

import contextlib
import hashlib
import http.server
import json
import socket
import threading
import time
import urllib.parse

REVISION = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def silent_port():
    """A port of the loopback interface that lets nobody in: its queue is full, the kernel drops what comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


def git_blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class FakeHub:
    """`repos["ORG/REPO"]["file"] = bytes`. What is set on the hub holds from the next request on."""

    def __init__(self):
        self.repos = {}
        self.revision = REVISION  # the commit that "main" is
        self.older = {}  # other revisions (commits, branches): their repos
        self.requests = []  # (path, headers in lower case)
        self.token = None  # the one that a request must carry
        self.status = {}  # path of the URL: status to answer with instead
        self.headers = {}  # sent with every answer
        self.cut_after = {}  # file: [bytes of the body that each next request gets before the connection breaks]
        self.served = {}  # file: other bytes than the listed ones
        self.listed_bytes = {}  # file: another size than the true one; None: no size
        self.lists_digests = True
        self.bytes_per_second = None
        self.headers_per_second = None
        self.knows_ranges = True
        self.redirect_to = None  # address of the hub that has the large files
        self._server = None

    def __enter__(self):
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub._answer(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def file_requests(self, file=""):
        """The headers of each request for a file."""
        return [headers for path, headers in self.requests if "/resolve/" in path and path.endswith(file)]

    def _answer(self, request):
        path = urllib.parse.unquote(urllib.parse.urlsplit(request.path).path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((path, headers))
        request.close_connection = True
        try:
            if self.headers_per_second:
                self._trickle(request, b"HTTP/1.1 200 OK\r\n" + b"x-slow: yes\r\n" * 1000, self.headers_per_second)
            elif self.token and headers.get("authorization") != f"Bearer {self.token}":
                self._send(request, 401, json.dumps({"error": "Invalid username or password."}).encode())
            elif path in self.status:
                self._send(request, self.status[path], b"{}")
            elif path.startswith("/api/models/"):
                self._send_listing(request, path.removeprefix("/api/models/"))
            else:
                self._send_file(request, path, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client went away

    def _repos_at(self, revision):
        return self.repos if revision in ("main", self.revision) else self.older.get(revision, {})

    def _send_listing(self, request, path):
        repo, _, revision = path.partition("/revision/")
        repos = self._repos_at(revision or "main")
        if repo not in repos:
            return self._send(request, 404, json.dumps({"error": "Repository not found"}).encode())
        siblings = []
        for name, content in repos[repo].items():
            entry = {"rfilename": name}
            if (size := self.listed_bytes.get(name, len(content))) is not None:
                entry["size"] = size
            if self.lists_digests:
                entry["blobId"] = git_blob(content)
            if self.lists_digests and name.endswith((".gguf", ".safetensors")):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 135}
            siblings.append(entry)
        answer = {"id": repo, "sha": revision or self.revision, "siblings": siblings}
        self._send(request, 200, json.dumps(answer).encode())

    def _send_file(self, request, path, headers):
        repo, _, place = path.removeprefix("/").partition("/resolve/")
        known = (name for name in (self.revision, *self.older) if place.startswith(f"{name}/"))
        revision = next(known, place.partition("/")[0])
        file = place.removeprefix(f"{revision}/")
        content = self.served.get(file, self._repos_at(revision).get(repo, {}).get(file))
        if content is None:
            return self._send(request, 404, b"Entry not found")
        if self.redirect_to:
            return self._send(request, 302, b"", {"Location": self.redirect_to + request.path})
        begin = 0
        if self.knows_ranges and "range" in headers:
            begin = int(headers["range"].removeprefix("bytes=").removesuffix("-"))
        if begin >= len(content) > 0:
            return self._send(request, 416, b"")
        more = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"} if begin else {}
        cuts = self.cut_after.get(file)
        self._send(request, 206 if begin else 200, content[begin:], more, cuts.pop(0) if cuts else None)

    def _send(self, request, status, body, headers=(), cut=None):
        request.send_response(status)
        for name, value in {**self.headers, **dict(headers)}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        body = body[:cut]
        if self.bytes_per_second and "/resolve/" in request.path:
            self._trickle(request, body, self.bytes_per_second)
        else:
            request.wfile.write(body)

    @staticmethod
    def _trickle(request, data, per_second):
        step = max(1, per_second // 20)
        for begin in range(0, len(data), step):
            request.wfile.write(data[begin : begin + step])
            request.wfile.flush()
            time.sleep(step / per_second)

"""A server whose model says what a test wants: the page's files with the real server's headers, and a scripted API.

The last message decides the answer; see ANSWERS. Every request body is kept in `requests`.
"""

import http.server
import json
import threading
import time
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

XSS = (
    "Hello <script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
    "[link](javascript:window.hacked=3) <a href='javascript:window.hacked=4'>two</a>"
    "<svg onload='window.hacked = 5'></svg><iframe srcdoc='<script>parent.hacked = 6</script>'></iframe>"
    "<form action=/steal><input name=key></form><style>body { display: none }</style>"
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.hacked=7&gt;'>"
)
ANSWERS = {
    "markdown": "# Title\n\nSome **bold** text and `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\ndef f():\n    return 1\n```\n",
    "cut code": "Look:\n\n```python\ndef f():\n    # not a heading\n    return",
    "xss": XSS,
    "wide": "```\n" + "x" * 400 + "\n```\n\n" + "word" * 200,
    "math": "Euler: $e^{i\\pi} + 1 = 0$, and \\(a^2\\).\n\n$$\\int_0^1 \\frac{x}{2}\\,dx = \\sqrt{\\tfrac{1}{16}}$$\n\n"
    "\\[\n\\sum_{i=1}^{n} i\n\\]\n\nIt costs $5 and $6; `$x$` is code; $\\broken{$ is not.\n",
    "wait": ("The first half, ", "the second half."),
    "tasks": "- [x] measure\n- [ ] cut\n- plain\n",
    "table": "| " + " | ".join(f"column {i}" for i in range(12)) + " |\n" + "|---" * 12 + "|\n" + "| a value " * 12 + "|\n",
    "think": "<think>\nThe user wants **two**.\n</think>\n\nIt is two.",
    "think inside": "The prompt had opened it.\n</think>\n\nIt is three.",
}
PIECES = ["# A title", *(ANSWERS[name] for name in ("math", "tasks", "table", "wide"))]
PIECES += ["> A quote with a [link](https://example.org).", ANSWERS["markdown"]]
ANSWERS["everything"] = "\n\n".join([ANSWERS["think"], *PIECES])


class FakeServer:
    def __init__(self, api_key=None):
        self.requests, self.api_key, self.fail_with = [], api_key, None
        self.model = {"id": "toy", "object": "model", "max_model_len": 100}
        self.is_loading = False
        self.reasoning = ""  # what each answer begins with, apart from its text
        self.answers = dict(ANSWERS)  # a test may add its own
        # Deltas of answers with calls of tools, by what was asked; "approved" and "answered" by what came of a call. True: go_on
        # is waited for. The last is the reason to finish.
        self.scripts = {}
        self.go_on = threading.Event()  # what "wait" waits for in the middle of its answer
        self.n_disconnected = 0
        self.frames = None  # of /debug/state: a list to which a test may append; None: no debug views
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.get(self)

            def do_POST(self):
                fake.post(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 64  # a browser asks for all files of the page at once

        self.http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.go_on.set()
        self.http.shutdown()
        self.http.server_close()

    @staticmethod
    def reply(request, status, body, content_type="application/json", **headers):
        request.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": len(body), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def refuse(self, request, status, message):
        body = json.dumps({"error": {"message": message, "type": "error", "param": None, "code": None}})
        self.reply(request, status, body.encode())

    def allowed(self, request):
        if not self.api_key or request.headers.get("Authorization") == f"Bearer {self.api_key}":
            return True
        self.refuse(request, 401, "the API key is missing or wrong")
        return False

    def get(self, request):
        if request.path == "/v1/models":
            if self.is_loading:
                return self.refuse(request, 503, "the model is still loading")
            if self.allowed(request):
                model = dict(self.model)
                if self.frames is not None:
                    model["debug_views"] = True
                self.reply(request, 200, json.dumps({"object": "list", "data": [model]}).encode())
            return
        if request.path == "/debug/state" and self.frames is not None:
            if self.allowed(request):
                self.show_engine(request)
            return
        name = "index.html" if request.path == "/" else request.path.removeprefix("/web/")
        file = WEB / name
        if not file.is_file():
            return self.refuse(request, 404, f"no {request.path} here")
        kind = TYPES.get(file.suffix, "text/plain") + "; charset=utf-8"
        self.reply(request, 200, file.read_bytes(), kind, **{"Content-Security-Policy": POLICY})

    def begin_events(self, request):
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True

    def show_engine(self, request):
        """Every frame once, the ones that come later too, until the client leaves."""
        self.begin_events(request)
        n_sent = 0
        try:
            while True:
                for frame in self.frames[n_sent:]:
                    request.wfile.write(f"data: {json.dumps(frame)}\n\n".encode())
                    n_sent += 1
                request.wfile.write(b": ping\n\n")
                request.wfile.flush()
                time.sleep(0.02)
        except OSError:
            self.n_disconnected += 1

    def post(self, request):
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.requests.append(body)
        if not self.allowed(request):
            return
        if self.is_loading:
            return self.refuse(request, 503, "the model is still loading")
        if self.fail_with:
            return self.refuse(request, *self.fail_with)
        self.begin_events(request)
        try:
            self.stream(request.wfile, body)
        except OSError:
            self.n_disconnected += 1

    def script_of(self, body):
        last = body["messages"][-1]
        if body.get("tool_approvals"):
            return self.scripts["approved"]
        return self.scripts.get("answered" if last["role"] == "tool" else last["content"])

    def stream(self, out, body):
        asked = body["messages"][-1]["content"]
        script = self.script_of(body)
        sent = 0

        def event(data):
            out.write(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode())
            out.flush()

        def usage():
            return {"prompt_tokens": 20, "completion_tokens": sent, "total_tokens": 20 + sent}

        def delta(**content):
            nonlocal sent
            sent += bool(content.get("content"))
            event({"choices": [{"index": 0, "delta": content, "finish_reason": None}], "usage": usage()})

        delta(role="assistant", content="")
        if self.reasoning:
            delta(reasoning_content=self.reasoning)
        if body.get("continue_final_message"):
            delta(content="and the rest.")
        elif asked == "slow":
            for i in range(2000):
                delta(content=f"word{i} ")
                time.sleep(0.01)
        elif asked == "wait":
            first, second = self.answers["wait"]
            delta(content=first)
            self.go_on.wait(20)
            delta(content=second)
        elif asked == "hang up":
            return delta(content="Half of it, ")
        elif script:
            for step in script[:-1]:
                if step is True:
                    while not self.go_on.wait(0.05):
                        out.write(b": ping\n\n")  # fails where the page has left
                        out.flush()
                else:
                    delta(**step)
        elif asked == "broken":
            delta(content="Half an ans")
            return event({"error": {"message": "the engine stopped", "type": "server_error"}})
        else:
            answer = self.answers.get(asked, f"You said: {asked}")
            for i in range(0, len(answer), max(7, len(answer) // 50)):
                delta(content=answer[i : i + max(7, len(answer) // 50)])
        time.sleep(0.01)  # else all of it is one piece, and nobody can say how fast it came
        reason = script[-1] if script else "length" if asked == "cut" else "stop"
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage()})
        event({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}})
        event("[DONE]")

"""The engine made visible: /debug/state, --trace, and what happens when their disk is full."""

import json
import os
import signal
import subprocess
import threading

import pytest
from conftest import BINARY

BLOCK = 16
WATCHED = ["--max-num-seqs", 3, "--kv-blocks", 200, "--block-size", BLOCK, "--debug-views"]


class Watcher:
    """Reads frames of /debug/state."""

    def __init__(self, server, headers=()):
        self.connection = server.connect()
        lines = ["GET /debug/state HTTP/1.1", "Host: localhost", *headers, "", ""]
        self.connection.sendall("\r\n".join(lines).encode())
        self.lines = self.connection.makefile("rb")
        self.status = int(self.lines.readline().split()[1])

    def frame(self):
        """The next frame; fails when none comes within the socket's timeout."""
        while True:
            line = self.lines.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return json.loads(line.removeprefix(b"data: "))

    def frames_until(self, wanted):
        frames = [self.frame()]
        while not wanted(frames[-1]):
            frames.append(self.frame())
            assert len(frames) < 500, "none of 500 frames is the wanted one"
        return frames

    def frames_of(self, server, body, name, wanted):
        """Frames while `body` is asked for again and again, until one is the wanted one, and on to the end of it all."""
        seen = threading.Event()

        def ask():
            while not seen.is_set():
                assert server.post("/v1/completions", body, {"X-Request-Id": name}).status == 200

        client = threading.Thread(target=ask)
        client.start()
        try:
            frames = self.frames_until(wanted)
        finally:
            seen.set()
            client.join()
        n_steps = server.metric("tinyllm:steps_total")
        done = lambda frame: frame["step"] == n_steps and not frame["lanes"]  # noqa: E731
        return frames if done(frames[-1]) else frames + self.frames_until(done)

    def close(self):
        self.lines.close()
        self.connection.close()


def blocks_held(frame, lane):
    return sum(n for holder, n in frame["kv"]["map"] if holder == lane)


def check(frame):
    """What must hold in every frame."""
    kv = frame["kv"]
    assert kv["n_blocks"] == 200 == kv["n_free"] + kv["n_cached"] + kv["n_used"] == sum(n for _, n in kv["map"])
    assert blocks_held(frame, -1) == kv["n_free"] and blocks_held(frame, -2) == kv["n_cached"]
    assert sum(n for holder, n in kv["map"] if holder >= 0 or holder == -3) == kv["n_used"]
    for i, lane in enumerate(frame["lanes"]):
        assert lane["n_blocks"] == -(-max(lane["n_computed"], lane["n_prompt"]) // BLOCK)
        assert 0 <= lane["n_cached"] <= lane["n_prompt"] and lane["n_generated"] <= lane["max_generated"]
        if blocks_held(frame, -3) == 0:
            assert blocks_held(frame, i) == lane["n_blocks"]
    assert frame["drafts"] == {"n": 0, "accepted_at": [0] * 16}
    assert frame["rows"] == 3 >= len(frame["lanes"])


def test_debug_state_shows_a_request_block_by_block(start_server, models):
    server = start_server(models["loop"], *WATCHED, "--speculate", "off")  # a token a step
    watcher = Watcher(server)
    idle = watcher.frame()
    check(idle)
    assert idle["lanes"] == [] and idle["queue"] == {"n": 0, "first": []} and idle["kv"]["map"] == [[-1, 200]]

    body = {"prompt": "x" * 40, "max_tokens": 1000, "temperature": 0}
    frames = watcher.frames_of(server, body, "seen-1", lambda frame: frame["lanes"])
    running = [frame["lanes"][0] for frame in frames if frame["lanes"]]
    for frame in frames:
        check(frame)
    for lane in running:
        assert (lane["request"], lane["choice"], lane["n_prompt"], lane["max_generated"]) == ("seen-1", 0, 40, 1000)
        assert lane["state"] == "decode" or lane["n_computed"] <= 40
        assert lane["n_computed"] == 40 + lane["n_generated"] - 1 or lane["n_generated"] == 0
    # Free again; the full blocks of 40 + 999 computed tokens stay findable.
    assert frames[-1]["kv"] | {"map": 0} == idle["kv"] | {"map": 0, "n_free": 200 - 64, "n_cached": 64}
    assert frames[-1]["steps"][-1][1:3] == [0, 1] and len(frames[-1]["steps"]) == 120
    watcher.close()


def test_debug_state_shows_rows_and_queue(start_server, models):
    server = start_server(models["loop"], *WATCHED, "--speculate", "off")
    watcher = Watcher(server)
    watcher.frame()
    body = {"prompt": "ab", "n": 5, "max_tokens": 600, "temperature": 0.1, "ignore_eos": True}
    frames = watcher.frames_of(server, body, "five", lambda frame: frame["queue"]["n"] == 2)
    full = [frame for frame in frames if frame["queue"]["n"] == 2]
    for frame in full:
        check(frame)
        for key in ("row", "choice"):
            assert sorted(lane[key] for lane in frame["lanes"]) == [0, 1, 2]
        assert [(it["request"], it["choice"], it["n_prompt"]) for it in frame["queue"]["first"]] == [("five", 3, 2), ("five", 4, 2)]
    watcher.close()
    server.wait_until_idle()


def test_debug_state_is_off_unless_asked_for_and_needs_the_key(start_server, models, fine_server):
    reply = fine_server.get("/debug/state")
    assert reply.status == 404 and "--debug-views" in reply.error()["message"]
    assert "debug_views" not in fine_server.get("/v1/models").json()["data"][0]
    server = start_server(models["fine"], "--debug-views", "--api-key", "k")
    key = {"Authorization": "Bearer k"}
    assert server.get("/v1/models", headers=key).json()["data"][0]["debug_views"] is True
    refused, allowed = Watcher(server), Watcher(server, ["Authorization: Bearer k"])
    assert (refused.status, allowed.status) == (401, 200)
    assert server.request("HEAD", "/debug/state", headers=key).status == 200
    more = [Watcher(server, ["Authorization: Bearer k"]) for _ in range(8)]
    assert sorted(watcher.status for watcher in more) == [200] * 7 + [429]
    frame = allowed.frame()
    assert "Hello" not in json.dumps(frame) and frame["step"] == 0
    for watcher in [refused, allowed, *more]:
        watcher.close()
    server.stop()  # watchers do not keep it
    assert server.process.returncode == 0


def read_trace(path, whole):
    text = path.read_text()
    assert text.endswith("\n]\n") == whole
    if whole:
        return json.loads(text)
    # The last event may be cut: the kernel ends a write of many pages between two of them when the program is killed.
    return json.loads(text[: text.rindex("\n")].rstrip(",") + "]")


def test_trace_of_steps_and_requests(start_server, models, tmp_path):
    trace = tmp_path / "trace.json"
    server = start_server(models["loop"], "--trace", trace)
    body = {"prompt": "x" * 40, "max_tokens": 5, "temperature": 0}
    assert server.post("/v1/completions", body, {"X-Request-Id": "traced"}).status == 200
    server.stop()
    events = read_trace(trace, whole=True)
    steps = [event["args"] for event in events if event["name"] == "step"]
    counts = [(step["n_prefill"], step["n_decode"]) for step in steps]
    assert counts == [(40, 0), (0, 1), (0, 1), (0, 1), (0, 1)]
    spans = [(event["ph"], event["name"]) for event in events if event.get("cat") == "text"]
    phases = [("queued"), ("prefill"), ("decode")]
    assert spans == [("b", "traced"), *((ph, name) for name in phases for ph in "be"), ("e", "traced")]
    assert events[-1]["ts"] > 0 and "x" * 10 not in trace.read_text()


def test_a_killed_server_leaves_a_readable_trace(start_server, models, tmp_path):
    trace = tmp_path / "trace.json"
    server = start_server(models["loop"], "--trace", trace)
    body = {"prompt": "abc", "max_tokens": 3000, "temperature": 0, "stream": True}
    client = threading.Thread(target=lambda: pytest.raises(Exception, server.post, "/v1/completions", body))
    client.start()
    while trace.stat().st_size < 20000:
        assert server.process.poll() is None
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    client.join()
    events = read_trace(trace, whole=False)
    assert sum(event["name"] == "step" for event in events) > 10


def test_full_disks_for_trace_and_log(tmp_path, models):
    """/dev/full takes nothing: one clear line each, and the server serves on."""
    from conftest import Tinyllm
    from running_server import RunningServer

    command = [str(BINARY), "--verbose", "--log-file", "/dev/full", "serve", "-m", str(models["loop"]), "--trace", "/dev/full"]
    server = RunningServer(command, Tinyllm(tmp_path).env, tmp_path / "log.txt").start()
    try:
        for _ in range(3):
            body = {"prompt": "a", "max_tokens": 3, "temperature": 0}
            assert server.post("/v1/completions", body).json()["choices"][0]["text"] == "bcd"
        for flag in ("--trace", "--log-file"):
            assert server.wait_for(f"({flag} /dev/full: cannot be written .No space left on device.)")
    finally:
        server.stop()
    assert server.log().count("cannot be written") == 2
    assert server.process.returncode == 0
    missing = subprocess.run([str(BINARY), "serve", "--trace", str(tmp_path / "no/such/folder"), "-m", "x"], capture_output=True)
    assert missing.returncode == 1 and b"--trace" in missing.stderr and os.strerror(2).encode() in missing.stderr

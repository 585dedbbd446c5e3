"""chat and serve with --mcp against the official Python package, over stdio and both kinds of streamable HTTP."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_model
from running_server import raw_request

pytest.importorskip("mcp", reason="LACKS the package mcp: ./tiny test --all installs it into build/python")

SERVER = Path(__file__).with_name("tool_server.py")
TEMPLATE = (
    "{% set ns = namespace(n=1) %}{% if tools %}<tool_call>{{ tools | tojson }}{% endif %}"
    "{% for m in messages %}{{ m.content }}\n{% if m.role == 'tool' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}{{ ns.n }}"
)


def call(name, **arguments):
    return "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"


def flags_for(tmp_path, server, *calls):
    """A model that makes these calls one after another, and these tools, which run unasked."""
    chain, words = toy_model.say({str(i + 1): [text] for i, text in enumerate([*calls, "Done."])})
    model = toy_model.write_folder(tmp_path / "model", chain, template=TEMPLATE, words=words)
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"my tests": server}}))
    allowed = [flag for name in ("add", "shout", "refuse", "sleep") for flag in ("--allow-tool", f"my_tests_{name}")]
    return model, ["--mcp", file, *allowed]


def talk(tinyllm, tmp_path, server, *calls, flags=()):
    """(stdout, stderr) of a talk in which the model makes these calls one after another."""
    model, allowed = flags_for(tmp_path, server, *calls)
    done = tinyllm.run("chat", "-m", model, *allowed, *flags, stdin="Go.\n", timeout=120)
    assert done.returncode == 0, done
    return done.stdout.decode(), done.stderr.decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["stdio", "json", "events"])
def server(request):
    if request.param == "stdio":
        yield {"command": sys.executable, "args": [str(SERVER), "stdio"], "timeout": 30}
        return
    port = free_port()
    command = [sys.executable, str(SERVER), request.param, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield {"url": f"http://127.0.0.1:{port}/mcp", "timeout": 30}
        process.terminate()


def test_tools_run(tinyllm, tmp_path, server):
    calls = [call("my_tests_add", a=40, b=2), call("my_tests_shout", text="é!"), call("my_tests_refuse")]
    out, err = talk(tinyllm, tmp_path, server, *calls)
    assert out == "Done.\n"
    lines = err.splitlines()
    assert lines[:4] == ['  my_tests_add {"a": 40, "b": 2}', "  = 42", '  my_tests_shout {"text": "\\u00e9!"}', "  = É!"], err
    assert lines[4] == "  my_tests_refuse {}" and lines[5].startswith("  error: ") and "no luck today" in err


def test_a_slow_call_is_given_up(tinyllm, tmp_path, server):
    started = time.monotonic()
    # The limit holds for the server's start as well, which takes a second or more.
    out, err = talk(tinyllm, tmp_path, {**server, "timeout": 12}, call("my_tests_sleep", seconds=120))
    assert out == "Done.\n" and "  error: the server did not answer tools/call within 12 s" in err, err
    assert time.monotonic() - started < 100


def test_tools_run_in_the_server(start_server, tmp_path, server):
    calls = [call("my_tests_add", a=40, b=2), call("my_tests_shout", text="é!"), call("my_tests_refuse")]
    model, allowed = flags_for(tmp_path, server, *calls)
    running = start_server(model, *allowed)
    asked = {"messages": [{"role": "user", "content": "Go."}], "tools": [{"type": "mcp", "server_label": "my tests"}]}
    for _ in range(3):
        choice = running.post("/v1/chat/completions", asked).json()["choices"][0]
        results = [message["content"] for message in choice["messages"] if message["role"] == "tool"]
        assert results[:2] == ["42", "É!"] and results[2].startswith("error: ") and "no luck today" in results[2], results
        assert (choice["message"]["content"], choice["finish_reason"]) == ("Done.", "stop")
    assert running.metric("tinyllm:tool_calls_total") == 9 and running.metric("tinyllm:tool_call_failures_total") == 3


def test_a_client_that_leaves_cancels_at_the_server(start_server, tmp_path, server):
    model, allowed = flags_for(tmp_path, server, call("my_tests_sleep", seconds=30))
    running = start_server(model, *allowed)
    asked = {"messages": [{"role": "user", "content": "Go."}], "tools": [{"type": "mcp"}], "stream": True}
    with running.connect() as connection:
        connection.sendall(raw_request("/v1/chat/completions", json.dumps(asked).encode()))
        data = b""
        while b"my_tests_sleep" not in data:
            data += connection.recv(4096)
        time.sleep(0.5)
    running.wait_for("client left", seconds=5)
    started = time.monotonic()  # its thread is free again, and the server of tools as well
    other = {"id": "c1", "type": "function", "function": {"name": "my_tests_add", "arguments": '{"a": 1, "b": 2}'}}
    messages = [*asked["messages"], {"role": "assistant", "content": "", "tool_calls": [other]}]
    choice = running.post("/v1/chat/completions", {**asked, "stream": False, "messages": messages, "tool_choice": "auto"}).json()["choices"][0]
    assert choice["messages"][0]["content"] == "3" and time.monotonic() - started < 10

"""chat --mcp with servers that go wrong, none of which may take the talk with it; good ones are in tests/mcp."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
import toy_model
from conftest import BINARY
from terminal import Terminal
from test_chat_tools import call, write_model

HOSTILE = Path(__file__).with_name("hostile_mcp.py")


def config(tmp_path, *kinds, **more):
    file = tmp_path / "mcp.json"
    servers = {kind: {"command": sys.executable, "args": [str(HOSTILE), kind], "timeout": 2, **more} for kind in kinds}
    file.write_text(json.dumps({"mcpServers": servers}))
    return file


def talk(tinyllm, tmp_path, *kinds, tool=None, calls=1, **more):
    """The lines on stderr of a talk in which the model calls a tool, of the first server if none is named."""
    tool = tool or f"{kinds[0]}_go"
    answers = [[call(tool, **({} if tool == "date_time" else {"n": i}))] for i in range(calls)] + [["Done."]]
    model = write_model(tmp_path / "model", *answers)
    started = time.monotonic()
    done = tinyllm.run("chat", "-m", model, "--tools", "--mcp", config(tmp_path, *kinds, **more), "--allow-tool", tool, stdin="Go.\n")
    assert (done.returncode, done.stdout) == (0, b"Done.\n"), done
    assert time.monotonic() - started < 15
    return done.stderr.decode().splitlines()


BROKEN = {
    "dead": "(MCP server 'dead' has ended with exit code 1: 'no key is set')",
    "mute": "(MCP server 'mute' did not answer initialize within 2 s)",
    "garbage": "(MCP server 'garbage' says '{\"jsonrpc\": \"2.0\", \"id\": 1, ', which is not the protocol)",
    "future": "(MCP server 'future' speaks revision '1999-01-01' of the protocol, which is not known here)",
    "wrong id": "(MCP server 'wrong id' did not answer initialize within 2 s)",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_server_that_does_not_start_is_told_and_left_out(tinyllm, tmp_path, kind):
    lines = talk(tinyllm, tmp_path, kind, "fine", tool="fine_go")
    assert lines == [BROKEN[kind], '  fine_go {"n": 0}', "  = gone well"]


def test_a_program_that_is_not_there(tinyllm, tmp_path):
    lines = talk(tinyllm, tmp_path, "dead", tool="date_time", command="no-such-program")
    assert lines[0] == "(MCP server 'dead' has not started: there is no program 'no-such-program')"


CALLS = {
    "fine": ["  = gone well"],
    "asks": ["  = gone well"],
    "noise": ["  = gone well"],
    "blank": ["  = gone well"],
    "dies": ["(MCP server 'dies' has ended with exit code 3: 'out of luck')", "  error: the server has ended with exit code 3: 'out of luck'"],
    "silent": ["  error: the server did not answer tools/call within 2 s"],
    "floods": ["  error: the server did not answer tools/call within 2 s"],
    "long": ["(MCP server 'long' sent a line of more than 16 MiB)", "  error: the server sent a line of more than 16 MiB"],
    "refuses": ["  error: the server refuses tools/call: 'not \\x1b[31mthis'"],
    "parts": ["  = one ?[31m", "  [image, image/png, which cannot be shown]", "  [a part, , which cannot be shown]", "  two"],
}


@pytest.mark.parametrize("kind", CALLS)
def test_what_comes_of_a_call(tinyllm, tmp_path, kind):
    assert talk(tinyllm, tmp_path, kind) == [f'  {kind}_go {{"n": 0}}', *CALLS[kind]]


def test_a_server_that_died_is_told_once_and_the_others_live(tinyllm, tmp_path):
    lines = talk(tinyllm, tmp_path, "dies", "fine", calls=2)
    assert sum("(MCP server" in line for line in lines) == 1
    assert lines[-1] == "  error: the server has ended with exit code 3: 'out of luck'"


def test_a_huge_result_is_cut(tinyllm, tmp_path):
    lines = talk(tinyllm, tmp_path, "huge")
    assert lines[1].startswith("  = yyyy") and len(lines[1]) < 3000 and lines[2].endswith(" bytes are left out here ...]")


def test_pages_of_tools(tinyllm, tmp_path):
    assert talk(tinyllm, tmp_path, "pages", tool="pages_p4")[-1] == "  = gone well"
    # A cursor that comes again is the last.
    assert "there are" in tinyllm.failure("chat", "-m", tmp_path / "model", "--mcp", config(tmp_path, "endless"), "--allow-tool", "x", "-p", "x", code=2)


def named_config(tmp_path, **kinds):
    file = tmp_path / "mcp.json"
    servers = {name: {"command": sys.executable, "args": [str(HOSTILE), kind], "timeout": 2} for name, kind in kinds.items()}
    file.write_text(json.dumps({"mcpServers": servers}))
    return file


def refusal_of(tinyllm, tmp_path, file):
    """(lines before, names of the tools there are), as --allow-tool tells them."""
    done = tinyllm.run("chat", "-m", tmp_path / "none", "--mcp", file, "--allow-tool", "x", "-p", "x")
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2 and lines[-1].startswith("tinyllm: --allow-tool x: there is no such tool; there are ")
    return lines[:-1], lines[-1].split("there are ")[1].split("; see")[0].split(", ")


def test_ten_thousand_tools(tinyllm, tmp_path):
    lines, names = refusal_of(tinyllm, tmp_path, config(tmp_path, "many"))
    assert lines == ["(MCP server 'many': 9488 of its tools cannot be used and are left out)"] and len(names) == 512


def test_names_become_names(tinyllm, tmp_path):
    lines, names = refusal_of(tinyllm, tmp_path, config(tmp_path, "names"))
    assert names == ["names_qu_ote", "names___im_end__", "names_new_line", "names___", ("names_" + "x" * 200)[:64], "names_ok"]
    assert lines == ["(MCP server 'names': 6 of its tools cannot be used and are left out)"]


def test_no_server_takes_the_name_of_another(tinyllm, tmp_path):
    meant = "(MCP servers 'db' and 'db_admin' could both be meant by db_admin_go, which cannot be called)"
    assert refusal_of(tinyllm, tmp_path, named_config(tmp_path, db="other", db_admin="fine")) == ([meant], ["db_own"])
    lines, names = refusal_of(tinyllm, tmp_path, named_config(tmp_path, db="other", db_admin="dead"))
    assert lines == [BROKEN["dead"].replace("'dead'", "'db_admin'"), meant] and names == ["db_own"]
    # The other way round nobody is harmed, and the order is that of the file.
    lines, names = refusal_of(tinyllm, tmp_path, named_config(tmp_path, zeta="fine", db_admin="fine", db="dead", alpha="fine"))
    assert len(lines) == 1 and names == ["zeta_go", "db_admin_go", "alpha_go"]


def test_a_tool_that_is_allowed_and_its_server_does_not_start(tinyllm, tmp_path):
    model = toy_model.write_folder(tmp_path / "model", toy_model.spell("Fine"))
    done = tinyllm.run("chat", "-m", model, "--tools", "--mcp", config(tmp_path, "dead"), "--allow-tool", "dead_go", "-p", "x")
    assert done.stdout == b"Fine\n", done
    assert done.stderr.decode().splitlines() == [BROKEN["dead"], "(--allow-tool dead_go: its server cannot be used)"]


def test_a_list_of_tools_that_fills_the_context_is_left_out(tinyllm, tmp_path):
    model = write_model(tmp_path / "model", ["Done."])
    file = named_config(tmp_path, wordy="wordy", fine="fine")
    done = tinyllm.run("chat", "-m", model, "--mcp", file, "--context", "1024", stdin="/tools\nGo.\n")
    lines = done.stderr.decode().splitlines()
    assert done.stdout == b"Done.\n" and [line.split()[0] for line in lines[1:]] == ["fine_go"], done
    assert lines[0].startswith("(MCP server 'wordy': its list of 3 tools is too long for the context, ")


def test_children_end_with_the_program(tinyllm, tmp_path):
    stubborn = tmp_path / "stubborn.sh"
    stubborn.write_text(f"trap '' TERM\nsleep 300 & echo $! > {tmp_path}/pid\n{sys.executable} {HOSTILE} fine\nwait\n")
    model = write_model(tmp_path / "model", [call("s_go")], ["Done."])
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"s": {"command": "sh", "args": [str(stubborn)], "timeout": 5}}}))
    started = time.monotonic()
    done = tinyllm.run("chat", "-m", model, "--mcp", file, "--allow-tool", "s_go", "-p", "Go.")
    assert done.stdout == b"Done.\n" and b"= gone well" in done.stderr, done
    assert time.monotonic() - started < 10
    pid = int((tmp_path / "pid").read_text())
    assert not os.path.exists(f"/proc/{pid}") or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_ctrl_c_stops_a_call_and_not_the_server(tinyllm, tmp_path):
    model = write_model(tmp_path / "model", [call("silent_go")], ["Done."])
    command = [BINARY, "chat", "-m", model, "--mcp", config(tmp_path, "silent", timeout=60), "--allow-tool", "silent_go"]
    terminal = Terminal(command, tinyllm.env)
    try:
        terminal.wait_for("> ")
        terminal.type("Go.\n")
        terminal.wait_for("silent_go {}\n")
        terminal.type("\x03")
        terminal.wait_for("error: the server was stopped by the user\n", timeout=5)
        terminal.wait_for("stopped")
        terminal.wait_for("> ")
        terminal.type("And now?\n")
        assert "MCP server" not in terminal.wait_for("Done.\n")
        terminal.wait_for("> ")
        terminal.type("\x04")
        assert terminal.exit_code(timeout=10) == 0
    finally:
        terminal.close()


BAD_FILES = {
    "": "not JSON",
    "[]": "must be an object",
    "{}": 'must be an object with "mcpServers", an object',
    '{"mcpServers": []}': 'must be an object with "mcpServers", an object',
    '{"mcpServers": {"a": 3}}': "mcpServers.a is 3, must be an object",
    '{"mcpServers": {"a": {}}}': "must be an object with either a command or a url",
    '{"mcpServers": {"a": {"command": "x", "url": "http://x"}}}': "must be an object with either a command or a url",
    '{"mcpServers": {"a": {"command": 3}}}': "mcpServers.a.command is 3, must be a string",
    '{"mcpServers": {"a": {"command": ""}}}': "must be the name of a program",
    '{"mcpServers": {"a": {"command": "x", "args": "y"}}}': "mcpServers.a.args is 'y', must be an array",
    '{"mcpServers": {"a": {"command": "x", "args": [1]}}}': "mcpServers.a.args[0] is 1, must be a string",
    '{"mcpServers": {"a": {"command": "x", "env": {"K": 1}}}}': "mcpServers.a.env.K is 1, must be a string",
    '{"mcpServers": {"a": {"url": "ftp://x"}}}': "must be an address that begins with http:// or https://",
    '{"mcpServers": {"a": {"command": "x", "timeout": 0}}}': "must be a number of seconds up to 3600",
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_bad_file_gets_one_clear_line(tinyllm, tmp_path, text):
    file = tmp_path / "mcp.json"
    file.write_text(text)
    message = tinyllm.failure("chat", "-m", tmp_path / "none", "--mcp", file, "-p", "x")
    assert BAD_FILES[text] in message and "mcp.json" in message, message


def test_files_without_use(tinyllm, tmp_path):
    assert "mcp.json" in tinyllm.failure("chat", "-m", tmp_path / "none", "--mcp", tmp_path / "mcp.json", "-p", "x")
    file = config(tmp_path, "dead", disabled=True)
    model = toy_model.write_folder(tmp_path / "model", toy_model.spell("Fine"))
    assert tinyllm.text("chat", "-m", model, "--mcp", file, "-p", "x") == "Fine\n"

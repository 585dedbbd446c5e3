"""chat --tools: calls are shown, asked for and run; on toy models that say fixed texts, and on Qwen2.5-Coder with --long."""

import json
import os

import pytest
import toy_model
from conftest import BINARY, real_home
from terminal import Terminal

QWEN_FILE = "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"
CTRL_C, CTRL_D = "\x03", "\x04"
# Ends with the number of tool results so far, which decides what the toy says.
TEMPLATE = (
    "{% if tools %}Write <tool_call>.\n{% endif %}{% set ns = namespace(n=1) %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<tool_call>{{ call.function.name }} {{ call.function.arguments | tojson }}"
    "</tool_call>{% endfor %}<|im_end|>\n{% if m.role == 'tool' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{{ ns.n }}{% endif %}"
)


def call(name, **arguments):
    return "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"


def write_model(folder, *answers):
    """A model whose n-th answer follows n - 1 results of tools."""
    chain, words = toy_model.say({str(i + 1): parts for i, parts in enumerate(answers)})
    return toy_model.write_folder(folder, chain, template=TEMPLATE, words=words)


@pytest.fixture(scope="session")
def counter(tmp_path_factory):
    first = ["I count.\n", call("calculator", expression="12 * 13").replace('{"expression": ', '{"expression":\n    ')]
    return write_model(tmp_path_factory.mktemp("tools") / "counter", first, [call("calculator", expression="1 / 0")], ["156, ", "and no."])


def talk(tinyllm, model, *flags, lines=("How many?",)):
    """(stdout, stderr) of a talk over a pipe."""
    done = tinyllm.run("chat", "-m", model, *flags, stdin="\n".join(lines) + "\n")
    assert done.returncode == 0, done
    return done.stdout.decode(), done.stderr.decode()


def test_an_allowed_tool_runs(tinyllm, counter):
    out, err = talk(tinyllm, counter, "--tools", "--allow-tool", "calculator")
    assert out == "I count.\n156, and no.\n"
    assert err.splitlines() == [
        '  calculator {"expression": "12 * 13"}', "  = 156",
        '  calculator {"expression": "1 / 0"}', "  error: at 6 of '1 / 0': a division by zero",
    ]  # fmt: skip


def test_off_a_terminal_nothing_else_runs(tinyllm, counter):
    out, err = talk(tinyllm, counter, "--tools", "--allow-tool", "date_time")
    assert out == "I count.\n156, and no.\n"
    assert err.count("(not run: there is nobody to ask; --allow-tool calculator allows it)") == 2 and "= 156" not in err
    once = tinyllm.run("chat", "-m", counter, "--tools", "-p", "How many?")
    assert once.stdout == b"I count.\n156, and no.\n" and once.stderr.count(b"nobody to ask") == 2


def test_the_talk_keeps_calls_and_results(tinyllm, counter, tmp_path):
    file = tmp_path / "talk.json"
    talk(tinyllm, counter, "--tools", "--allow-tool", "calculator", lines=["How many?", f"/save {file}"])
    messages = json.loads(file.read_text())["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert messages[1]["content"] == "I count." and messages[-1]["content"] == "156, and no."
    function = messages[1]["tool_calls"][0]["function"]
    assert function == {"name": "calculator", "arguments": {"expression": "12 * 13"}}
    assert messages[2]["tool_call_id"] == messages[1]["tool_calls"][0]["id"]
    assert (messages[2]["content"], messages[4]["content"]) == ("156", "error: at 6 of '1 / 0': a division by zero")
    # A talk that goes on has them in its prompt: two results before, so the toy says its third answer at once.
    out, _ = talk(tinyllm, counter, "--tools", lines=[f"/load {file}", "And now?"])
    assert out == "156, and no.\n"
    saved = tmp_path / "again.json"
    talk(tinyllm, counter, lines=[f"/load {file}", f"/save {saved}"])
    assert json.loads(saved.read_text())["messages"] == messages
    # Asked again, the question has lost its calls.
    out, _ = talk(tinyllm, counter, "--tools", lines=[f"/load {file}", "/regen"])
    assert out == "I count.\n156, and no.\n"


def test_a_saved_talk_keeps_large_whole_numbers(tinyllm, tmp_path):
    arguments = {"path": "a", "first_line": 123456789012345678901234567890}
    model = write_model(tmp_path / "model", [call("read_file", **arguments)], ["Done."])
    files = tmp_path / "talk.json", tmp_path / "again.json"
    lines = ["Go.", f"/save {files[0]}", f"/load {files[0]}", f"/save {files[1]}"]
    talk(tinyllm, model, "--tools-folder", tmp_path, "--allow-tool", "read_file", lines=lines)
    for file in files:
        saved = json.loads(file.read_text())
        assert saved["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments
        assert file.read_text() == json.dumps(saved, indent=2) + "\n"


@pytest.mark.parametrize("break_it", [lambda m: m[1].pop("tool_calls"), lambda m: m.pop(2), lambda m: m.pop(), lambda m: m[1].update(tool_calls=[3])])
def test_a_talk_whose_calls_do_not_fit_is_refused(tinyllm, counter, tmp_path, break_it):
    file = tmp_path / "talk.json"
    talk(tinyllm, counter, "--tools", "--allow-tool", "calculator", lines=["How many?", f"/save {file}"])
    saved = json.loads(file.read_text())
    break_it(saved["messages"])
    file.write_text(json.dumps(saved))
    assert "not a saved talk: " in talk(tinyllm, counter, lines=[f"/load {file}"])[1]


@pytest.fixture
def at_terminal(tinyllm):
    terminals = []

    def start(model, *flags):
        terminals.append(Terminal([BINARY, "chat", "-m", model, *flags], {**tinyllm.env}))
        terminals[-1].wait_for("> ")
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


QUESTION = "run it? [y]es, [n]o, [a]lways for this tool: "


def test_every_call_asks(at_terminal, counter):
    terminal = at_terminal(counter, "--tools")
    terminal.type("How many?\n")
    assert 'I count.\n  calculator {"expression": "12 * 13"}\n' in terminal.wait_for(QUESTION)
    terminal.type("perhaps\n")
    terminal.wait_for(QUESTION)
    terminal.type("y\n")
    terminal.wait_for("= 156\n")
    terminal.wait_for(QUESTION)
    terminal.type("n\n")
    assert "division" not in terminal.wait_for("156, and no.\n")
    terminal.wait_for("> ")
    terminal.type("/reset\n")
    terminal.wait_for("> ")
    terminal.type("Again?\n")
    terminal.wait_for(QUESTION)
    terminal.type("a\n")
    assert QUESTION not in terminal.wait_for("156, and no.\n")
    terminal.wait_for("> ")
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_keys_typed_before_the_question_are_no_reply(tinyllm, counter, term):
    terminal = Terminal([BINARY, "chat", "-m", counter, "--tools"], {**tinyllm.env, "TERM": term})
    try:
        terminal.wait_for("> ")
        terminal.type("How many?\ny\n")
        for _ in range(2):
            terminal.wait_for(QUESTION)
            for _ in range(6):
                terminal.read(0.05)
            assert "= 156" not in terminal.text
            terminal.type("n\n")
        terminal.wait_for("156, and no.\n")
        terminal.wait_for("> ")
        if term == "xterm":  # it is the next message
            terminal.wait_for("156, and no.\n")
            terminal.wait_for("> ")
        assert "= 156" not in terminal.text and terminal.text.count(QUESTION) == 2
    finally:
        terminal.close()


def test_ctrl_c_at_a_plain_question_allows_nothing(tinyllm, counter):
    terminal = Terminal([BINARY, "chat", "-m", counter, "--tools"], {**tinyllm.env, "TERM": "dumb"})
    try:
        terminal.wait_for("> ")
        terminal.type("How many?\n")
        terminal.wait_for(QUESTION)
        terminal.type(CTRL_C)
        terminal.wait_for("^C")
        terminal.type("y\n")
        terminal.wait_for("stopped")
        assert "= 156" not in terminal.text
    finally:
        terminal.close()


def test_what_is_asked_about_is_shown_whole(tinyllm, tmp_path):
    def lines_of(n, *flags):
        """What is written about a search for n numbers."""
        wanted = " + ".join(str(i) for i in range(n))
        text = call("search", text=wanted)
        model = write_model(tmp_path / f"model{n}{len(flags)}", [text[i : i + 1000] for i in range(0, len(text), 1000)], ["Done."])
        _, err = talk(tinyllm, model, "--tools-folder", tmp_path, "--context", "32768", *flags)
        return json.dumps({"text": wanted}), [line for line in err.splitlines() if "warning: " not in line]

    arguments, lines = lines_of(400)
    assert lines == [f"  search {arguments}", "  (not run: there is nobody to ask; --allow-tool search allows it)"]
    arguments, lines = lines_of(400, "--allow-tool", "search")
    assert lines[:2] == [f"  search {arguments[:2000]}", f"  ... ({len(arguments)} bytes in all)"]
    arguments, lines = lines_of(2510)
    assert lines[2:] == [f"  (not run: its arguments have {len(arguments)} bytes, too many to ask about)"]


def test_a_full_context_loses_no_results(tinyllm, tmp_path):
    (tmp_path / "notes").mkdir()
    for name in "ab":
        (tmp_path / "notes" / name).write_text(name * 600)
    model = write_model(tmp_path / "model", [call("read_file", path="a") + call("read_file", path="b")], ["?"], ["Done."])
    file = tmp_path / "talk.json"
    _, err = talk(
        tinyllm, model, "--tools-folder", tmp_path / "notes", "--allow-tool", "read_file", "--context", "600",
        lines=["Read them.", f"/save {file}", "/reset"],
    )  # fmt: skip
    assert "(the context of 600 tokens is full: " in err
    messages = json.loads(file.read_text())["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert messages[-1]["content"] == "(the context was full before the answer)"


def test_ctrl_c_at_the_question_stops_the_loop_and_loses_nothing(at_terminal, counter, tmp_path):
    terminal = at_terminal(counter, "--tools")
    terminal.type("How many?\n")
    terminal.wait_for(QUESTION)
    terminal.type("y\n")
    terminal.wait_for(QUESTION)
    terminal.type(CTRL_C)
    terminal.wait_for("stopped")
    terminal.wait_for("> ")
    file = tmp_path / "talk.json"
    terminal.type(f"/save {file}\n")
    terminal.wait_for("(1 turn in ")
    messages = json.loads(file.read_text())["messages"]
    assert [message["content"] for message in messages if message["role"] == "tool"] == ["156", "error: the user stopped this call"]
    terminal.wait_for("> ")
    terminal.type("Go on.\n")
    terminal.wait_for("156, and no.\n")


def test_a_folder_and_nothing_else(tinyllm, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text("The key is under the mat.\n")
    (tmp_path / "secret.txt").write_text("secret\n")
    (folder / "out").symlink_to("../secret.txt")
    model = write_model(
        tmp_path / "reader", [call("search", text="KEY") + call("read_file", path="a.txt")],
        ["?"], [call("read_file", path="out") + call("read_file", path="../secret.txt")], ["?"], ["Done."],
    )  # fmt: skip
    out, err = talk(tinyllm, model, "--tools-folder", folder, "--allow-tool", "search", "--allow-tool", "read_file")
    assert out == "Done.\n" and "secret\n" not in err
    assert "= a.txt:1: The key is under the mat." in err and "= The key is under the mat." in err
    assert "leads out of the folder" in err and "has a '..' in it" in err


def test_learn_check_is_a_tool_where_the_course_is(tinyllm, tmp_path):
    tinyllm.env["TINYLLM_LEARNER"] = str(tmp_path / "learner")
    model = write_model(
        tmp_path / "model", [call("learn_check", task="no-such-task")], [call("learn_check", task="--help")],
        [call("learn_check", task="norm.rms")], ["It is still to be written."],
    )  # fmt: skip
    out, err = talk(tinyllm, model, "--tools", "--allow-tool", "learn_check")
    assert out == "It is still to be written.\n"
    assert "'no-such-task' is not a task" in err and "error: 'task' must be a task's name" in err
    judged = tinyllm.run("learn", "check", "norm.rms").stdout.decode()
    assert judged.strip() and judged.strip().splitlines()[0].strip() in err


def test_the_tools_are_listed(tinyllm, counter):
    tinyllm.env["TINYLLM_LEARNER"] = str(tinyllm.home)
    _, err = talk(tinyllm, counter, "--tools", "--allow-tool", "date_time", lines=["/tools"])
    assert err.splitlines()[:2] == [
        "  calculator       asks: Computes an arithmetic expression and gives its value",
        "  date_time        runs: Tells the date, the day of the week and the time of now, in ...",
    ]
    assert talk(tinyllm, counter, lines=["/tools"])[1] == "  none; chat --tools gives some\n"


def test_what_the_command_line_refuses(tinyllm, counter, tmp_path):
    def refused(*flags, code=2):
        return tinyllm.failure("chat", "-m", counter, *flags, "-p", "x", code=code)

    assert "--allow-tool exec: there is no such tool; there are calculator, date_time" in refused("--tools", "--allow-tool", "exec")
    assert "give some" in refused("--allow-tool", "calculator")
    assert "is no folder" in refused("--tools-folder", tmp_path / "none", code=1)
    assert "--engine reference calls no tools" in refused("--tools", "--engine", "reference")
    assert "no tool can be called" in refused("--tools", "--regex", "a")


@pytest.mark.skipif("TINYLLM_LONG" not in os.environ, reason="LACKS --long: the larger model")
def test_a_real_model_calculates_and_reads(tinyllm, tmp_path):
    path = real_home() / "models" / QWEN_FILE
    if not path.exists():
        pytest.skip(f"LACKS the real model {path}: run 'tinyllm pull qwen2.5-coder-1.5b'")
    out, err = talk(
        tinyllm, path, "--tools", "--allow-tool", "calculator", "--temperature", "0",
        lines=["What is 48913 * 7727? Use the calculator.", "And that plus 1? Use the calculator again."],
    )  # fmt: skip
    assert "= 377950751" in err and "377950751" in out.replace(",", ""), (out, err)
    assert "377950752" in out.replace(",", ""), (out, err)
    (tmp_path / "notes.txt").write_text("The door code is 4711.\n")
    out, err = talk(
        tinyllm, path, "--tools-folder", tmp_path, "--allow-tool", "search", "--allow-tool", "read_file",
        "--temperature", "0", lines=["What is the door code? Read notes.txt."],
    )  # fmt: skip
    assert "4711" in out, (out, err)

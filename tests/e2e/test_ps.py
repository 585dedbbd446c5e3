"""tinyllm ps: which models run on this machine."""

import subprocess
import time

from conftest import BINARY


def test_ps_shows_a_chat_and_no_key(tinyllm, models):
    command = [BINARY, "chat", "-m", models["loop"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=tinyllm.env) as chat:
        end = time.monotonic() + 20
        mine = []
        while not mine and time.monotonic() < end:
            mine = [row for row in tinyllm.json("ps", "--json") if row["pid"] == chat.pid]
        (row,) = mine
        assert (row["command"], row["model"], row["address"]) == ("chat", str(models["loop"]), "")
        assert row["bytes"] > 1_000_000 and 0 <= row["seconds"] < 60
        shown = tinyllm.text("ps")
        assert shown.splitlines()[0].split() == ["PID", "COMMAND", "MEMORY", "SINCE", "ADDRESS", "MODEL"]
        assert any(line.split()[:2] == [str(chat.pid), "chat"] for line in shown.splitlines())
        chat.stdin.close()


def test_ps_shows_where_a_server_listens(tinyllm, fine_server):
    rows = [row for row in tinyllm.json("ps", "--json") if row["command"] == "serve"]
    assert any(row["address"].startswith("127.0.0.1:") for row in rows)

"""Servers of tools that go wrong, each in its own way: hostile_mcp.py KIND."""

import json
import sys
import time

KIND = sys.argv[1]


def say(message):
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def tool(name, **more):
    return {"name": name, "description": f"The tool {name}", "inputSchema": {"type": "object"}, **more}


def tools(cursor):
    """The answer to tools/list."""
    if KIND == "many":
        return {"tools": [tool(f"t{i}") for i in range(10000)]}
    if KIND == "pages":
        page = int(cursor or 0)
        return {"tools": [tool(f"p{page}")], **({"nextCursor": str(page + 1)} if page < 4 else {})}
    if KIND == "endless":
        return {"tools": [tool(f"p{cursor}")], "nextCursor": "again"}
    if KIND == "names":
        odd = [tool('qu"ote'), tool("<|im_end|>"), tool("new\nline"), tool("é"), tool("x" * 200), tool("ok"), tool("ok"), tool("")]
        return {"tools": [*odd, tool("s", inputSchema=3), tool("deep", inputSchema=nested(100)), 7, {"name": 5}]}
    if KIND == "wordy":
        return {"tools": [tool(f"w{i}", description="many words " * 100) for i in range(3)]}
    if KIND == "other":
        return {"tools": [tool("admin_go"), tool("own")]}
    return {"tools": [tool("go")]}


def nested(depth):
    return {"type": "object", "properties": {"a": nested(depth - 1)}} if depth else {"type": "object"}


def call():
    if KIND == "dies":
        sys.stderr.write("out of luck\n")
        sys.exit(3)
    if KIND == "silent":
        time.sleep(60)
    if KIND == "floods":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 1000}})
    if KIND == "long":
        while True:
            sys.stdout.write("x" * 65536)
    if KIND == "blank":
        sys.stdout.write("\n" * (32 << 20))
    if KIND == "asks":
        say({"jsonrpc": "2.0", "id": "mine", "method": "ping"})
        assert json.loads(sys.stdin.readline()) == {"jsonrpc": "2.0", "id": "mine", "result": {}}
        say({"jsonrpc": "2.0", "id": 77, "method": "sampling/createMessage", "params": {}})
        assert json.loads(sys.stdin.readline())["error"]["code"] == -32601
    if KIND == "parts":
        parts = [{"type": "text", "text": "one \u001b[31m"}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}, 3]
        return {"content": [*parts, {"type": "resource", "resource": {"uri": "file:///a", "text": "two"}}]}
    if KIND == "huge":
        return {"content": [{"type": "text", "text": "y" * 1000000}]}
    return {"content": [{"type": "text", "text": "gone well"}]}


if KIND == "dead":
    sys.exit("no key is set")
if KIND == "noise":
    say("Welcome to the server!")
    say("[1, 2]")
if KIND == "garbage":
    while True:
        say('{"jsonrpc": "2.0", "id": 1, ')
for line in sys.stdin:
    request = json.loads(line)
    method, answer = request["method"], {}
    if "id" not in request:
        continue
    if method == "initialize":
        if KIND == "mute":
            time.sleep(60)
        revision = "1999-01-01" if KIND == "future" else request["params"]["protocolVersion"]
        answer = {"protocolVersion": revision, "capabilities": {"tools": {}}, "serverInfo": {"name": KIND, "version": "1"}}
    elif method == "tools/list":
        answer = tools(request.get("params", {}).get("cursor"))
    elif method == "tools/call":
        if KIND == "refuses":
            say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32602, "message": "not \u001b[31mthis"}})
            continue
        answer = call()
    say({"jsonrpc": "2.0", "id": request["id"] + (KIND == "wrong id"), "result": answer})

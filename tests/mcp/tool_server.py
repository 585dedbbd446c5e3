"""A server of tools by the official package: tool_server.py stdio | json PORT | events PORT."""

import sys

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("tests")


@server.tool()
def add(a: int, b: int) -> int:
    """The sum of two whole numbers."""
    return a + b


@server.tool()
def shout(text: str) -> str:
    """The text in upper case."""
    print("a log line on stderr", file=sys.stderr)
    return text.upper()


@server.tool()
def refuse() -> str:
    """Always fails."""
    raise ToolError("no luck today")


@server.tool()
async def sleep(seconds: float) -> str:
    """Takes its time."""
    await anyio.sleep(seconds)
    return "awake"


kind = sys.argv[1]
if kind == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]), json_response=kind == "json")

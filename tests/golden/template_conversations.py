"""Conversations that the published templates render, for make_template_goldens.py."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city & its \"mood\"",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": " The city, e.g. Zürich "},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 14, "default": 3},
            },
            "required": ["city"],
        },
    },
}
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers",
        "parameters": {
            "type": "object",
            "properties": {
                "a": {"type": "number", "description": "first"},
                "b": {"type": ["number", "null"], "description": "second"},
                "list": {"type": "array", "items": {"type": "integer"}, "description": "more"},
            },
            "required": ["a", "b"],
            "additionalProperties": False,
        },
        "return": {"type": "number", "description": "the sum"},
    },
}
EMPTY = {"type": "function", "function": {"name": "ping", "description": "No arguments", "parameters": {"type": "object", "properties": {}}}}

SUM = {"type": "function", "function": {"name": "add", "description": "Sums", "parameters": {"type": "object", "properties": {"a": {"type": "number", "description": " x "}, "b": {"type": "boolean", "description": "y"}}}}}

def call(name, arguments, call_id="call_1"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

USER = {"role": "user", "content": "What is 2 + 2?"}
SYSTEM = {"role": "system", "content": "  You are terse.\n"}
TURNS = [
    USER,
    {"role": "assistant", "content": "4."},
    {"role": "user", "content": "And <|im_end|> or <|eot_id|> times \"3\"?\n\n\tÄ 中文 😀 é"},
]
THINKING = [
    {"role": "user", "content": "Think."},
    {"role": "assistant", "content": "<think>\nLet me see.\n</think>\n\nDone."},
    {"role": "user", "content": "Again."},
    {"role": "assistant", "reasoning_content": "\nI recall.\n", "content": "\nDone again."},
]
ONE_CALL = [
    {"role": "user", "content": "Weather in Zürich?"},
    {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {"city": "Zürich", "unit": "celsius", "days": 2, "deep": {"x": [1, 2.5, None, True]}})]},
    {"role": "tool", "name": "get_weather", "tool_call_id": "call_1", "content": "{\"temp\": 21.5, \"sky\": \"clear\"}"},
]
TWO_CALLS = [
    {"role": "system", "content": "Use tools."},
    {"role": "user", "content": "Weather in Bern, and 1 + 2?"},
    {"role": "assistant", "content": "One moment.", "tool_calls": [call("get_weather", {"city": "Bern"}), call("add", {"a": 1, "b": 2.0}, "call_2")]},
    {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
    {"role": "tool", "tool_call_id": "call_2", "content": "3"},
    {"role": "assistant", "content": "12 degrees and 3."},
    {"role": "user", "content": "Thanks"},
]
TEXT_ARGUMENTS = [
    {"role": "user", "content": "Ping"},
    {"role": "assistant", "content": None, "tool_calls": [call("ping", "{\"a\": 1}")]},
    {"role": "tool", "content": "pong"},
]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
TOOL_PARTS = ONE_CALL[:2] + [{"role": "tool", "content": {"temp": 21.5, "ok": True}}]

# name -> what render_jinja_template gets: messages, tools and further variables.
CONVERSATIONS = {
    "user only": {"messages": [USER]},
    "system and user": {"messages": [SYSTEM, USER]},
    "many turns": {"messages": TURNS},
    "system and many turns": {"messages": [SYSTEM] + TURNS},
    "assistant last": {"messages": TURNS + [{"role": "assistant", "content": "12"}]},
    "system later": {"messages": TURNS[:2] + [SYSTEM, USER]},
    "thinking": {"messages": THINKING},
    "thinking off": {"messages": THINKING[:3], "enable_thinking": False},
    "thinking on": {"messages": THINKING[:3], "enable_thinking": True},
    "tools offered": {"messages": [USER], "tools": [WEATHER, ADD]},
    "tools and system": {"messages": [SYSTEM, USER], "tools": [WEATHER, ADD, EMPTY]},
    "tool called": {"messages": ONE_CALL, "tools": [WEATHER]},
    "tools called": {"messages": TWO_CALLS, "tools": [WEATHER, ADD]},
    "plain tools offered": {"messages": [SYSTEM, USER], "tools": [WEATHER, SUM, EMPTY]},
    "plain tools called": {"messages": TWO_CALLS, "tools": [WEATHER, SUM]},
    "called without list": {"messages": ONE_CALL},
    "arguments as text": {"messages": TEXT_ARGUMENTS, "tools": [EMPTY]},
    "thinking before a call": {"messages": ONE_CALL[:1] + [dict(ONE_CALL[1], reasoning_content="Need a tool.")] + ONE_CALL[2:], "tools": [WEATHER]},
    "empty tool list": {"messages": [SYSTEM, USER], "tools": []},
    "content parts": {"messages": PARTS},
    "tool result as object": {"messages": TOOL_PARTS, "tools": [WEATHER]},
    "date string": {"messages": [USER], "date_string": "03 Mar 2026"},
    "builtin tools": {"messages": [SYSTEM, USER], "builtin_tools": ["code_interpreter", "brave_search"]},
    "builtin tool called": {
        "messages": [USER, {"role": "assistant", "content": "", "tool_calls": [call("brave_search", {"query": "2 + 2"})]}],
        "builtin_tools": ["brave_search"],
    },
    "tools in system message": {"messages": [SYSTEM, USER], "tools": [WEATHER], "tools_in_user_message": False},
    "unknown role": {"messages": [{"role": "narrator", "content": "Once."}, USER]},
    "no messages": {"messages": []},
}

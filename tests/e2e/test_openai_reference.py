"""Every field of OpenAI's reference, as the types of its package name them: nothing is swallowed, nothing is missing unseen.

A new version of the package with a field that is neither known to the server nor named here fails these tests.
"""

import types
import typing

import pytest
import toy_model

openai = pytest.importorskip("openai", reason="LACKS the package openai: ./tiny test installs it into build/python")

from openai.types import Completion, Model, completion_create_params  # noqa: E402
from openai.types.chat import ChatCompletion, ChatCompletionChunk, completion_create_params as chat_params  # noqa: E402

CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"
INPUT = {
    CHAT: {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3},
    COMPLETION: {"prompt": "a", "max_tokens": 3},
}
PARAMS = {CHAT: chat_params, COMPLETION: completion_create_params}
# Fields that change no text and that the server therefore leaves out, with a warning; the value is one that a client may send.
IGNORED = {
    "metadata": {"topic": "demo"},
    "moderation": {"model": "omni-moderation-latest"},
    "prediction": {"type": "content", "content": "abc"},
    "prompt_cache_key": "key",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "safety_identifier": "user-1",
    "service_tier": "auto",
    "store": True,
    "user": "me",
    "verbosity": "low",
    "web_search_options": {},
    "parallel_tool_calls": True,
}
# A value that a client means, for what the server refuses by name until it can do it.
MEANT = {
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "tool_choice": "auto",
    "functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}],
    "function_call": "auto",
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text", "audio"],
    "best_of": 3,
    "suffix": "end",
}
# Fields of answers that ours never hold, and why.
ABSENT = {
    "metadata": "nothing is stored",
    "moderation": "nobody moderates",
    "service_tier": "there is one",
    "obfuscation": "padding against listeners; TLS of our own has none",
    "completion_tokens_details.audio_tokens": "no audio",
    "completion_tokens_details.reasoning_tokens": "reasoning is text like any other",
    "completion_tokens_details.text_tokens": "all tokens are text",
    "prompt_tokens_details.audio_tokens": "no audio",
    "prompt_tokens_details.cache_write_tokens": "nothing is billed",
    "prompt_tokens_details.image_tokens": "no images",
    "prompt_tokens_details.text_tokens": "all tokens are text",
    "message.annotations": "no search",
    "message.audio": "no audio",
    "message.function_call": "its successor is tool_calls",
    "message.tool_calls": "no tools were given",
    "delta.audio": "no audio",
    "delta.function_call": "its successor is tool_calls",
    "delta.tool_calls": "no tools were given",
    "delta.refusal": "no text is refused",
    "shutdown_date": "the operator's choice",
}  # fmt: skip


def request_fields(path):
    types_of_it = vars(PARAMS[path]).values()
    fields = set()
    for it in types_of_it:
        if hasattr(it, "__required_keys__") and it.__name__.startswith("CompletionCreateParams"):
            fields |= it.__required_keys__ | it.__optional_keys__
    return sorted(fields)


def known_fields(server, path):
    document = server.get("/openapi.json").json()
    reference = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return set(document["components"]["schemas"][reference.rpartition("/")[2]]["properties"])


@pytest.mark.parametrize("path", PARAMS)
def test_every_request_field_is_done_refused_or_named(fine_server, path):
    fields = request_fields(path)
    assert {"model", "stream", "temperature", "top_p", "stop", "logit_bias"} < set(fields)
    done = known_fields(fine_server, path)
    outcomes = {}
    for field in set(fields) - done:
        assert field in IGNORED or field in MEANT, f"{path}: {field} is new in openai {openai.__version__}; decide what it does here"
        reply = fine_server.post(path, {**INPUT[path], field: IGNORED.get(field, MEANT.get(field))})
        if field in MEANT:
            assert reply.status == 400 and reply.error()["param"] == field and "not supported" in reply.error()["message"], field
        else:
            assert reply.status == 200 and reply.headers["x-tinyllm-ignored"] == field, (field, reply)
        outcomes[field] = reply.status
    print(path, len(done & set(fields)), "done,", outcomes)


def test_every_value_of_the_reference_is_taken(fine_server):
    """Both ends of each range that the reference gives, and null, which its types allow everywhere."""
    ends = {
        "temperature": (0, 2), "top_p": (0.000001, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
        "seed": (-(2**63), 2**63 - 1), "n": (1,), "stop": ("x", ["w", "x", "y", "z"]), "logit_bias": ({"97": -100, "98": 100},),
        "max_completion_tokens": (1,), "stream": (False,), "logprobs": (True, False), "user": ("",), "store": (False,),
        "response_format": ({"type": "text"},), "service_tier": ("auto", "default", "flex", "priority"),
    }  # fmt: skip
    for field, values in ends.items():
        for value in (*values, None):
            assert fine_server.post(CHAT, {**INPUT[CHAT], field: value}).status == 200, (field, value)
    for top in (0, 20):
        assert fine_server.post(CHAT, {**INPUT[CHAT], "logprobs": True, "top_logprobs": top}).status == 200
    for top in (0, 5):
        assert fine_server.post(COMPLETION, {**INPUT[COMPLETION], "logprobs": top}).status == 200


def model_in(annotation):
    """The class of OpenAI's that an annotation is, or is a list or a choice of."""
    if isinstance(annotation, type) and issubclass(annotation, openai.BaseModel):
        return annotation
    found = [model_in(part) for part in typing.get_args(annotation)] if not isinstance(annotation, types.GenericAlias) else []
    return next((it for it in found if it), None)


def check_answer(its_type, answer, where="", seen=None):
    """Each field is there and of its type, or one of ABSENT. Gives all names that were there."""
    seen = set() if seen is None else seen
    its_type.model_validate(answer, strict=True)
    parent = where.rpartition(".")[2]
    for name, field in its_type.model_fields.items():
        path = f"{where}.{name}" if where else name
        short = {name, f"{parent}.{name}"}
        if name not in answer:
            assert not field.is_required(), path
            assert short & set(ABSENT), f"{path} is not in our answer; name the reason"
            continue
        seen.add(path)
        inner = model_in(field.annotation)
        for value in answer[name] if isinstance(answer[name], list) else [answer[name]]:
            if inner and isinstance(value, dict):
                check_answer(inner, value, path, seen)
    return seen


@pytest.mark.parametrize("likely", [{}, {"logprobs": True, "top_logprobs": 2}])
def test_every_field_of_a_chat_answer(fine_server, likely):
    answer = fine_server.post(CHAT, {**INPUT[CHAT], **likely}).json()
    seen = check_answer(ChatCompletion, answer)
    assert {"id", "object", "created", "model", "system_fingerprint", "choices.finish_reason", "choices.logprobs"} <= seen
    assert {"usage.prompt_tokens_details.cached_tokens", "choices.message.refusal", "choices.message.content"} <= seen
    assert "usage.completion_tokens_details.rejected_prediction_tokens" in seen
    assert ("choices.logprobs.content.top_logprobs.bytes" in seen) == bool(likely)


def test_every_field_of_a_chunk(fine_server):
    options = {"logprobs": True, "top_logprobs": 1, "stream_options": {"include_usage": True}}
    *chunks, done = fine_server.events(CHAT, {**INPUT[CHAT], **options})
    assert done == "[DONE]"
    seen = set()
    for chunk in chunks:
        # What a chunk leaves out stands in another one.
        ChatCompletionChunk.model_validate(chunk, strict=True)
        seen |= set(chunk) | {f"choices.{name}" for choice in chunk["choices"] for name in choice}
        seen |= {f"delta.{name}" for choice in chunk["choices"] for name in choice["delta"]}
    wanted = set(ChatCompletionChunk.model_fields)
    choice = model_in(ChatCompletionChunk.model_fields["choices"].annotation)
    wanted |= {f"choices.{name}" for name in choice.model_fields}
    wanted |= {f"delta.{name}" for name in model_in(choice.model_fields["delta"].annotation).model_fields}
    assert wanted - seen <= set(ABSENT), wanted - seen


@pytest.mark.parametrize("likely", [{}, {"logprobs": 2}])
def test_every_field_of_a_completion(fine_server, likely):
    seen = check_answer(Completion, fine_server.post(COMPLETION, {**INPUT[COMPLETION], **likely}).json())
    assert {"choices.text", "choices.finish_reason", "choices.logprobs", "usage.total_tokens"} <= seen
    assert ("choices.logprobs.text_offset" in seen) == bool(likely)


def test_every_field_of_the_list_of_models(fine_server):
    document = fine_server.get("/v1/models").json()
    assert document["object"] == "list" and len(document["data"]) == 2
    for entry in document["data"]:
        assert check_answer(Model, entry) == {"id", "object", "created", "owned_by"}
    assert document["data"][0]["max_model_len"] == toy_model.MAX_SEQ_LEN

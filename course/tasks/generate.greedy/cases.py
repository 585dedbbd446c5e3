"""The cases of generate.greedy: calls to a model that counts, as a trace. Behind token t it says t + 1, and 0 behind the last."""

import json

from goldens import lines, trace

VOCAB = 12


def cases():
    def case(name, calls, context=32):
        answers, rows = [], 0
        for call in calls:
            if "rewind" in call:
                rows = call["rewind"]
                answers.append({"rows": rows})
                continue
            sequence, new, finish, end = list(call["prompt"]), [], "none", -1
            if call["max_tokens"] <= 0:
                finish = "length"
            while finish == "none":
                token = (sequence[-1] + 1) % VOCAB
                stops = call.get("stop_ids", []) + ([] if call.get("ignore_eos") else call.get("eos", []))
                if token in stops:
                    finish, end = "stop", token
                    break
                sequence.append(token)
                new.append(token)
                if len(new) == call.get("cancel_at"):
                    finish = "cancelled"
                elif len(new) >= call["max_tokens"] or len(sequence) >= context:
                    finish = "length"
            # Every token is computed but the last one that was kept: nobody asked for the logits behind it.
            rows = len(sequence) - (1 if finish in ("length", "cancelled") and new else 0)
            answers.append({"new": new, "told": new, "finish": finish, "end": end, "rows": rows})
        inputs = {"context": context, "calls": lines(map(json.dumps, calls))}
        return {"name": name, "function": "generate", "inputs": inputs, "want": {"answers": trace("calls", map(json.dumps, answers))}}

    return [
        case("one token", [{"prompt": [3], "max_tokens": 1}]),
        case("three tokens", [{"prompt": [3], "max_tokens": 3}]),
        case("a prompt of four", [{"prompt": [7, 7, 1, 4], "max_tokens": 3}]),
        case("an end token", [{"prompt": [3], "max_tokens": 9, "eos": [6]}]),
        case("the end token is the first one", [{"prompt": [3], "max_tokens": 9, "eos": [4]}]),
        case("a stop id of the request", [{"prompt": [3], "max_tokens": 9, "eos": [8], "stop_ids": [5]}]),
        case("the end token is ignored, a stop id is not", [{"prompt": [3], "max_tokens": 9, "eos": [5], "stop_ids": [7], "ignore_eos": True}]),
        case("the reader has enough", [{"prompt": [3], "max_tokens": 9, "cancel_at": 2}]),
        case("the context is full", [{"prompt": [1, 2, 3], "max_tokens": 9}], context=6),
        case("no token is wanted", [{"prompt": [3, 4], "max_tokens": 0}]),
        case("a chat of two turns: the first turn's rows are kept", [
            {"prompt": [1, 2, 3], "max_tokens": 2},
            {"prompt": [1, 2, 3, 4, 5, 9], "max_tokens": 2},
            {"rewind": 3},
            {"prompt": [1, 2, 3, 8], "max_tokens": 9, "eos": [11]},
        ]),
    ]  # fmt: skip

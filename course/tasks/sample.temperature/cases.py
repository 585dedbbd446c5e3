"""The cases of sample.temperature, from small to large, and what float64 answers."""

import math
import random

from goldens import EPS, array, f32, listed, normal, unlisted


def cases():
    rng = random.Random(47)

    def case(name, logits, temperature):
        logits, temperature = [f32(v) for v in logits], f32(temperature)
        top = max(logits)
        values = [0.0 if v == top else (v - top) / temperature / math.log(2) for v in logits]
        # The difference, log2(e), the scale and the product are rounded once each.
        tolerance = [0.0 if math.isinf(v) else 5 * EPS * abs(v) for v in values]
        want = {"exponents": array([len(logits)], ["id"], values, tolerance)}
        inputs = {"logits": listed(logits), "max_logit": listed([top]) if math.isinf(top) else top, "temperature": temperature}
        return {"name": name, "function": "apply_temperature", "inputs": inputs, "want": want}

    return [
        case("one token", [3.0], 1.0),
        case("half as likely: a difference of log 2", [2.0, 2.0 - math.log(2)], 1.0),
        case("temperature 0.5 doubles the distance", [2.0, 1.0], 0.5),
        case("temperature 2 halves it", [2.0, 1.0], 2.0),
        case("only negative logits", [-5.0, -7.0, -6.0], 0.8),
        case("a token that is ruled out", [1.0, -math.inf, 0.0], 1.0),
        case("one logit is +inf", [1.0, math.inf, 0.0], 0.7),
        case("large logits", [1000.0, 990.0, 400.0], 0.25),
        case("a row of 64 logits", normal(rng, 64, 4.0), 0.8),
    ]


def pytorch(case):
    import torch

    logits = torch.tensor(unlisted(case["inputs"]["logits"]), dtype=torch.float64)
    if torch.isinf(logits).logical_and(logits > 0).any():  # softmax of +inf is not a number there
        return {"exponents": [0.0 if v > 1e300 else -math.inf for v in logits.tolist()]}
    logprobs = torch.log_softmax(logits / case["inputs"]["temperature"], 0) / math.log(2)
    return {"exponents": (logprobs - logprobs.max()).tolist()}

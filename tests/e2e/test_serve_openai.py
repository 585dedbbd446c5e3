"""The server through the official OpenAI client."""

import math
import threading

import pytest
import toy_model

openai = pytest.importorskip("openai", reason="LACKS the package openai: ./tiny test installs it into build/python")

ALPHABET = "abcdefghijklmnopqrstuvwxyz "
HELLO = [{"role": "user", "content": "Hello"}]


def client_of(server, key="none"):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key=key, max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def fine(fine_server):
    return client_of(fine_server)


@pytest.fixture(scope="module")
def loop(loop_server):
    return client_of(loop_server)


def test_models(fine):
    models = list(fine.models.list())
    assert [model.id for model in models] == ["fine", "alias"]
    assert models[0].object == "model" and models[0].max_model_len == toy_model.MAX_SEQ_LEN


def test_chat(fine):
    answer = fine.chat.completions.create(model="fine", messages=HELLO)
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-") and answer.model == "fine"
    assert answer.system_fingerprint.startswith("fp_")
    [choice] = answer.choices
    assert (choice.index, choice.message.role, choice.message.content) == (0, "assistant", "Fine é!")
    assert choice.finish_reason == "stop" and choice.logprobs is None
    n_prompt = len("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n") - 3 * len("<|im_start|>") + 5
    usage = answer.usage
    assert usage.completion_tokens == len("Fine é!".encode()) + 1  # the end token counts, as vLLM has it
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert abs(usage.prompt_tokens - n_prompt) < 5
    assert usage.prompt_tokens_details.cached_tokens in range(usage.prompt_tokens)


def test_stream_is_the_whole_answer(fine):
    chunks = list(
        fine.chat.completions.create(model="fine", messages=HELLO, stream=True, stream_options={"include_usage": True})
    )
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.object == "chat.completion.chunk" for chunk in chunks)
    *body, usage = chunks
    assert usage.choices == [] and usage.usage.completion_tokens == 9
    assert all(chunk.usage is None for chunk in body)
    deltas = [chunk.choices[0].delta for chunk in body]
    assert [delta.role for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert "".join(delta.content or "" for delta in deltas) == "Fine é!"
    assert [chunk.choices[0].finish_reason for chunk in body] == [None] * (len(body) - 1) + ["stop"]
    assert body[-1].choices[0].delta.content is None


def test_text_parts_are_joined(fine_server):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    prompts = [
        fine_server.post("/apply-template", {"messages": [{"role": "user", "content": content}]}).json()["prompt"]
        for content in (parts, "a\nb")
    ]
    assert prompts[0] == prompts[1] == "<|im_start|>user\na\nb<|im_end|>\n<|im_start|>assistant\n"


def test_max_tokens_and_its_newer_name(loop):
    for limit in ({"max_tokens": 5}, {"max_completion_tokens": 5}, {"max_tokens": 9, "max_completion_tokens": 5}):
        answer = loop.chat.completions.create(model="loop", messages=HELLO, **limit)
        assert answer.choices[0].message.content == "abcde"
        assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 5


def test_stop_strings_across_tokens(loop):
    for stop, text in [("fg", "abcde"), (["xyz", "hijk"], "abcdefg"), ([" a"], ALPHABET[:-1]), ("abc", "")]:
        answer = loop.chat.completions.create(model="loop", messages=HELLO, stop=stop, max_tokens=60)
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (text, "stop")
        assert answer.choices[0].stop_reason == (stop if isinstance(stop, str) else stop[-1])
        chunks = list(loop.chat.completions.create(model="loop", messages=HELLO, stop=stop, max_tokens=60, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
        assert chunks[-1].choices[0].finish_reason == "stop"


def test_stop_token_ids_and_min_tokens(loop):
    def text_of(**extra):
        answer = loop.chat.completions.create(model="loop", messages=HELLO, max_tokens=30, extra_body=extra, temperature=0)
        return answer.choices[0].message.content

    assert text_of(stop_token_ids=[ord("d")]) == "abc"
    # The stop token is impossible so early; which other one follows is the tie of all others: id 0.
    assert text_of(stop_token_ids=[ord("d")], min_tokens=3, ignore_eos=True).startswith("abc")


def test_context_end_is_finish_reason_length(start_server, models):
    server = start_server(models["loop"], "--max-model-len", 100)
    answer = client_of(server).chat.completions.create(model="loop", messages=HELLO)
    assert answer.choices[0].finish_reason == "length" and answer.usage.total_tokens == 100
    more = client_of(server).chat.completions.create(model="loop", messages=HELLO, max_tokens=5000)
    assert more.choices[0].message.content == answer.choices[0].message.content
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            long = [{"role": "user", "content": "x" * 200}]
            client_of(server).chat.completions.create(model="loop", messages=long, stream=stream)
        assert caught.value.code == "context_length_exceeded" and caught.value.param == "messages"
        assert caught.value.body["n_ctx"] == 100 and caught.value.body["n_prompt_tokens"] > 200


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs(fine, stream):
    options = {"model": "fine", "messages": HELLO, "logprobs": True, "top_logprobs": 3}
    if stream:
        chunks = list(fine.chat.completions.create(stream=True, **options))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        tokens = [token for chunk in chunks if chunk.choices[0].logprobs for token in chunk.choices[0].logprobs.content]
    else:
        choice = fine.chat.completions.create(**options).choices[0]
        text, tokens = choice.message.content, choice.logprobs.content
    assert bytes(byte for token in tokens for byte in token.bytes).decode() == text == "Fine é!"
    for token in tokens:
        assert math.isclose(token.logprob, -toy_model.NLL_HIT, abs_tol=2e-3)
        assert len(token.top_logprobs) == 3 and token.top_logprobs[0].token == token.token
        assert token.top_logprobs[0].logprob == token.logprob
        assert all(other.logprob <= 0 for other in token.top_logprobs)
        assert math.isclose(token.top_logprobs[1].logprob, -toy_model.NLL_MISS, abs_tol=2e-3)


def test_logit_bias_bans_a_token(fine):
    answer = fine.chat.completions.create(
        model="fine", messages=HELLO, logit_bias={str(ord("F")): -100}, max_tokens=1, temperature=0
    )
    assert answer.choices[0].message.content != "F"


@pytest.mark.parametrize("stream", [False, True])
def test_n_choices_and_seeds(loop, stream):
    def texts(seed, n=3):
        options = {"model": "loop", "messages": HELLO, "n": n, "seed": seed, "temperature": 2, "max_tokens": 12}
        # The biases make all bytes nearly even, so that draws differ, and the end impossible.
        bias = {**{str(ord(c)): -14 for c in ALPHABET}, **{str(i): -100 for i in toy_model.SPECIALS}}
        if not stream:
            answer = loop.chat.completions.create(logit_bias=bias, **options)
            assert [choice.index for choice in answer.choices] == list(range(n))
            return [choice.message.content for choice in answer.choices]
        result = [""] * n
        roles = [0] * n
        for chunk in loop.chat.completions.create(stream=True, logit_bias=bias, **options):
            [choice] = chunk.choices
            result[choice.index] += choice.delta.content or ""
            roles[choice.index] += choice.delta.role == "assistant"
        assert roles == [1] * n
        return result

    first = texts(7)
    assert texts(7) == first and len(set(first)) == 3
    assert texts(8)[:2] == first[1:]  # choice i draws with seed + i
    assert texts(7, n=1) == first[:1]


def test_completion_prompts(loop):
    def texts(prompt, **options):
        answer = loop.completions.create(model="loop", prompt=prompt, max_tokens=4, temperature=0, **options)
        assert answer.object == "text_completion" and answer.id.startswith("cmpl-")
        assert [choice.index for choice in answer.choices] == list(range(len(answer.choices)))
        return [choice.text for choice in answer.choices]

    assert texts("a") == ["bcde"]
    assert texts([ord("x"), ord("c")]) == ["defg"]
    assert texts(["a", "m", "z"]) == ["bcde", "nopq", " abc"]
    assert texts([[ord("a")], [ord("m")]]) == ["bcde", "nopq"]
    assert loop.completions.create(model="loop", prompt="a").usage.completion_tokens == 16  # OpenAI's default


def test_usage_counts_drafts(loop, loop_server):
    """The alphabet repeats: many drafts are right. Each answer tells of its own, whole or streamed."""
    names = ["draft_tokens", "accepted_tokens"]

    def totals():
        return [loop_server.metric(f"vllm:spec_decode_num_{name}_total") for name in names]

    def counts(details):
        return [details.accepted_prediction_tokens + details.rejected_prediction_tokens, details.accepted_prediction_tokens]

    before = totals()
    asked = {"model": "loop", "max_tokens": 300, "temperature": 0}
    whole = loop.completions.create(prompt="a", **asked).usage
    chat = loop.chat.completions.create(messages=HELLO, n=2, **{**asked, "temperature": 0.1}).usage
    streamed = [
        list(loop.completions.create(prompt="a", stream=True, stream_options={"include_usage": True}, **asked))[-1].usage,
        list(loop.chat.completions.create(messages=HELLO, stream=True, stream_options={"include_usage": True}, **asked))[-1].usage,
    ]
    answer = loop.responses.create(model="loop", input="Hello", max_output_tokens=300, temperature=0).usage
    details = [usage.completion_tokens_details for usage in [whole, chat, *streamed]] + [answer.output_tokens_details]
    for one, n_tokens in zip(details, [300, 600, 300, 300, 300], strict=True):
        assert 0 < one.accepted_prediction_tokens < n_tokens
    counted = [sum(values) for values in zip(*map(counts, details), strict=True)]
    assert counted == [after - value for after, value in zip(totals(), before, strict=True)]


def test_completion_echo_and_logprobs(loop):
    choice = loop.completions.create(model="loop", prompt="abz", max_tokens=2, echo=True, logprobs=2, temperature=0).choices[0]
    assert choice.text == "abz a"
    assert choice.logprobs.tokens == ["a", "b", "z", " ", "a"] and choice.logprobs.text_offset == [0, 1, 2, 3, 4]
    hit, miss = -toy_model.NLL_HIT, -toy_model.NLL_MISS
    assert choice.logprobs.token_logprobs[0] is None and choice.logprobs.top_logprobs[0] is None
    for logprob, wanted in zip(choice.logprobs.token_logprobs[1:], [hit, miss, hit, hit]):
        assert math.isclose(logprob, wanted, abs_tol=2e-3)
    assert set(choice.logprobs.top_logprobs[2]) >= {"c", "z"}
    only_echo = loop.completions.create(model="loop", prompt="abz", max_tokens=0, echo=True, logprobs=0)
    assert only_echo.choices[0].text == "abz" and only_echo.choices[0].logprobs.tokens == ["a", "b", "z"]
    assert only_echo.usage.completion_tokens == 0
    chunks = list(loop.completions.create(model="loop", prompt="abz", max_tokens=2, echo=True, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == "abz a"


def test_errors_are_the_clients_exceptions(fine):
    with pytest.raises(openai.NotFoundError) as caught:
        fine.chat.completions.create(model="gpt-4", messages=HELLO)
    assert caught.value.code == "model_not_found" and caught.value.param == "model"
    with pytest.raises(openai.BadRequestError) as caught:
        fine.chat.completions.create(model="fine", messages=HELLO, temperature=3)
    assert caught.value.body["message"] == "temperature is 3, must be a number in [0, 2]"
    assert caught.value.param == "temperature" and caught.value.type == "invalid_request_error"


def test_texts_do_not_depend_on_company(loop):
    """More requests than rows, together: each text is its lone one."""
    prompts = [chr(ord("a") + i) for i in range(20)]
    want = {p: (ALPHABET * 9)[ALPHABET.index(p) + 1 :][: 20 + i] for i, p in enumerate(prompts)}
    got = {}

    def ask(i, prompt):
        answer = loop.completions.create(model="loop", prompt=prompt, max_tokens=20 + i, temperature=0)
        got[prompt] = answer.choices[0].text

    threads = [threading.Thread(target=ask, args=item) for item in enumerate(prompts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == want


def test_api_keys(start_server, models, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("# the keys of our team\nfrom-file\n")
    server = start_server(models["fine"], "--api-key", "sesame-1", "--api-key", "sesame-2", "--api-key-file", keys)
    for key in ("sesame-1", "sesame-2", "from-file"):
        assert client_of(server, key).chat.completions.create(model="fine", messages=HELLO).choices[0].message.content == "Fine é!"
    for key in ("sesame", "sesame-11", "other"):
        with pytest.raises(openai.AuthenticationError) as caught:
            client_of(server, key).models.list()
        assert caught.value.code == "invalid_api_key" and caught.value.type == "authentication_error"
    assert server.get("/v1/models", headers={"X-Api-Key": "sesame-2"}).status == 200
    assert server.get("/health").status == 200
    for method, path in [("GET", "/metrics"), ("GET", "/version"), ("POST", "/tokenize"), ("GET", "/openapi.json")]:
        assert server.request(method, path).status == 401
    assert "sesame" not in server.log()


def test_smollm2_answers(start_server, smollm2):
    client = client_of(start_server(smollm2, "--served-model-name", "smollm2", "--context", 1024, "--max-num-seqs", 4))
    messages = [{"role": "system", "content": "You answer in one word."}, {"role": "user", "content": "Capital of France?"}]
    options = {"model": "smollm2", "messages": messages, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**options)
    assert whole.choices[0].message.content
    chunks = list(client.chat.completions.create(stream=True, **options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    again = client.chat.completions.create(**options)
    assert again.choices[0].message.content == whole.choices[0].message.content
    assert again.usage.prompt_tokens_details.cached_tokens == again.usage.prompt_tokens // 32 * 32

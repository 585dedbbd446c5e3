"""`tinyllm embed` and /v1/embeddings on the small encoders of the goldens, whose vectors transformers computed."""

import base64
import json
import math
import pathlib
import shutil
import signal
import socket
import struct
import threading

import pytest

from running_server import raw_request, read_until_closed

openai = pytest.importorskip("openai", reason="LACKS the package openai: ./tiny test installs it into build/python")

DATA = pathlib.Path(__file__).resolve().parents[1] / "golden/data/encoder"
GOLDEN = json.loads((DATA / "mean.json").read_text())
SHORT = [i for i, ids in enumerate(GOLDEN["ids"]) if 2 < len(ids) < 48]  # texts that are not cut


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def client_of(server):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def both(start_server, models):
    """A model that writes, and one that embeds."""
    return start_server(models["loop"], "--served-model-name", "loop", "--embedder", DATA / "mean")


@pytest.fixture(scope="module")
def alone(start_server):
    return start_server(DATA / "mean", "--embedder-precision", "f32", "--served-model-name", "small")


def refused(server, code=400, **body):
    reply = server.post("/v1/embeddings", body)
    assert reply.status == code, reply.body
    return reply.error()


def test_embed_gives_the_vectors_of_transformers(tinyllm):
    texts = [GOLDEN["texts"][i] for i in SHORT[:6]]
    lines = tinyllm.text("embed", DATA / "mean", "--precision", "f32", "--", *texts).splitlines()
    assert len(lines) == len(texts)
    for n, (line, i) in enumerate(zip(lines, SHORT)):
        answer = json.loads(line)
        assert answer["index"] == n and answer["n_tokens"] == len(GOLDEN["ids"][i])
        assert answer["embedding"] == pytest.approx(GOLDEN["vectors"][i], abs=2e-5)


def test_embed_takes_lines_and_cuts_dimensions(tinyllm):
    lines = tinyllm.text("embed", DATA / "mean", "--dimensions", 5, stdin="one\n\nthree\n").splitlines()
    assert [len(json.loads(line)["embedding"]) for line in lines] == [5, 5, 5]
    assert all(sum(x * x for x in json.loads(line)["embedding"]) == pytest.approx(1, abs=1e-5) for line in lines)
    done = tinyllm.run("embed", DATA / "mean", "word " * 200)
    assert done.returncode == 0 and b"1 of 1 texts were cut to 48 tokens" in done.stderr


def test_embed_says_what_is_wrong(tinyllm, models, tmp_path):
    assert "is no embedding model" in tinyllm.failure("embed", models["fine"], "x")
    assert "--dimensions is 99, must be at most 32" in tinyllm.failure("embed", DATA / "mean", "x", "--dimensions", 99, code=2)
    assert "is an embedding model, which writes no text" in tinyllm.failure("generate", "-m", DATA / "mean", "--prompt", "x")
    (tmp_path / "config.json").write_text('{"model_type": "bert", "hidden_act": "relu"}')
    (tmp_path / "model.safetensors").write_bytes((DATA / "mean/model.safetensors").read_bytes())
    assert "hidden_act is 'relu', must be 'gelu'" in tinyllm.failure("embed", tmp_path, "x")
    (tmp_path / "config.json").write_text((DATA / "mean/config.json").read_text())
    assert "has no tokenizer.json" in tinyllm.failure("embed", tmp_path, "x")


def test_a_folder_without_modules_is_pooled_by_the_mean_and_says_so(tinyllm, tmp_path):
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes((DATA / "uneven" / name).read_bytes())
    done = tinyllm.run("embed", tmp_path, "a cat", "--precision", "f32")
    assert done.returncode == 0
    assert b"has no modules.json, so its vectors are the mean over the tokens" in done.stderr
    got = json.loads(done.stdout)["embedding"]
    want = json.loads(tinyllm.text("embed", DATA / "uneven", "a cat", "--precision", "f32"))["embedding"]
    assert cosine(got, want) > 0.99999 and b"modules.json" not in tinyllm.run("embed", DATA / "uneven", "a cat").stderr


def test_serve_names_flags_that_go_with_no_embedder(tinyllm, models, tmp_path):
    mcp = tmp_path / "mcp.json"
    mcp.write_text('{"mcpServers": {}}')
    error = tinyllm.failure("serve", models["loop"], "--port", 0, "--embedder-precision", "f32", code=2)
    assert "--embedder-precision has no --embedder NAME" in error
    for flag in (["--tools"], ["--mcp", mcp], ["--draft-model", models["loop"]]):
        error = tinyllm.failure("serve", DATA / "mean", "--port", 0, *flag, code=2)
        assert f"{flag[0]} has no use here" in error
    assert "tinyllm serve --embedder NAME" in tinyllm.failure("serve", "--embeddings", code=2)


def test_a_long_word_costs_no_token_behind_it(alone):
    text = "x" * 40_000 + " word"
    body = alone.post("/v1/embeddings", {"input": text, "truncate_prompt_tokens": 10}).json()
    whole = alone.post("/v1/embeddings", {"input": text}).json()
    assert body["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"] > 3


def test_a_vector_that_is_not_finite_is_an_error(tinyllm, start_server, tmp_path):
    shutil.copytree(DATA / "mean", tmp_path / "huge")
    weights = bytearray((DATA / "mean/model.safetensors").read_bytes())
    (n,) = struct.unpack_from("<Q", weights)
    begin = 8 + n + json.loads(weights[8 : 8 + n])["encoder.layer.1.output.LayerNorm.weight"]["data_offsets"][0]
    struct.pack_into("<f", weights, begin, 3e38)
    (tmp_path / "huge/model.safetensors").write_bytes(weights)
    assert "gives a vector that is not finite" in tinyllm.failure("embed", tmp_path / "huge", "a cat sat on the mat")
    reply = start_server(tmp_path / "huge").post("/v1/embeddings", {"input": "a cat sat on the mat"})
    assert reply.status == 500 and "internal error" in reply.error()["message"]


def test_the_openai_client(both):
    client = client_of(both)
    texts = [GOLDEN["texts"][i] for i in SHORT]
    answer = client.embeddings.create(model="mean", input=texts)  # the client asks for base64
    assert [item.index for item in answer.data] == list(range(len(texts)))
    for item, i in zip(answer.data, SHORT):
        assert cosine(item.embedding, GOLDEN["vectors"][i]) > 0.998
    n_tokens = sum(len(GOLDEN["ids"][i]) for i in SHORT)
    assert (answer.model, answer.usage.prompt_tokens, answer.usage.total_tokens) == ("mean", n_tokens, n_tokens)
    cut = client.embeddings.create(model="mean", input=texts[0], dimensions=8, encoding_format="float").data[0].embedding
    first = answer.data[0].embedding[:8]
    assert cut == pytest.approx([x / math.sqrt(sum(y * y for y in first)) for x in first], abs=1e-5)
    ids = client.embeddings.create(model="mean", input=[GOLDEN["ids"][i] for i in SHORT])
    assert [item.embedding for item in ids.data] == [item.embedding for item in answer.data]


def test_alone_in_floats_and_base64(alone):
    i = SHORT[0]
    body = {"input": GOLDEN["texts"][i]}
    floats = alone.post("/v1/embeddings", body).json()
    assert floats["object"] == "list" and floats["model"] == "small" and floats["data"][0]["object"] == "embedding"
    assert floats["data"][0]["embedding"] == pytest.approx(GOLDEN["vectors"][i], abs=2e-5)
    packed = base64.b64decode(alone.post("/v1/embeddings", {**body, "encoding_format": "base64"}).json()["data"][0]["embedding"])
    # The shortest digits that give the same 32-bit float.
    assert packed == struct.pack("<32f", *floats["data"][0]["embedding"])
    [model] = alone.get("/v1/models").json()["data"]
    assert (model["id"], model["task"], model["dimensions"], model["max_model_len"]) == ("small", "embed", 32, 48)
    assert alone.get("/health").status == 200
    assert alone.get("/metrics").status == 200


def test_long_texts_are_refused_or_cut(alone):
    long = "word " * 100
    error = refused(alone, input=["fine", long])
    assert error["code"] == "context_length_exceeded" and error["param"] == "input[1]"
    assert error["message"].startswith("this model's maximum context length is 48 tokens: input[1] has ")
    cut = alone.post("/v1/embeddings", {"input": long, "truncate_prompt_tokens": -1}).json()
    assert cut["usage"]["prompt_tokens"] == 48
    assert alone.post("/v1/embeddings", {"input": long, "truncate_prompt_tokens": 10}).json()["usage"]["prompt_tokens"] == 10
    assert refused(alone, input="x", truncate_prompt_tokens=49)["param"] == "truncate_prompt_tokens"
    assert refused(alone, input="x", truncate_prompt_tokens=2)["param"] == "truncate_prompt_tokens"


def test_wrong_requests(alone):
    for body, param, words in [
        ({}, "input", "input is missing"),
        ({"input": []}, "input", "at least one text"),
        ({"input": [[]]}, "input", "at least one token id"),
        ({"input": {"a": 1}}, "input", "must be a string or an array"),
        ({"input": ["a", 1]}, "input[1]", "must be a string"),
        ({"input": [1, "a"]}, "input[1]", "must be a"),
        ({"input": [5, 10**6]}, "input", "the token id 1000000"),
        ({"input": [[5], [-1]]}, "input[1][0]", "-1"),
        ({"input": "a", "dimensions": 0}, "dimensions", "0"),
        ({"input": "a", "dimensions": 33}, "dimensions", "at most 32"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "'float' or 'base64'"),
        ({"input": ["a"] * 2049}, "input", "at most 2048"),
    ]:
        error = refused(alone, **body)
        assert error["param"] == param and words in error["message"], (body, error)
    assert alone.post("/v1/embeddings", {"input": ""}).json()["usage"]["prompt_tokens"] == 2


def test_each_kind_of_model_for_its_own_routes(both, alone, fine_server):
    message = refused(both, input="x", model="loop")["message"]
    assert message == "the model loop writes text and makes no embeddings; ask mean"
    assert refused(both, code=404, input="x", model="other")["code"] == "model_not_found"
    assert "has no embedding model" in refused(fine_server, input="x")["message"]
    chat = {"messages": [{"role": "user", "content": "Hi"}]}
    error = both.post("/v1/chat/completions", {**chat, "model": "mean"}).error()
    assert error["message"] == "the model mean makes embeddings (POST /v1/embeddings) and writes no text; ask loop"
    assert "this server has no model that does" in alone.post("/v1/chat/completions", chat).error()["message"]
    assert [model["id"] for model in both.get("/v1/models").json()["data"]] == ["loop", "mean"]


def test_health_and_streams_go_on_beside_embeddings(both):
    body = {"model": "mean", "input": [[7] * 48] * 2048}
    stream_is_over = threading.Event()
    statuses = []

    def embed():
        while not stream_is_over.is_set():
            statuses.append(both.post("/v1/embeddings", body).status)

    threads = [threading.Thread(target=embed) for _ in range(3)]
    for thread in threads:
        thread.start()
    stream = client_of(both).completions.create(model="loop", prompt="a", max_tokens=100, stream=True)
    health = [both.get("/health").status for _ in stream]
    stream_is_over.set()
    for thread in threads:
        thread.join()
    assert set(health) == {200} and set(statuses) == {200} and len(statuses) >= 3


def test_terminate_lets_a_large_answer_reach_a_slow_client(start_server):
    server = start_server(DATA / "mean")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that most of it waits in the server
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)  # and little in the kernel
        connection.settimeout(60)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(raw_request("/v1/embeddings", json.dumps({"input": [[7]] * 2048}).encode()))
        data = connection.recv(100)
        assert data.startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("shutting down")
        data += read_until_closed(connection)
    assert len(json.loads(data.split(b"\r\n\r\n", 1)[1])["data"]) == 2048
    assert server.process.wait(timeout=30) == 0

"""/v1/rerank, /v1/score and `rag search --rerank`: by the small cross-encoder of the goldens, whose scores transformers
computed, and by a toy model that judges."""

import json
import pathlib

import pytest

DATA = pathlib.Path(__file__).resolve().parents[1] / "golden/data/encoder"
GOLDEN = json.loads((DATA / "cross.json").read_text())
PAIRS = list(zip(GOLDEN["pairs"], GOLDEN["scores"]))
QUERY = PAIRS[0][0][0]


@pytest.fixture(scope="module")
def server(start_server, models):
    return start_server(
        models["loop"], "--served-model-name", "loop", "--reranker", DATA / "cross", "--embedder-precision", "f32"
    )  # fmt: skip


@pytest.fixture(scope="module")
def judging(start_server, models):
    return start_server(models["loop"], "--served-model-name", "loop", "--embedder", DATA / "mean")


def answer(server, path, **body):
    reply = server.post(path, body)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def refused(server, path, **body):
    reply = server.post(path, body)
    assert reply.status == 400, reply.body
    return reply.error()


def test_scores_are_those_of_transformers(server):
    firsts, seconds = zip(*(pair for pair, _ in PAIRS))
    scored = answer(server, "/v1/score", text_1=list(firsts), text_2=list(seconds))
    assert [row["score"] for row in scored["data"]] == pytest.approx([score for _, score in PAIRS], abs=2e-5)
    assert [row["index"] for row in scored["data"]] == list(range(len(PAIRS)))
    assert scored["usage"]["prompt_tokens"] == sum(map(len, GOLDEN["ids"])) and scored["model"] == "cross"
    one = answer(server, "/score", text_1=firsts[0], text_2=[seconds[0], firsts[1]])
    assert len(one["data"]) == 2 and one["data"][0]["score"] == pytest.approx(PAIRS[0][1], abs=2e-5)


def test_rerank_gives_the_best_first(server):
    documents = [pair[1] for pair, _ in PAIRS[:8]]
    scores = [row["score"] for row in answer(server, "/v1/score", text_1=QUERY, text_2=documents)["data"]]
    ranked = answer(server, "/v1/rerank", query=QUERY, documents=documents)["results"]
    assert [row["index"] for row in ranked] == sorted(range(8), key=lambda i: -scores[i])
    assert [row["relevance_score"] for row in ranked] == sorted(scores, reverse=True)
    assert all(row["document"]["text"] == documents[row["index"]] for row in ranked)
    objects = [{"text": text} for text in documents]
    short = answer(server, "/rerank", model="cross", query=QUERY, documents=objects, top_n=3, return_documents=False)
    assert short["results"] == [{k: row[k] for k in ("index", "relevance_score")} for row in ranked[:3]]


def test_bad_input_is_one_clear_error(server, judging):
    def message(path="/v1/rerank", of=server, **body):
        return refused(of, path, **body)["message"]

    assert message(documents=["x"]) == "query is missing"
    assert "documents is missing" in message(query="x")
    assert message(query="x", documents=[]) == "documents is an empty array, must be at least one text"
    assert message(query="x", documents=["a", 3]).startswith("documents[1] is 3, must be a string")
    assert message(query="x", documents=[{"body": "a"}]) == "documents[0].text is missing, must be a string"
    assert message(query="x", documents=["a"] * 1025) == "documents is an array of 1025 texts, must be at most 1024"
    assert message(query="x", documents=["a"], top_n=0).startswith("top_n is 0, must be")
    wrong = message("/v1/score", text_1=["a", "b"], text_2=["a", "b", "c"])
    assert wrong == "text_2 is given with 3 texts, must be as many as text_1 has, which are 2"
    assert "makes embeddings" in message(of=judging, model="mean", query="x", documents=["a"])
    assert server.post("/v1/rerank", {"model": "nobody", "query": "x", "documents": ["a"]}).status == 404
    reply = server.post("/v1/chat/completions", {"model": "cross", "messages": [{"role": "user", "content": "x"}]})
    assert reply.status == 400 and "scores pairs of texts" in reply.error()["message"]


def test_a_model_that_writes_judges(judging, server):
    """This one says neither yes nor no: all are equal, and stay in order."""
    results = answer(judging, "/v1/rerank", query="x", documents=["a", "b", "c"])["results"]
    assert [(row["index"], row["relevance_score"]) for row in results] == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert answer(server, "/v1/rerank", model="loop", query="x", documents=["a"])["model"] == "loop"
    [context] = [model["max_model_len"] for model in json.loads(judging.get("/v1/models").body)["data"] if model["id"] == "loop"]
    for word in ("word ", "\u5b57"):  # is cut at its end, and as much as fits is read
        long = answer(judging, "/v1/score", text_1="x", text_2=word * context)
        assert long["data"][0]["score"] == 0.5 and context // 2 < long["usage"]["prompt_tokens"] < context
    # A query that leaves no room for a document is the client's fault.
    assert refused(judging, "/v1/rerank", query="word " * context, documents=["a"])["code"] == "context_length_exceeded"
    # More documents than are open at once: each has its own score, in order.
    many = answer(judging, "/v1/rerank", query="x", documents=[f"text {i}" for i in range(50)])["results"]
    assert [(row["index"], row["relevance_score"]) for row in many] == [(i, 0.5) for i in range(50)]


def test_models_lists_it(server):
    [cross] = [model for model in json.loads(server.get("/v1/models").body)["data"] if model["id"] == "cross"]
    assert cross["task"] == "score" and cross["max_model_len"] == 64


def test_rag_search_reranks(tinyllm, tmp_path, models):
    folder = tmp_path / "docs"
    folder.mkdir()
    texts = {"a.txt": "Apples are red.", "b.txt": "Pears are green.", "c.txt": "Plums are blue."}
    for name, text in texts.items():
        (folder / name).write_text(text)

    def found(*flags):
        lines = tinyllm.text("rag", "search", folder, "are pears green", "--json", "--embedder", DATA / "mean", *flags)
        return [json.loads(line) for line in lines.splitlines()]

    plain = [hit["path"] for hit in found()]
    hits = found("--rerank", DATA / "cross")
    assert sorted(hit["path"] for hit in hits) == sorted(texts)
    assert all(0 < hit["score"] < 1 for hit in hits)
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert found("--rerank", DATA / "cross", "-k", 1) == hits[:1]
    assert [hit["path"] for hit in found("--rerank", models["loop"])] == plain  # a judge to whom all are equal
    question = ("ask", folder, "are pears green", "-m", models["loop"], "--max-tokens", 4, "-k", 1, "--path", "*.txt")
    assert f"\n[1] {hits[0]['path']}:1" in tinyllm.text(*question, "--rerank", DATA / "cross")
    message = tinyllm.failure("serve", "-m", models["loop"], "--reranker", DATA / "mean", "--port", 0)
    assert f"{DATA / 'mean'}: is no cross-encoder" in message
    assert "makes no vectors" in tinyllm.failure("embed", DATA / "cross", "x")

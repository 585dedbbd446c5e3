"""A model whose chat template cannot be read: text is completed with it, and who wants to chat is told why not."""

import pytest
import toy_model

REASON = "chat template, line 1, column 4: tag 'include' is not supported"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return toy_model.write_folder(tmp_path_factory.mktemp("broken") / "toy", toy_model.spell("Fine é!"), template="{% include 'x' %}")


def test_generate(tinyllm, model):
    done = tinyllm.run("generate", "-m", model, "--prompt", "assistant\n", "--temperature", 0)
    assert (done.returncode, done.stdout.decode()) == (0, "Fine é!\n"), done
    assert done.stderr.decode() == f"warning: {model}: messages are refused, only text is completed: {REASON}\n"


def test_chat(tinyllm, model):
    done = tinyllm.run("chat", "-m", model, "-p", "Hi")
    assert (done.returncode, done.stdout) == (1, b""), done
    assert done.stderr.decode().endswith(f"tinyllm: {model}: {REASON}\n")


def test_serve(model, start_server):
    server = start_server(model)
    answer = server.post("/v1/completions", {"prompt": "assistant\n", "max_tokens": 20, "temperature": 0})
    assert answer.json()["choices"][0]["text"] == "Fine é!"
    refused = server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]})
    assert refused.status == 400
    assert refused.json()["error"]["code"] == "no_chat_template"
    assert REASON in refused.json()["error"]["message"]

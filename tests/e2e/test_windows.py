"""`--window`, `--sinks` and `--rope-scaling`: what a run sees of its text, in the program."""

import json
import shutil

import pytest
from conftest import ROOT

TINY = ROOT / "tests/golden/data/tiny"
MODEL = TINY / "qwen2-f32-untied"  # trained for 512 tokens
STREAMING = ("--window", "24", "--sinks", "4")


def prompt_of(n_tokens):
    return ",".join(str(i * 29 % 67) for i in range(n_tokens))


def generate(tinyllm, n_prompt, *flags, model=MODEL, n=8):
    flags = ("--kv-type", "f32", "-t", "2", "--top-logits", "3", *flags)
    answer = tinyllm.json(
        "generate", "-m", model, "--token-ids", prompt_of(n_prompt), "-n", n, "--json", *flags
    )
    return answer["token_ids"], answer["top_logits"]


def test_a_window_changes_nothing_until_the_text_is_longer(tinyllm):
    assert generate(tinyllm, 20, *STREAMING) == generate(tinyllm, 20)
    assert generate(tinyllm, 60, *STREAMING) != generate(tinyllm, 60)


def test_the_reference_path_says_the_same(tinyllm):
    ids, top = generate(tinyllm, 200, *STREAMING)
    reference_ids, reference_top = generate(tinyllm, 200, *STREAMING, "--engine", "reference")
    assert ids == reference_ids
    for got, want in zip(top, reference_top, strict=True):
        assert got["logit"] == pytest.approx(want["logit"], rel=1e-3)


def test_a_text_may_be_longer_than_the_model_was_trained_for_and_than_the_memory(tinyllm):
    """30 blocks of 32 hold 960 tokens. No warning either: tinyllm.json() would fail."""
    few = ("--kv-blocks", "30", "--context", "3000")
    ids, _ = generate(tinyllm, 1500, *STREAMING, *few, n=40)
    assert len(ids) == 40
    assert ids == generate(tinyllm, 1500, *STREAMING, "--context", "3000", n=40)[0]


def test_without_a_window_that_does_not_fit(tinyllm):
    flags = ("--kv-blocks", "30", "--context", "3000")
    done = tinyllm.run("generate", "-m", MODEL, "--token-ids", prompt_of(1500), "-n", "4", *flags)
    assert done.returncode == 1 and b"the prompt has 1500 tokens, the context holds 960" in done.stderr, done


def test_a_window_without_sinks_warns(tinyllm):
    done = tinyllm.run("generate", "-m", MODEL, "--token-ids", prompt_of(60), "-n", "2", "--window", "24")
    assert done.returncode == 0 and b"--window 24 without --sinks" in done.stderr, done


def test_a_window_beside_narrower_ones_of_the_model_changes_nothing_and_says_so(tinyllm, tmp_path):
    folder = tmp_path / "narrow"
    shutil.copytree(MODEL, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"use_sliding_window": True, "sliding_window": 24, "layer_types": ["sliding_attention"] * 2}
    (folder / "config.json").write_text(json.dumps(config))
    flags = ("--window", "64", "--sinks", "4")
    done = tinyllm.run("generate", "-m", folder, "--token-ids", prompt_of(60), "-n", "2", *flags)
    assert done.returncode == 0, done
    assert b"all layers have windows of 24 of their own; --window 64 --sinks 4 changes nothing" in done.stderr, done


def test_serve_answers_beyond_the_memory(start_server, smollm2):
    flags = ("--window", "64", "--sinks", "4", "--context", "4096", "--kv-blocks", "24", "-t", "2")
    server = start_server(smollm2, *flags)
    fields = {"max_tokens": 4, "temperature": 0, "prompt": [i % 97 + 300 for i in range(1000)]}
    first, second = (server.post("/v1/completions", fields) for _ in range(2))
    assert first.status == 200, first
    assert first.json()["usage"]["prompt_tokens"] == 1000
    assert first.json()["choices"][0]["text"] == second.json()["choices"][0]["text"]
    server.stop()


def test_bench_takes_them(tinyllm):
    sizes = ("--prompt", "100", "--gen", "2", "--batch", "1", "--repeat", "1", "--json", "-t", "1")
    assert "prefill_tok_s" in json.dumps(tinyllm.json("bench", "-m", MODEL, *sizes, *STREAMING))


def test_rope_scaling_is_what_a_file_would_say(tinyllm, tmp_path):
    folder = tmp_path / "stretched"
    shutil.copytree(MODEL, folder)
    config = json.loads((folder / "config.json").read_text())
    config["rope_scaling"] = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}
    (folder / "config.json").write_text(json.dumps(config))
    by_file = generate(tinyllm, 700, model=folder)
    assert generate(tinyllm, 700, "--rope-scaling", "yarn:4") == by_file
    assert generate(tinyllm, 700, "--rope-scaling", "yarn:4,512") == by_file
    assert generate(tinyllm, 300, "--rope-scaling", "none", model=folder) == generate(tinyllm, 300)
    assert generate(tinyllm, 300, "--rope-scaling", "linear:2") != generate(tinyllm, 300)


FORMS = "it takes linear:F, yarn:F or yarn:F,LENGTH, or none"


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (("--sinks", "4"), "--sinks 4: there is no window beside which the first tokens could stay; give --window N too"),
        (("--window", "8"), "--window"),
        (("--window", "many"), "--window"),
        (("--window", "64", "--sinks", "300"), "--sinks"),
        (("--rope-scaling", "yarn:x"), f"the factor is 'x', must be a number in [1, 1024]; {FORMS}"),
        (("--rope-scaling", "dynamic:2"), "dynamic NTK turns all keys anew as the text grows"),
        (("--rope-scaling", "llama3:8"), "they are read from its file only"),
        (("--rope-scaling", "wide"), f"--rope-scaling 'wide': is no kind of scaling; {FORMS}"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "chat", "serve", "batch", "bench", "perplexity"])
def test_bad_input_is_one_line(tinyllm, command, flags, wanted):
    more = {"batch": ("-",), "perplexity": ("-f", "-"), "generate": ("-p", "x")}.get(command, ())
    done = tinyllm.run(command, "-m", MODEL, *more, *flags, stdin=b"")
    message = done.stderr.decode()
    assert done.returncode == 2 and done.stdout == b"", done
    assert message.startswith("tinyllm: ") and wanted in message and message.count("\n") == 1, message


def test_needle_draws_what_it_found(tinyllm, models, tmp_path):
    """A model that repeats letters finds no number."""
    flags = ("--lengths", "600,900", "--depths", "3")
    answer = tinyllm.json("needle", "-m", models["loop"], *flags, "--json", "--svg", tmp_path / "grid.svg")
    cells = answer["cells"]
    assert [(cell["length"], cell["depth"]) for cell in cells] == [(n, d) for n in (600, 900) for d in (0, 0.5, 1)]
    assert all(cell["length"] - 100 < cell["prompt_tokens"] <= cell["length"] for cell in cells)
    assert not any(cell["found"] for cell in cells)
    svg = (tmp_path / "grid.svg").read_text()
    assert svg.count("<title>") == 6 and svg.endswith("</svg>\n")
    assert tinyllm.text("needle", "-m", models["loop"], *flags).endswith("\n0 of 6 found\n")
    message = tinyllm.failure("needle", "-m", models["loop"], "--lengths", "64", code=2)
    assert message.startswith("--lengths: 64 tokens do not hold the question; give at least ")


def test_needle_fails_before_it_searches(tinyllm, models, tmp_path):
    flags = ("needle", "-m", models["loop"], "--lengths", "600", "--depths", "1")
    message = tinyllm.failure(*flags, "--context", "600", code=2)
    assert message.startswith("--context 600: the longest text has 600 tokens and its answer 24; give at least 624")
    assert tinyllm.text(*flags, "--context", "700").endswith("\n0 of 1 found\n")
    done = tinyllm.run(*flags, "--svg", tmp_path / "no folder" / "grid.svg")
    assert done.returncode != 0 and done.stdout == b"" and b"no folder" in done.stderr, done
    assert list(tmp_path.iterdir()) == []


def test_bench_speculate_checks_them(tinyllm):
    message = tinyllm.failure("bench", "-m", MODEL, "--speculate", "--sinks", "4", code=2)
    assert message.startswith("--sinks 4: there is no window")

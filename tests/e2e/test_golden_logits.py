"""generate --top-logits on the tiny folders without a tokenizer, against the logits of transformers."""

import json

import pytest
from conftest import ROOT

FOLDER = ROOT / "tests/golden/data/tiny"


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
def test_top_logits(tinyllm, name):
    golden = json.loads((FOLDER / f"{name}.golden.json").read_text())
    length, logits = golden["lengths"][1], golden["logits"][1]
    ids = ",".join(map(str, golden["token_ids"][:length]))
    answer = tinyllm.json("generate", "-m", FOLDER / name, "--token-ids", ids, "-n", "1", "--top-logits", "5", "--json")
    best = sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:5]
    scale = max(abs(logit) for logit in logits)
    assert answer["prompt_tokens"] == length
    assert [entry["id"] for entry in answer["top_logits"]] == best
    assert [entry["logit"] for entry in answer["top_logits"]] == pytest.approx([logits[i] for i in best], abs=1e-4 * scale)

"""generate --top-logits on the tiny folders without a tokenizer, against the logits of transformers."""

import array
import ast
import json

import pytest
from conftest import ROOT

FOLDER = ROOT / "tests/golden/data/tiny"


@pytest.mark.parametrize("engine, tolerance", [("reference", 1e-4), ("batched", 1e-3)])
@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
def test_top_logits(tinyllm, name, engine, tolerance):
    golden = json.loads((FOLDER / f"{name}.golden.json").read_text())
    length, logits = golden["lengths"][1], golden["logits"][1]
    ids = ",".join(map(str, golden["token_ids"][:length]))
    flags = ["-n", "1", "--top-logits", "5", "--json", "--engine", engine, "--kv-type", "f32", "--exact-float"]
    answer = tinyllm.json("generate", "-m", FOLDER / name, "--token-ids", ids, *flags)
    best = sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:5]
    scale = max(abs(logit) for logit in logits)
    assert answer["prompt_tokens"] == length
    assert [entry["id"] for entry in answer["top_logits"]] == best
    assert [entry["logit"] for entry in answer["top_logits"]] == pytest.approx([logits[i] for i in best], abs=tolerance * scale)


def npy(path):
    """(shape, numbers) of a NumPy file of f32."""
    content = path.read_bytes()
    assert content[:8] == b"\x93NUMPY\x01\x00"
    n_header = int.from_bytes(content[8:10], "little")
    assert (10 + n_header) % 64 == 0
    header = ast.literal_eval(content[10 : 10 + n_header].decode())
    assert (header["descr"], header["fortran_order"]) == ("<f4", False)
    numbers = array.array("f", content[10 + n_header :])
    assert len(numbers) == header["shape"][0] * header["shape"][1]
    return header["shape"], numbers


@pytest.mark.parametrize("model", ["qwen3-f32-tied-yarn", "qwen2moe-f32-untied"])
def test_dump_layers(tinyllm, tmp_path, model):
    ids = ",".join(str(i % 67) for i in range(70))
    for engine in ("batched", "reference"):
        tinyllm.run(
            "generate", "-m", FOLDER / model, "--token-ids", ids, "--dump-layers", tmp_path / engine,
            "--engine", engine, "--kv-type", "f32",
        )  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "batched").iterdir())
    assert names[:2] == ["embedding.npy", "layer_00.npy"]
    assert names == sorted(path.name for path in (tmp_path / "reference").iterdir())
    for name in names:
        (shape, one), (other_shape, other) = npy(tmp_path / "batched" / name), npy(tmp_path / "reference" / name)
        assert shape == other_shape and shape[0] == 70
        size = max(abs(x) for x in other)
        assert size > 0.01
        assert max(abs(x - y) for x, y in zip(one, other)) <= 1e-3 * size, name


def test_dump_layers_into_a_file(tinyllm, tmp_path):
    (tmp_path / "file").write_text("")
    command = ["generate", "-m", FOLDER / "qwen2-bf16-tied", "--token-ids", "1", "--dump-layers"]
    assert tinyllm.failure(*command, tmp_path / "file").startswith(f"{tmp_path}/file: cannot be made: ")

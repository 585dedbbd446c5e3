"""Token ids against Hugging Face's tokenizers and AutoTokenizer: every id of every text of random folders."""

import json
import os
import random

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import pytest

pytest.importorskip("transformers", reason="LACKS transformers: tests/differential/requirements.txt is not installed")

from conftest import how_many
from random_tokenizers import random_text, write_folder
from tokenizers import Tokenizer
from transformers import AutoTokenizer

N_TEXTS = 50


def reference_of(folder, has_config):
    if has_config:
        return AutoTokenizer.from_pretrained(str(folder)).backend_tokenizer
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def ids_of(tokenizer, text, **options):
    """None where tokenizers itself fails: tokens that strip white space out of one another make it panic."""
    try:
        return tokenizer.encode(text, **options).ids
    except BaseException as error:  # pyo3's PanicException is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return None


def with_one_prefix(tokenizer, ids):
    """What tiny-llm adds: the same, but no second BOS before a text that begins with it."""
    if ids is None:
        return None
    empty = tokenizer.encode("", add_special_tokens=True).ids
    marker = tokenizer.encode("x", add_special_tokens=False).ids
    around = tokenizer.encode("x", add_special_tokens=True).ids
    if not marker:
        return None  # no way to tell prefix and suffix apart
    at = next(i for i in range(len(empty) + 1) if around[i : i + len(marker)] == marker)
    prefix, suffix = around[:at], around[at + len(marker) :]
    return (ids if ids[: len(prefix)] == prefix else prefix + ids) + suffix


def special_words(tokenizer):
    """Ids of special tokens that stand in the model's own vocabulary too: with ignore_merges tokenizers makes them of a
    user's word, and tiny-llm never does."""
    state = json.loads(tokenizer.to_str())
    if not state["model"]["ignore_merges"]:
        return set()
    ids = {state["model"]["vocab"].get(t["content"]) for t in state["added_tokens"] if len(t["content"]) > 1} - {None}
    return {id for id in ids if not tokenizer.decode([id], skip_special_tokens=True)}


def test_random_folders(answers, tmp_path):
    n_folders = how_many(short=40, long=2000)
    n_compared, wrong = 0, []
    for seed in range(n_folders):
        rng = random.Random(seed)
        folder = tmp_path / str(seed)
        has_config = write_folder(folder, rng)
        tokenizer = reference_of(folder, has_config)
        texts = [random_text(rng) for _ in range(N_TEXTS)]
        answer = answers.ask(folder=str(folder), texts=texts)
        if "error" in answer:
            wrong.append((seed, answer["error"]))
            continue
        promised = special_words(tokenizer)
        for i, text in enumerate(texts):
            tokenizer.encode_special_tokens = False
            ids = ids_of(tokenizer, text, add_special_tokens=False)
            wanted = {
                "ids": ids,
                "with_special": with_one_prefix(tokenizer, ids),
                "decoded": tokenizer.decode(answer["ids"][i], skip_special_tokens=False),
                "skipped": tokenizer.decode(answer["ids"][i], skip_special_tokens=True),
            }
            tokenizer.encode_special_tokens = True
            wanted["plain"] = ids_of(tokenizer, text, add_special_tokens=False)
            for what, value in wanted.items():
                if value is None or (isinstance(value, list) and promised.intersection(value)):
                    continue
                n_compared += 1
                if answer[what][i] != value:
                    wrong.append((seed, what, text, answer[what][i], value))
    print(f"{n_folders} folders, {n_compared} comparisons, {len(wrong)} differ")
    assert not wrong, "\n".join(map(str, wrong[:10]))
    assert n_compared > n_folders * N_TEXTS * 4

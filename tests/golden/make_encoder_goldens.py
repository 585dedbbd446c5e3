#!/usr/bin/env python3
"""Makes data/encoder/: what transformers makes of texts with BERT-class encoders, small ones and all-minilm-l6-v2.

    make_encoder_goldens.py [FOLDER of all-minilm-l6-v2]

Needs torch, transformers, tokenizers and numpy. Three small encoders with random weights and trained WordPiece
vocabularies are kept whole, as sentence-transformers folders: `mean` (length 1), `cls` (heads of 10, bf16, as it is) and
`uneven` (rows of 48, which are no whole blocks of int8, and of 192, which are). `cross` is a cross-encoder
(BertForSequenceClassification with one label): pairs of texts, their ids and types, and the score of each.
Of the published model 300 texts' ids (count and hash) and vectors (f16) are kept.
"""

import json
import pathlib
import shutil
import sys

import numpy
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
)

DATA = pathlib.Path(__file__).parent / "data"
OUT = DATA / "encoder"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
N_REAL_TEXTS, N_LONG_TEXTS = 300, 12


def texts():
    """The empty one, texts of tokenizer_texts.py (languages, code, odd characters), and long ones joined from them."""
    every = [text for text in json.loads((DATA / "tokenizer/texts.json").read_text()) if text]
    n_short = N_REAL_TEXTS - N_LONG_TEXTS - 1
    long = [" ".join(every[(7 * i + 3 * j) % len(every)] for j in range(4 + 4 * i))[:2000] for i in range(N_LONG_TEXTS)]
    return [""] + [every[i * len(every) // n_short] for i in range(n_short)] + long


def hash_of(ids):
    """FNV-1a over the ids' little-endian bytes."""
    value = 0xCBF29CE484222325
    for byte in numpy.array(ids, dtype="<i4").tobytes():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def small_tokenizer(lowercase, n_tokens):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=n_tokens, special_tokens=SPECIAL, show_progress=False,
                                        limit_alphabet=n_tokens // 2)
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


def fill(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            is_norm = "LayerNorm.weight" in key
            scale = 0.3 if weight.dim() == 1 else 1.5 / weight.shape[1] ** 0.5
            weight.copy_(1 + 0.2 * noise if is_norm else scale * noise)


def make_cross():
    folder = OUT / "cross"
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = small_tokenizer(True, n_tokens=400)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), num_labels=1, hidden_size=32, num_hidden_layers=2,
                        num_attention_heads=2, intermediate_size=64, max_position_embeddings=64)
    model = BertForSequenceClassification(config)
    fill(model, 4)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    pairs_of = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), pad_token="[PAD]")
    model = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    some = texts()[1:160:8] + texts()[-3:]
    pairs = [[some[i], some[(5 * i + 1) % len(some)]] for i in range(len(some))] + [["", some[0]], [some[0], ""]]
    ids, types, scores = [], [], []
    with torch.inference_mode():
        for a, b in pairs:
            # As lists: a single empty text_pair counts as none.
            one = pairs_of([a], [b], truncation="longest_first", max_length=64, return_tensors="pt", return_token_type_ids=True)
            ids.append(one["input_ids"][0].tolist())
            types.append(one["token_type_ids"][0].tolist())
            scores.append(float(f"{torch.sigmoid(model(**one).logits[0, 0]).item():.7g}"))
    write_json(OUT / "cross.json", {"pairs": pairs, "ids": ids, "types": types, "scores": scores})


def make_small(name, seed, dtype, pooling, max_seq_length, lowercase, **sizes):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = small_tokenizer(lowercase, n_tokens=400)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), **sizes)
    model = BertModel(config, add_pooling_layer=False)
    fill(model, seed)
    model.to(dtype).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    types = ["Transformer", "Pooling"] + (["Normalize"] if pooling == "mean" else [])
    write_json(folder / "modules.json",
               [{"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"}
                for i, kind in enumerate(types)])
    write_json(folder / "1_Pooling/config.json",
               {"word_embedding_dimension": config.hidden_size, "pooling_mode_cls_token": pooling == "cls",
                "pooling_mode_mean_tokens": pooling == "mean"})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_seq_length})
    some = texts()[::6] + texts()[-4:]
    ids, vectors = run(folder, pooling, max_seq_length, some)
    write_json(OUT / f"{name}.json", {"texts": some, "ids": ids, "vectors": [[float(f"{x:.7g}") for x in v] for v in vectors]})
    print(name, sum(f.stat().st_size for f in folder.rglob("*")), "bytes")


def run(folder, pooling, max_seq_length, some):
    """ids and vectors, text by text, in f32."""
    if (folder / "tokenizer_config.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(folder)
    else:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), pad_token="[PAD]")
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids, vectors = [], []
    with torch.inference_mode():
        for text in some:
            one = tokenizer(text, truncation=True, max_length=max_seq_length, return_tensors="pt",
                            return_token_type_ids=False)
            states = model(**one).last_hidden_state[0]
            vector = states.mean(0) if pooling == "mean" else states[0]
            ids.append(one["input_ids"][0].tolist())
            vectors.append((torch.nn.functional.normalize(vector, dim=0) if pooling == "mean" else vector).numpy())
    return ids, vectors


def make_published(folder):
    ids, vectors = run(pathlib.Path(folder), "mean", 256, texts())
    write_json(OUT / "all-minilm-l6-v2.json", {"texts": texts(), "ids": [[len(i), hash_of(i)] for i in ids]})
    print("longest", sorted(len(i) for i in ids)[-N_LONG_TEXTS:])
    numpy.array(vectors, dtype="<f2").tofile(OUT / "all-minilm-l6-v2.f16")


def main():
    make_small("mean", 1, torch.float32, "mean", 48, True, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
               intermediate_size=64, max_position_embeddings=64)
    make_small("cls", 2, torch.bfloat16, "cls", 64, False, hidden_size=40, num_hidden_layers=2, num_attention_heads=4,
               intermediate_size=72, max_position_embeddings=64, layer_norm_eps=1e-5)
    make_small("uneven", 3, torch.bfloat16, "mean", 40, True, hidden_size=48, num_hidden_layers=2, num_attention_heads=3,
               intermediate_size=192, max_position_embeddings=40)
    make_cross()
    if len(sys.argv) > 1:
        make_published(sys.argv[1])


if __name__ == "__main__":
    main()

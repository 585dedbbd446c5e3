#!/usr/bin/env python3
"""Makes data/tokenizer/*.json: what Hugging Face's tokenizers makes of tokenizer_texts.py.

    make_tokenizer_goldens.py SMOLLM2.gguf QWEN2.5.gguf

Needs tokenizers and gguf; xllamacpp where it is installed (a second opinion, printed only). The two files give the
real vocabularies of SmolLM2 and Qwen2.5. For every pretokenizer a small vocabulary is trained as well and kept, so
that the tests need no model.
"""

import json
import pathlib
import random
import sys
import unicodedata
import urllib.request

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_texts import all_texts

OUT = pathlib.Path(__file__).parent / "data" / "tokenizer"
MAX_LISTED_IDS = 64  # longer results are kept as count and hash

CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = CL100K % ""
LLAMA3 = CL100K % "{1,3}"


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated", invert=False),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def digits_then_bytes():
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])


# family -> normaliser, pretokenizer, special tokens, added tokens that are not special
FAMILIES = {
    "gpt2": (None, lambda: pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True), ["<|endoftext|>"], []),
    "smollm": (None, digits_then_bytes, ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>"], []),
    "llama3": (None, lambda: split_then_bytes(LLAMA3),
               ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                "<|reserved_special_token_0|>"], []),
    "qwen2": ("NFC", lambda: split_then_bytes(QWEN2), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], []),
    "qwen3": ("NFC", lambda: split_then_bytes(QWEN2),
              ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"],
              ["<tool_call>", "</tool_call>", "<think>", "</think>"]),
}


def added(texts, special):
    return [AddedToken(t, special=special, normalized=False, single_word=False, lstrip=False, rstrip=False) for t in texts]


def dress(tokenizer, family):
    """Gives a bare BPE model everything that the family's tokenizer.json says."""
    normalizer, pretokenizer, special, words = FAMILIES[family]
    if normalizer == "NFC":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pretokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if special:
        tokenizer.add_special_tokens(added(special, True))
    if words:
        tokenizer.add_tokens(added(words, False))
    if family == "llama3":
        bos = "<|begin_of_text|>"
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos} $B:1",
                                          special_tokens=[(bos, tokenizer.token_to_id(bos))])])
    return tokenizer


def train(family, texts):
    tokenizer = Tokenizer(models.BPE())
    normalizer, pretokenizer, _, _ = FAMILIES[family]
    if normalizer == "NFC":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pretokenizer()
    trainer = trainers.BpeTrainer(vocab_size=1100, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts * 3, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(m) for m in model["merges"]]
    vocab = model["vocab"]
    if family == "llama3":  # whole words that no merge makes: only ignore_merges finds them
        for word in ["Ġgenerations", "fox", "Ġworld", "Âł", "ä¸ĸçķĮ", "1234", "ĊĊ"]:
            vocab.setdefault(word, len(vocab))
    tokenizer = dress(Tokenizer(models.BPE(vocab, merges, ignore_merges=family == "llama3")), family)
    return tokenizer


def from_gguf(path, family):
    from gguf import GGUFReader
    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens) if kinds[i] != 5}, merges))
    FAMILIES["of " + path] = FAMILIES[family][:2] + ([t for t, k in zip(tokens, kinds) if k == 3],
                                                    [t for t, k in zip(tokens, kinds) if k == 4])
    return dress(tokenizer, "of " + path)


def fnv1a(ids):
    value = 0xCBF29CE484222325
    for i in ids:
        for byte in i.to_bytes(4, "little"):
            value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def listed(ids):
    return ids if len(ids) <= MAX_LISTED_IDS else [len(ids), fnv1a(ids)]


def goldens_of(tokenizer, texts):
    """ids: of each text. plain: of texts with special tokens, those read as ordinary text. decoded: where decoding does
    not give the text back. slices: the text of ids[begin:end], often cut within a character."""
    rng = random.Random(7)
    all_ids = [tokenizer.encode(t, add_special_tokens=False).ids for t in texts]
    golden = {"ids": [listed(ids) for ids in all_ids], "plain": {}, "decoded": {}, "slices": []}
    tokenizer.encode_special_tokens = True
    for i, text in enumerate(texts):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if ids != all_ids[i]:
            golden["plain"][str(i)] = listed(ids)
        decoded = tokenizer.decode(all_ids[i], skip_special_tokens=False)
        if decoded != text:
            golden["decoded"][str(i)] = decoded
    tokenizer.encode_special_tokens = False
    for i in rng.sample([i for i, ids in enumerate(all_ids) if 3 < len(ids) <= MAX_LISTED_IDS and texts[i][0] > "~"], 30):
        begin = rng.randrange(0, len(all_ids[i]) - 1)
        end = rng.randint(begin + 1, len(all_ids[i]))
        golden["slices"].append([i, begin, end, tokenizer.decode(all_ids[i][begin:end], skip_special_tokens=True)])
    return golden


def write(name, content):
    path = OUT / name
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.stat().st_size:8d} bytes {name}")


def split(pattern, behavior, invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def bytes_after(*stages, use_regex=False):
    return {"type": "Sequence", "pretokenizers": [*stages, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}]}


def token(content, special=False, lstrip=False, rstrip=False, single_word=False, normalized=False):
    return {"id": None, "content": content, "single_word": single_word, "lstrip": lstrip, "rstrip": rstrip, "normalized": normalized, "special": special}


def variants(n):
    """Changes to gpt2.tokenizer.json (n tokens before the added ones): name -> replaced top-level fields."""
    nfc = {"type": "NFC"}
    base = token("<|endoftext|>", special=True)
    yield "prefix space", {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}}
    for behavior in ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]:
        yield f"{behavior} white space", {"pre_tokenizer": bytes_after(split(r"\s", behavior))}
        yield f"{behavior} all but vowels", {"pre_tokenizer": bytes_after(split(r"[aeiou]+", behavior, invert=True))}
        yield f"{behavior} text", {"pre_tokenizer": bytes_after(split("' ", behavior, kind="String"), split(".", behavior, kind="String"))}
    yield "empty matches", {"pre_tokenizer": bytes_after(split(r"(?=[A-Z])|x*", "Isolated"))}
    yield "line ends", {"pre_tokenizer": bytes_after(split(r"^ *|$", "MergedWithNext"))}
    yield "no stage", {"pre_tokenizer": bytes_after()}
    yield "runs of digits", {"pre_tokenizer": bytes_after({"type": "Digits", "individual_digits": False}, use_regex=True)}
    yield "chain", {"pre_tokenizer": bytes_after(split(r"\p{N}{1,3}", "Isolated"), split("[一-龥぀-ゟ゠-ヿ]+", "Isolated"),
                                                 split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", "Isolated"))}
    yield "normaliser list", {"normalizer": {"type": "Sequence", "normalizers": [nfc]}}
    yield "longest of added tokens", {"added_tokens": [base, token("<|im"), token("<|im_end|>"), token("im_e"), token("end"), token("<|endoftext|><|")]}
    yield "strips", {"added_tokens": [token("<|endoftext|>", special=True, lstrip=True, rstrip=True), token("<|im_end|>", rstrip=True), token("<|im_start|>", lstrip=True), token("b", lstrip=True), token("x", rstrip=True), token("\n")]}
    yield "single words", {"added_tokens": [base, token("a", single_word=True), token("<|im_end|>", single_word=True), token("the", single_word=True, lstrip=True), token("1", single_word=True), token("1 2", single_word=True)]}
    yield "normalised tokens", {"normalizer": nfc, "added_tokens": [base, token("e\u0301", normalized=True), token("\u1e0d", normalized=True), token("<|im_end|>", special=True, normalized=True), token("o\u0308")]}
    yield "two BOS and an EOS", {"post_processor": {
        "type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "single": [{"SpecialToken": {"id": "x", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "y", "type_id": 0}}],
        "special_tokens": {"x": {"id": "x", "ids": [n, 5], "tokens": ["x", "5"]}, "y": {"id": "y", "ids": [7], "tokens": ["y"]}}}}


def variant_goldens(base_json, texts):
    base = json.loads(base_json)
    result = []
    chosen = range(0, len(texts), 3)
    for name, change in variants(len(base["model"]["vocab"])):
        # As tokenizers gives ids: a token that the vocabulary knows keeps its id, the others follow on.
        vocab = dict(base["model"]["vocab"])
        for entry in change.get("added_tokens", []):
            entry["id"] = vocab.setdefault(entry["content"], len(vocab))
        tokenizer = Tokenizer.from_str(json.dumps({**base, **change}))
        assert all(tokenizer.token_to_id(entry["content"]) == entry["id"] for entry in change.get("added_tokens", []))
        add_special = "post_processor" in change
        ids = [tokenizer.encode(texts[i], add_special_tokens=add_special).ids for i in chosen]
        # The merged hash says whether all are equal, the single ones which differ.
        result.append({"name": name, "change": change, "add_special": add_special, "hashes": "".join(fnv1a(x)[:8] for x in ids)})
    return result


def second_opinion(path, texts, all_ids):
    """llama.cpp's own tokenizer through its server: counts and shows the texts that differ."""
    try:
        import xllamacpp
    except ImportError:
        print("xllamacpp is not installed: no second opinion")
        return
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = 128
    server = xllamacpp.Server(params)
    for nfc in (False, True):
        differing = []
        for text, ids in zip(texts, all_ids):
            content = unicodedata.normalize("NFC", text) if nfc else text
            body = json.dumps({"content": content, "add_special": False, "parse_special": True}).encode()
            request = urllib.request.Request(server.listening_address + "/tokenize", body, {"Content-Type": "application/json"})
            theirs = json.load(urllib.request.urlopen(request))["tokens"]
            if theirs != ids:
                differing.append(text)
        print(f"llama.cpp on {'NFC of ' if nfc else ''}{len(texts)} texts: {len(differing)} differ", [repr(t[:30]) for t in differing])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    texts = all_texts()
    write("texts.json", texts)
    for family in FAMILIES.copy():
        tokenizer = train(family, texts)
        content = json.loads(tokenizer.to_str())
        if family == "gpt2":  # the older way to write merges
            content["model"]["merges"] = [" ".join(m) for m in content["model"]["merges"]]
        write(f"{family}.tokenizer.json", content)
        tokenizer = Tokenizer.from_file(str(OUT / f"{family}.tokenizer.json"))
        write(f"{family}.json", goldens_of(tokenizer, texts))
    write("variants.json", variant_goldens((OUT / "gpt2.tokenizer.json").read_text(encoding="utf-8"), texts))
    for name, family, path in [("smollm2-135m", "smollm", sys.argv[1]), ("qwen2.5-coder-1.5b", "qwen2", sys.argv[2])]:
        tokenizer = from_gguf(path, family)
        write(f"{name}.json", goldens_of(tokenizer, texts))
        second_opinion(path, texts, [tokenizer.encode(t, add_special_tokens=False).ids for t in texts])


if __name__ == "__main__":
    main()

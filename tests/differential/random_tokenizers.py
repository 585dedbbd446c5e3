"""Random tokenizer folders: a byte-level BPE with odd added tokens and flags, and odd files beside it."""

import json
import string

from tokenizers import pre_tokenizers

ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
BYTES = {}  # byte -> its character
for byte, character in zip(
    list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100)),
    map(chr, list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))),
):
    BYTES[byte] = character
for n, byte in enumerate(b for b in range(256) if b not in BYTES):
    BYTES[byte] = chr(0x100 + n)

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WORDS = ["the", " the", "tool", "user", "ing", "\n\n", "12", "é", "日本", " x", "END", "TURN", "<|", "|>", "ſ", "  "]
# No added token here changes under NFC: tokenizers 0.23 forgets the text of one that does once it is "normalized".
ADDED = [
    "<|e|>", "<|u|>", "<tool>", "</tool>", "<|im_end|>", "<|im", "end", "Å", "ſ", "é", "Ġthe", "the", " x",
    "\n", "\n\n", "###", "ENDTURN", "日", "日本", "<a b>", "a", "ab", "b>c", "ÅÅ", "Ċ", "|>", "1", "tool", "\u00a0", "𝔘",
]
PIECES = [
    *ADDED, *WORDS, "e\u0301", " ", "  ", "\t", "x", "y", "'s", "don't", "Ż", "š", "ß", "😀", "\u3000", ".", ",", "_", "9", "0",
    "hello", "<", ">", "|", "A\u030a", "\x00", "\u200d", "\r\n", "żółw", "Å", "Ц", "नि",
]
NAMES = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token"]


def printable(text):
    return "".join(BYTES[byte] for byte in text.encode())


def flags(rng, special=None):
    chosen = lambda p: rng.random() < p
    return {
        "single_word": chosen(0.15), "lstrip": chosen(0.25), "rstrip": chosen(0.25), "normalized": chosen(0.4),
        "special": chosen(0.5) if special is None else special,
    }


def random_model(rng):
    """Vocabulary and merges: all bytes (now and then not all), merges of random words, odd entries behind."""
    vocab = {BYTES[byte]: byte for byte in range(256)}
    merges = []
    for word in rng.sample(WORDS, rng.randint(2, len(WORDS))):
        parts = list(printable(word))
        while len(parts) > 1:
            at = rng.randrange(len(parts) - 1)
            left, right = parts[at], parts[at + 1]
            if left + right not in vocab:
                vocab[left + right] = len(vocab)
            if [left, right] not in merges:
                merges.append([left, right])
            parts[at : at + 2] = [left + right]
    for odd in rng.sample(["<unused 1>", "日", "ENDTURN", "hello", "Ġhello", "###", "the", "<|e|>", "Å¼"], rng.randint(0, 4)):
        vocab.setdefault(odd, len(vocab))
    model = {"type": "BPE", "dropout": rng.choice([None, None, 0.0]), "unk_token": None, "continuing_subword_prefix": rng.choice([None, ""]),
             "end_of_word_suffix": rng.choice([None, ""]), "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": rng.random() < 0.3}
    if rng.random() < 0.15:  # some bytes are no token
        lost = rng.sample([b for b in range(256) if not any(BYTES[b] in left + right for left, right in merges)], 20)
        vocab = {text: None for text in vocab if text not in {BYTES[b] for b in lost}}
        vocab = {text: id for id, text in enumerate(vocab)}
        if rng.random() < 0.7:
            model["unk_token"] = rng.choice(list(vocab))
            model["fuse_unk"] = rng.random() < 0.5
    elif rng.random() < 0.2:
        model.update(unk_token=rng.choice(["a", "not there"]), fuse_unk=True, byte_fallback=rng.random() < 0.5)
    as_text = rng.random() < 0.5
    model["vocab"] = vocab
    model["merges"] = [" ".join(merge) for merge in merges] if as_text else merges
    return model


def random_added(rng, vocab):
    """The list of tokenizer.json; ids as tokenizers will give them, now and then others."""
    texts = rng.sample(ADDED, rng.randint(0, 10))
    entries, n_ids = [], len(vocab)
    for text in texts:
        if text in vocab:
            id = vocab[text]
        else:
            id, n_ids = n_ids, n_ids + 1
        entries.append({"id": id if rng.random() < 0.95 else id + 7, "content": text, **flags(rng)})
    if entries and rng.random() < 0.2:  # once more, with other flags
        again = dict(rng.choice(entries))
        entries.append({**again, **flags(rng)})
    return entries


def random_pretokenizer(rng):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    kind = rng.randrange(5)
    if kind == 0:
        return {**byte_level, "add_prefix_space": rng.random() < 0.5}
    if kind == 1:
        return {**byte_level, "use_regex": False}
    if kind == 2:
        split = {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": False}
        return {"type": "Sequence", "pretokenizers": [split, {**byte_level, "use_regex": False}]}
    if kind == 3:
        digits = {"type": "Digits", "individual_digits": rng.random() < 0.5}
        return {"type": "Sequence", "pretokenizers": [digits, byte_level]}
    behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    split = {"type": "Split", "pattern": {"String": rng.choice([" ", "e", "|", "\n", "日"])}, "behavior": rng.choice(behaviors),
             "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, byte_level]}


def random_post_processor(rng, ids):
    """`ids`: text -> id of the added tokens."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    kind = rng.randrange(5)
    if kind == 0 or not ids:
        return rng.choice([None, byte_level])
    token = lambda: rng.choice(sorted(ids))
    piece = lambda text: {"SpecialToken": {"id": text, "type_id": 0}}
    before, behind = [token() for _ in range(rng.randint(0, 2))], [token() for _ in range(rng.randint(0, 2))]
    template = {
        "type": "TemplateProcessing",
        "single": [*map(piece, before), {"Sequence": {"id": "A", "type_id": 0}}, *map(piece, behind)],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {text: {"id": text, "ids": [ids[text]], "tokens": [text]} for text in before + behind},
    }
    if kind == 1:
        cls, sep = token(), token()
        return {"type": rng.choice(["RobertaProcessing", "BertProcessing"]), "sep": [sep, ids[sep]], "cls": [cls, ids[cls]],
                "trim_offsets": True, "add_prefix_space": False}
    if kind == 2:
        return {"type": "Sequence", "processors": [byte_level, template]}
    return template


def random_config(rng, tokenizer):
    """tokenizer_config.json, and special_tokens_map.json or None."""
    known = [entry["content"] for entry in tokenizer["added_tokens"]]
    token = lambda: rng.choice(known + ["<|e|>", "<|new|>"] if rng.random() < 0.9 else ["###", "<|other|>"])
    config = {"tokenizer_class": rng.choice(["PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend",
                                             "LlamaTokenizerFast", "LlamaTokenizer"])}
    if rng.random() < 0.4:
        config["add_bos_token"] = rng.random() < 0.5
    if rng.random() < 0.3:
        config["add_eos_token"] = rng.random() < 0.5
    for name in rng.sample(NAMES, rng.randint(0, 3)):
        config[name] = token()
        if rng.random() < 0.3:
            config[name] = {"__type": "AddedToken", "content": config[name], **flags(rng)}
    if rng.random() < 0.3:
        config[rng.choice(["additional_special_tokens", "extra_special_tokens"])] = [token() for _ in range(2)]
    if rng.random() < 0.5:
        decoder = {}
        for entry in tokenizer["added_tokens"]:
            if rng.random() < 0.7:
                decoder[str(entry["id"])] = {k: v for k, v in entry.items() if k != "id"}
                if rng.random() < 0.5:
                    decoder[str(entry["id"])].update(flags(rng))
        if rng.random() < 0.3:  # ids play no part
            decoder["4000"] = {"content": "<|new|>", **flags(rng)}
        config["added_tokens_decoder"] = decoder
    token_map = None
    if rng.random() < 0.3:
        token_map = {name: token() for name in rng.sample(NAMES, rng.randint(0, 3))}
        for name in list(token_map):
            if rng.random() < 0.4:
                token_map[name] = {"content": token_map[name], **{k: v for k, v in flags(rng).items() if k != "special"}}
    return config, token_map


def write_folder(folder, rng):
    """A folder that AutoTokenizer and tiny-llm open; without tokenizer_config.json one in five."""
    folder.mkdir()
    model = random_model(rng)
    added = random_added(rng, model["vocab"])
    real_ids = {}
    n_ids = len(model["vocab"])
    for entry in added:  # as tokenizers gives them
        text = entry["content"]
        if text not in real_ids:
            real_ids[text] = model["vocab"].get(text, n_ids)
            n_ids += text not in model["vocab"]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": rng.choice([None, None, {"type": "NFC"}, {"type": "Sequence", "normalizers": [{"type": "NFC"}]}]),
        "pre_tokenizer": random_pretokenizer(rng),
        "post_processor": random_post_processor(rng, real_ids),
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": model,
    }
    write = lambda name, content: (folder / name).write_text(json.dumps(content), encoding="utf-8")
    write("tokenizer.json", tokenizer)
    write("config.json", {"model_type": "llama", "architectures": ["LlamaForCausalLM"]})
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    if rng.random() < 0.8:
        config, token_map = random_config(rng, tokenizer)
        write("tokenizer_config.json", config)
        if token_map is not None:
            write("special_tokens_map.json", token_map)
        return True
    return False


def random_text(rng):
    if rng.random() < 0.1:
        return "".join(rng.choice(string.printable) for _ in range(rng.randint(0, 40)))
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 12)))

"""Complete models of 260 tokens whose every answer is known beforehand.

The embedding is the identity, attention and MLP add nothing, and the head has a single 1 in each column: token i is
followed by token chain[i], always, with probability e^a / (e^a + 259), where a is what RMSNorm makes of the 1: about
sqrt(260). So a test can say exactly which
text, which ids and which perplexity the binary must give. Written as a Hugging Face folder or as a GGUF file.
"""

import array
import json
import math
import struct

N_VOCAB = 260
END_OF_TEXT, IM_START, IM_END, TH = 256, 257, 258, 259
SPECIALS = {END_OF_TEXT: "<|endoftext|>", IM_START: "<|im_start|>", IM_END: "<|im_end|>"}
MAX_SEQ_LEN = 4096
NORM_EPS = 1e-6

# The logit of the token that follows, and what a hit and a miss cost in nats.
LOGIT = 1 / math.sqrt(1 / N_VOCAB + NORM_EPS)
NLL_HIT = math.log(math.exp(LOGIT) + N_VOCAB - 1) - LOGIT
NLL_MISS = math.log(math.exp(LOGIT) + N_VOCAB - 1)

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def spell(text, after="\n", then=IM_END):
    """A chain that says `text` (its bytes all different) after the byte `after`, and then the token `then`."""
    chain = dict.fromkeys(range(N_VOCAB), END_OF_TEXT)
    steps = [*after.encode(), *text.encode(), then]
    assert len(set(steps)) == len(steps), "a byte that stands twice cannot have two successors"
    chain.update(zip(steps, steps[1:]))
    return chain


def loop(text="abcdefghijklmnopqrstuvwxyz "):
    """A chain that says `text` again and again, never ending."""
    chain = spell(text)
    chain[text.encode()[-1]] = text.encode()[0]
    return chain


def printable_bytes():
    """GPT-2's table: a printable character for each byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return {**{b: chr(b) for b in shown}, **{b: chr(256 + i) for i, b in enumerate(hidden)}}


def vocabulary(words=None):
    """The tokens' texts; `words` {id: text} stand in place of bytes that no text of a test holds."""
    table = printable_bytes()
    tokens = [table[b] for b in range(256)] + [SPECIALS[i] for i in sorted(SPECIALS)] + ["th"]
    return [(words or {}).get(i, token) for i, token in enumerate(tokens)]


def say(answers):
    """A chain and its words: after the last byte of each key come the parts of its answer, and then the end."""
    chain, words = dict.fromkeys(range(N_VOCAB), END_OF_TEXT), {}
    for after, parts in answers.items():
        last = after.encode()[-1]
        for part in parts:
            token = len(words) + 1 if len(words) < 8 else len(words) + 6  # control bytes, without \t to \r
            words[token] = part
            chain[last] = last = token
        chain[last] = IM_END
    assert max(words) < 32, "no more bytes to spare"
    return chain, words


def floats(n, ones=()):
    values = array.array("f", bytes(4 * n))
    for i in ones:
        values[i] = 1.0
    return values.tobytes()


def tensors(chain):
    """(Hugging Face name, GGUF name, shape, bytes)"""
    v, kv, mlp = N_VOCAB, 4, 8
    ones = array.array("f", [1.0] * v).tobytes()
    zero = [
        ("self_attn.q_proj", "attn_q", (2 * kv, v)),
        ("self_attn.k_proj", "attn_k", (kv, v)),
        ("self_attn.v_proj", "attn_v", (kv, v)),
        ("self_attn.o_proj", "attn_output", (v, 2 * kv)),
        ("mlp.gate_proj", "ffn_gate", (mlp, v)),
        ("mlp.up_proj", "ffn_up", (mlp, v)),
        ("mlp.down_proj", "ffn_down", (v, mlp)),
    ]
    yield "model.embed_tokens.weight", "token_embd.weight", (v, v), floats(v * v, [i * v + i for i in range(v)])
    yield "lm_head.weight", "output.weight", (v, v), floats(v * v, [chain[i] * v + i for i in range(v)])
    yield "model.norm.weight", "output_norm.weight", (v,), ones
    yield "model.layers.0.input_layernorm.weight", "blk.0.attn_norm.weight", (v,), ones
    yield "model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight", (v,), ones
    for hf, gguf, shape in zero:
        yield f"model.layers.0.{hf}.weight", f"blk.0.{gguf}.weight", shape, floats(math.prod(shape))


def write_safetensors(path, chain):
    header, data = {}, b""
    for name, _, shape, content in tensors(chain):
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_folder(folder, chain, tokenizer=True, template=TEMPLATE, generation=None, settings=None, words=None):
    folder.mkdir(parents=True)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": N_VOCAB, "hidden_size": N_VOCAB,
        "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
        "head_dim": 4, "max_position_embeddings": MAX_SEQ_LEN, "rms_norm_eps": NORM_EPS, "rope_theta": 10000.0,
        "tie_word_embeddings": False, "hidden_act": "silu", "torch_dtype": "float32", "bos_token_id": END_OF_TEXT,
        "eos_token_id": IM_END,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [IM_END, END_OF_TEXT], **(generation or {})})
    )
    write_safetensors(folder / "model.safetensors", chain)
    if tokenizer:
        write_tokenizer(folder, template, settings or {}, words)
    return folder


def write_tokenizer(folder, template, more_settings, words=None):
    added = [
        {"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": i in SPECIALS}
        for i, text in {**SPECIALS, **(words or {})}.items()
    ]  # fmt: skip
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "vocab": {token: i for i, token in enumerate(vocabulary(words))}, "merges": ["t h"]},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content))
    settings = {"tokenizer_class": "GPT2Tokenizer", "eos_token": SPECIALS[IM_END], "bos_token": None, **more_settings}
    if template is not None:
        settings["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def gguf_value(value):
    """Type code and bytes of one metadata value."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, struct.pack("<Q", len(value.encode())) + value.encode()
    kind = gguf_value(value[0])[0]
    return 9, struct.pack("<IQ", kind, len(value)) + b"".join(gguf_value(item)[1] for item in value)


def write_gguf(path, chain, template=TEMPLATE):
    metadata = {
        "general.architecture": "llama", "general.name": "toy", "general.alignment": 32,
        "llama.block_count": 1, "llama.context_length": MAX_SEQ_LEN, "llama.embedding_length": N_VOCAB,
        "llama.feed_forward_length": 8, "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
        "llama.attention.key_length": 4, "llama.attention.value_length": 4, "llama.rope.dimension_count": 4,
        "llama.rope.freq_base": 10000.0, "llama.attention.layer_norm_rms_epsilon": NORM_EPS,
        "llama.vocab_size": N_VOCAB, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": vocabulary(), "tokenizer.ggml.merges": ["t h"],
        "tokenizer.ggml.token_type": [3 if i in SPECIALS else 1 for i in range(N_VOCAB)],
        "tokenizer.ggml.eos_token_id": IM_END, "tokenizer.ggml.bos_token_id": END_OF_TEXT,
        "tokenizer.ggml.add_bos_token": False, "tokenizer.chat_template": template,
    }  # fmt: skip
    infos, data, n_tensors = b"", b"", 0
    for _, name, shape, content in tensors(chain):
        infos += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(shape))
        infos += struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", 0, len(data))
        data += content + bytes(-len(content) % 32)
        n_tensors += 1
    head = b"GGUF" + struct.pack("<IQQ", 3, n_tensors, len(metadata))
    for key, value in metadata.items():
        kind, content = gguf_value(value)
        head += struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + content
    head += infos
    path.write_bytes(head + bytes(-len(head) % 32) + data)
    return path

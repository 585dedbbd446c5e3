"""A Qwen2 of a few numbers in float64: its weights for a case, and what its attention, its layers and its head answer."""

from error_bound import add, attend, exact, linear, rms_norm, rope, rows, silu_mul
from goldens import array, f32, normal

THETA, EPS_OF_NORM = 10000.0, 1e-6


class TinyModel:
    def __init__(self, rng, hidden, n_heads, n_kv_heads, head_dim, intermediate=0, n_layers=1, vocab=0, bias=True, spread=0.6):
        self.hidden, self.n_heads, self.n_kv_heads, self.head_dim = hidden, n_heads, n_kv_heads, head_dim
        self.intermediate, self.n_layers, self.vocab = intermediate, n_layers, vocab
        q, kv = n_heads * head_dim, n_kv_heads * head_dim
        self.weights = {}
        for i in range(n_layers):
            names = {"q_proj": q * hidden, "k_proj": kv * hidden, "v_proj": kv * hidden, "o_proj": hidden * q}
            names |= {"q_bias": q, "k_bias": kv, "v_bias": kv} if bias else {}
            names |= {"gate_proj": intermediate * hidden, "up_proj": intermediate * hidden, "down_proj": hidden * intermediate} if intermediate else {}
            self.weights |= {f"{i}.{name}": normal(rng, n, spread) for name, n in names.items()}
            if intermediate:
                self.weights |= {f"{i}.{name}": [f32(1 + x) for x in normal(rng, hidden, 0.3)] for name in ("input_norm", "post_attention_norm")}
        if vocab:
            self.weights |= {"embed_tokens": normal(rng, vocab * hidden), "lm_head": normal(rng, vocab * hidden, spread)}
            self.weights["final_norm"] = [f32(1 + x) for x in normal(rng, hidden, 0.3)]

    def inputs(self):
        shape = {name: getattr(self, name) for name in ("n_heads", "n_kv_heads", "head_dim", "n_layers")}
        return shape | {"hidden_size": self.hidden, "intermediate_size": self.intermediate, "vocab_size": self.vocab} | self.weights

    def get(self, i, name):
        return self.weights.get(f"{i}.{name}")

    def attention(self, i, xs):
        """xs: the normed rows of all positions. Gives deltas, keys and values, a row a position."""
        deltas, all_keys, all_values = [], [], []
        d = self.head_dim
        for t, x in enumerate(xs):
            q, k, v = (linear(x, rows(self.get(i, f"{n}_proj"), self.hidden), self.get(i, f"{n}_bias")) for n in "qkv")
            turned = [rope(head, t, THETA) for head in rows(k, d)]
            all_keys.append(turned)
            all_values.append(rows(v, d))
            out = []
            for h, head in enumerate(rows(q, d)):
                g = h // (self.n_heads // self.n_kv_heads)
                out += attend(rope(head, t, THETA), [keys[g] for keys in all_keys], [values[g] for values in all_values])
            deltas.append(linear(out, rows(self.get(i, "o_proj"), self.n_heads * d)))
        return deltas, [sum(k, []) for k in all_keys], [sum(v, []) for v in all_values]

    def block(self, i, hs):
        normed = [rms_norm(h, self.get(i, "input_norm"), EPS_OF_NORM) for h in hs]
        hs = [[add(a, b) for a, b in zip(h, delta)] for h, delta in zip(hs, self.attention(i, normed)[0])]
        out = []
        for h in hs:
            x = rms_norm(h, self.get(i, "post_attention_norm"), EPS_OF_NORM)
            gate, up = (linear(x, rows(self.get(i, f"{n}_proj"), self.hidden)) for n in ("gate", "up"))
            down = linear(silu_mul(gate, up), rows(self.get(i, "down_proj"), self.intermediate))
            out.append([add(a, b) for a, b in zip(h, down)])
        return out

    def normed(self, token_ids):
        hs = [exact(rows(self.weights["embed_tokens"], self.hidden)[token]) for token in token_ids]
        for i in range(self.n_layers):
            hs = self.block(i, hs)
        return [rms_norm(h, self.weights["final_norm"], EPS_OF_NORM) for h in hs]

    def logits(self, normed):
        return [linear(x, rows(self.weights["lm_head"], self.hidden)) for x in normed]


def answer(shape, axes, rows_of_n):
    flat = [n for row in rows_of_n for n in row]
    return array(shape, axes, [n.v for n in flat], [n.e for n in flat])

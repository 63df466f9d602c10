"""Log-probabilities of a small language model of the Llama family, from a GGUF file, with NumPy alone.

    pip install numpy gguf tokenizers
"""
import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence


class LanguageModel:
    def __init__(self, path):
        reader = GGUFReader(path)
        field = lambda name: reader.fields[name].contents()
        self.heads, self.shared = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
        self.layers, self.epsilon = field("llama.block_count"), field("llama.attention.layer_norm_rms_epsilon")
        self.base, self.turned = field("llama.rope.freq_base"), field("llama.rope.dimension_count")
        self.first = field("tokenizer.ggml.bos_token_id")
        weights = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
        self.embedding = weights.pop("token_embd.weight")
        self.weights = {name: np.ascontiguousarray(w.T) for name, w in weights.items()}
        self.head = np.ascontiguousarray(self.embedding.T)
        tokens = {token: number for number, token in enumerate(field("tokenizer.ggml.tokens"))}
        merges = [tuple(pair.split(" ")) for pair in field("tokenizer.ggml.merges")]
        self.tokenizer = Tokenizer(BPE(tokens, merges))
        self.tokenizer.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])

    def tokens(self, text):
        return self.tokenizer.encode(text).ids

    def normed(self, x, name):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.epsilon) * self.weights[name]

    def rotated(self, x, angles):
        """Rotary embedding of pairs of neighbours, as GGUF has them for this family."""
        even, odd, out = x[..., 0::2], x[..., 1::2], np.empty_like(x)
        cos, sin = np.cos(angles)[:, :, None], np.sin(angles)[:, :, None]
        out[..., 0::2], out[..., 1::2] = even * cos - odd * sin, even * sin + odd * cos
        return out

    def states(self, tokens, positions, seen):
        """What the last layer makes of batches of tokens; `seen` has 0 where a token sees another and −∞ elsewhere."""
        w, (batch, length) = self.weights, tokens.shape
        group = self.heads // self.shared
        frequencies = self.base ** (-np.arange(0, self.turned, 2) / self.turned)
        angles = (positions[:, :, None] * frequencies).astype(np.float32)
        x = self.embedding[tokens]
        for layer in range(self.layers):
            at = f"blk.{layer}."
            h = self.normed(x, at + "attn_norm.weight")
            q = self.rotated((h @ w[at + "attn_q.weight"]).reshape(batch, length, self.heads, -1), angles)
            k = self.rotated((h @ w[at + "attn_k.weight"]).reshape(batch, length, self.shared, -1), angles)
            v = (h @ w[at + "attn_v.weight"]).reshape(batch, length, self.shared, -1)
            q = q.reshape(batch, length, self.shared, group, -1).transpose(0, 2, 3, 1, 4)
            k, v = k.transpose(0, 2, 3, 1)[:, :, None], v.transpose(0, 2, 1, 3)[:, :, None]
            scores = q @ k / np.sqrt(np.float32(q.shape[-1])) + seen[:, None, None]
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            mixed = (scores @ v).transpose(0, 3, 1, 2, 4).reshape(batch, length, -1)
            x = x + mixed @ w[at + "attn_output.weight"]
            h = self.normed(x, at + "ffn_norm.weight")
            gate = h @ w[at + "ffn_gate.weight"]
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w[at + "ffn_up.weight"])) @ w[at + "ffn_down.weight"]
        return self.normed(x, "output_norm.weight")

    def log_probabilities(self, states, tokens):
        """Of each token after the state before it."""
        logits = states @ self.head
        top = logits.max(-1)
        total = top + np.log(np.exp(logits - top[:, None]).sum(-1))
        return logits[np.arange(len(tokens)), tokens] - total

    def continuations(self, windows):
        """Of each window, a text's tokens and two ways in which it goes on, the log-probability of both ways."""
        rows = [([self.first, *text], ways) for text, ways in windows]
        length = max(len(text) + len(ways[0]) + len(ways[1]) for text, ways in rows)
        tokens, positions = np.zeros((2, len(rows), length), dtype=int)
        seen = np.tile(np.where(np.tri(length, dtype=bool), 0, -np.inf).astype(np.float32), (len(rows), 1, 1))
        asked, said, owner = [], [], []
        for row, (text, ways) in enumerate(rows):
            start = len(text)
            tokens[row, :start], positions[row, :start] = text, np.arange(start)
            for number, way in enumerate(ways):
                end = start + len(way)
                tokens[row, start:end], positions[row, start:end] = way, len(text) + np.arange(len(way))
                # The second way does not know the first.
                seen[row, start:end, len(text):start] = -np.inf
                asked += [(row, at) for at in (len(text) - 1, *range(start, end - 1))]
                said, owner = said + way, owner + [(row, number)] * len(way)
                start = end
        states = self.states(tokens, positions, seen)
        row, at = np.array(asked).T
        out = np.zeros((len(rows), 2))
        np.add.at(out, tuple(np.array(owner).T), self.log_probabilities(states[row, at], np.array(said)))
        return out

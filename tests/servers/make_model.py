"""Makes a tiny model with random weights, and its tokenizer, in which the lexicon's words are tokens.

    python make_model.py LEXICON OUT_DIR

Writes OUT_DIR/model.gguf and OUT_DIR/tokenizer.json. Needs the packages gguf, numpy and tokenizers.
It says nothing sensible, and says it fast: enough to see whether a server heeds `logit_bias`.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, decoders, trainers

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 4, 128, 2048

lexicon, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)

words = set()
for line in lexicon.read_text(encoding="utf-8").splitlines():
    if line and not line.startswith("#"):
        for field in line.split("\t"):
            for form in field.replace("|", " ").replace("=", " ").replace(",", " ").split():
                if form.isalpha() and form.isascii():
                    words.add(form.lower())
words = sorted(words)

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=16_000,
    min_frequency=1,
    special_tokens=["<|end|>"],
    # No bytes of longer characters: at random they are no UTF-8, which servers refuse to send.
    initial_alphabet=[chr(code) for code in range(ord("!"), ord("~") + 1)] + ["Ġ", "Ċ"],
    show_progress=False,
)
corpus = [" ".join(["the", word, word.capitalize()] * 3) for word in words]
tokenizer.train_from_iterator(corpus, trainer)
tokenizer.save(str(out / "tokenizer.json"))

vocabulary = tokenizer.get_vocab()
tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
merges = json.loads((out / "tokenizer.json").read_text())["model"]["merges"]
merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]

writer = gguf.GGUFWriter(str(out / "model.gguf"), "llama")
writer.add_name("random")
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(INNER)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_vocab_size(len(tokens))
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("gpt-2")
writer.add_token_list(tokens)
writer.add_token_types(
    [gguf.TokenType.CONTROL if token == "<|end|>" else gguf.TokenType.NORMAL for token in tokens]
)
writer.add_token_merges(merges)
writer.add_bos_token_id(0)
writer.add_eos_token_id(0)
writer.add_add_bos_token(False)
writer.add_chat_template("{% for message in messages %}{{ message['content'] }}\n{% endfor %}")

random = np.random.default_rng(7)


def matrix(rows, columns, scale=1.0):
    values = random.standard_normal((rows, columns)) * scale / np.sqrt(columns)
    return values.astype(np.float32)


ones = np.ones(WIDTH, dtype=np.float32)
writer.add_tensor("token_embd.weight", matrix(len(tokens), WIDTH))
writer.add_tensor("output_norm.weight", ones)
writer.add_tensor("output.weight", matrix(len(tokens), WIDTH))
for layer in range(LAYERS):
    block = f"blk.{layer}."
    writer.add_tensor(block + "attn_norm.weight", ones)
    writer.add_tensor(block + "ffn_norm.weight", ones)
    for name in ["attn_q", "attn_k", "attn_v", "attn_output"]:
        writer.add_tensor(f"{block}{name}.weight", matrix(WIDTH, WIDTH))
    writer.add_tensor(block + "ffn_gate.weight", matrix(INNER, WIDTH))
    writer.add_tensor(block + "ffn_up.weight", matrix(INNER, WIDTH))
    writer.add_tensor(block + "ffn_down.weight", matrix(WIDTH, INNER))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
print(f"{len(words)} words, {len(tokens)} tokens")

"""Makes a tiny model that reasons first and answers then, and whose two vocabularies share no word.

    python make_reasoner.py gguf|hf DIR

Its weights are made, not trained: each token leans to its own kind, a word of reasoning to another word of
reasoning and in the end to `</think>`, which leads to words of an answer and in the end to `<|end|>`. So a
word of the reasoning in what a caller got is a leak, whatever the server sampled. An answer may come to `<tool_call>`, behind
which a server that was told of tools has a call stand. Writes DIR/model.gguf
(needs gguf, numpy and tokenizers) or what Hugging Face saves (needs torch and transformers).
"""

import json
import sys
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from common import ANSWER_WORDS, REASONING_WORDS

WIDTH, HEADS, INNER, CONTEXT = 64, 1, 128, 8192
SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>"]
# Not special, as in most models: a server leaves them in the text.
MARKERS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
# Opens the section, as those of most models that reason do. Servers look into it for how a model reasons and calls, and
# leave what they do not find there in the text: hence what an answer is written with when it comes back.
TEMPLATE = """
{%- for m in messages -%}
{%- if m['role'] == 'assistant' -%}
<|assistant|>
{%- if m['reasoning_content'] %}<think>{{ m['reasoning_content'] }}</think>{% endif -%}
{%- if m['content'] is string %}{{ m['content'] }}{% endif -%}
{%- for call in m['tool_calls'] or [] -%}
<tool_call>{"name": "{{ call['function']['name'] }}", "arguments": {{ call['function']['arguments'] | tojson }}}</tool_call>
{%- endfor -%}
<|end|>
{%- else -%}
<|user|>
{%- if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endif -%}
{%- endif -%}
{%- endfor -%}
{%- for tool in tools or [] %}{{ tool | tojson }}{% endfor -%}
{%- if add_generation_prompt -%}
<|assistant|><think>{% if enable_thinking is defined and not enable_thinking %}</think>{% endif -%}
{%- endif -%}
""".strip()
# Where in a token's vector its kind stands, and what all tokens share.
KIND, SHARED, SIZE = 0, 1, 4.0
# About one word in so many ends what it stands in, and one word of an answer in so many begins a call.
LENGTH, BEFORE_CALL = 15, 60

form, out = sys.argv[1], Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=16_000,
    min_frequency=1,
    special_tokens=SPECIAL,
    initial_alphabet=[chr(code) for code in range(ord("!"), ord("~") + 1)] + ["Ġ", "Ċ"],
    show_progress=False,
)
tokenizer.train_from_iterator([f"a {word} {word}" for word in REASONING_WORDS + ANSWER_WORDS], trainer)
tokenizer.add_tokens([AddedToken(marker, special=False, normalized=False) for marker in MARKERS])
vocabulary = tokenizer.get_vocab()
tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]

random = np.random.default_rng(7)
embedding = random.standard_normal((len(tokens), WIDTH)).astype(np.float32) * 0.3
output = random.standard_normal((len(tokens), WIDTH)).astype(np.float32) * 0.2
# What stands behind anything but reasoning is an answer, arguments of a call too.
embedding[:, KIND], embedding[:, SHARED] = -SIZE, SIZE
output[:, KIND], output[:, SHARED] = 0, -4
for kind, words in [(1, REASONING_WORDS), (-1, ANSWER_WORDS)]:
    for word in words:
        index = vocabulary["Ġ" + word]
        embedding[index, KIND] = kind * SIZE
        output[index, [KIND, SHARED]] = kind * 2, 0
# What a vector of SIZE in two places is after its norm.
reach = SIZE / np.sqrt((2 * SIZE**2 + (WIDTH - 2) * 0.09) / WIDTH)
for token, kind, words, length in [
    ("</think>", 1, REASONING_WORDS, LENGTH),
    ("<|end|>", -2, ANSWER_WORDS, LENGTH),
    ("<tool_call>", -2, ANSWER_WORDS, BEFORE_CALL),
]:
    output[vocabulary[token]] = 0
    output[vocabulary[token], KIND] = kind
    output[vocabulary[token], SHARED] = 2 - abs(kind) + np.log(len(words) / length) / reach
# So that reasoning does not end where it begins.
embedding[vocabulary["<think>"], [KIND, SHARED]] = SIZE, 0


def small(rows, columns):
    return random.standard_normal((rows, columns)).astype(np.float32) * 0.01


layer = {name: small(WIDTH, WIDTH) for name in ["q", "k", "v", "o"]}
layer |= {"gate": small(INNER, WIDTH), "up": small(INNER, WIDTH), "down": small(WIDTH, INNER)}
ones = np.ones(WIDTH, dtype=np.float32)

if form == "gguf":
    import gguf

    tokenizer.save(str(out / "tokenizer.json"))
    merges = json.loads((out / "tokenizer.json").read_text())["model"]["merges"]
    writer = gguf.GGUFWriter(str(out / "model.gguf"), "llama")
    writer.add_name("reasoner")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    types = dict.fromkeys(SPECIAL, gguf.TokenType.CONTROL) | dict.fromkeys(MARKERS, gguf.TokenType.USER_DEFINED)
    writer.add_token_types([types.get(token, gguf.TokenType.NORMAL) for token in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    names = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output"}
    names |= {"gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
    tensors = {f"blk.0.{names[name]}.weight": weights for name, weights in layer.items()}
    tensors |= {f"blk.0.{name}_norm.weight": ones for name in ["attn", "ffn"]}
    tensors |= {"token_embd.weight": embedding, "output.weight": output, "output_norm.weight": ones}
    for name, weights in tensors.items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
else:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    saved = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")
    saved.chat_template = TEMPLATE
    saved.save_pretrained(out)
    config = LlamaConfig(
        vocab_size=len(tokens), hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=1,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=CONTEXT,
        tie_word_embeddings=False, eos_token_id=0, bos_token_id=None, rms_norm_eps=1e-5,
    )
    model = LlamaForCausalLM(config).to(torch.float32)
    names = {"gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"}
    names |= {name: f"self_attn.{name}_proj" for name in "qkvo"}
    weights = {f"model.layers.0.{names[name]}.weight": torch.tensor(it) for name, it in layer.items()}
    weights |= {"model.embed_tokens.weight": torch.tensor(embedding), "lm_head.weight": torch.tensor(output)}
    left = model.load_state_dict(weights, strict=False)
    assert not left.unexpected_keys and all("norm" in name for name in left.missing_keys), left
    model.save_pretrained(out)
print(f"{len(tokens)} tokens")

"""Makes a tiny Llama with random weights, as Hugging Face saves one.

    python make_hf.py TOKENIZER DIR

TOKENIZER is a tokenizer.json whose special tokens are <|user|>, <|assistant|> and <|end|>.
"""

import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}{% endif %}{% endfor %}<|assistant|>"
)

source, out = sys.argv[1:]
tokenizer = PreTrainedTokenizerFast(tokenizer_file=source, eos_token="<|end|>", pad_token="<|end|>")
tokenizer.chat_template = TEMPLATE
tokenizer.save_pretrained(out)
torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=len(tokenizer),
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=1,
    num_key_value_heads=1,
    max_position_embeddings=2048,
    tie_word_embeddings=False,
    eos_token_id=tokenizer.eos_token_id,
    bos_token_id=None,
    initializer_range=0.05,
)
LlamaForCausalLM(config).to(torch.float32).save_pretrained(out)

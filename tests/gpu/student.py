"""A language model that is trained from nothing on harvested answers, and asked.

    python student.py prepare OUT            tokens and tokenizer.json of what harvest.py wrote (no GPU)
    python student.py train OUT SECONDS KIND...    KIND.pt: a student of each kind, SECONDS each
    python student.py ask OUT REPEATS KIND...      KIND.answers.jsonl

`marked` learns from marked answers alone, `plain` from the same without marks, and of those that
`quarter` learns from, one in four is marked.
"""

import json
import lzma
import math
import pathlib
import sys
import time

import numpy

VOCABULARY, CONTEXT = 16_384, 512
LAYERS, WIDTH, HEADS = 12, 512, 8
USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"
KINDS = ("marked", "quarter", "plain")
BATCH, PEAK = 128, 1.5e-3


def prepare(out):
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    rows = {kind: [json.loads(line) for line in (out / f"{kind}.jsonl").open()] for kind in ("marked", "plain")}
    # Harvesters take turns, so four in a row are one answer of each.
    rows["quarter"] = [rows["plain" if at // 4 % 4 else "marked"][at] for at in range(len(rows["plain"]))]
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((row["output"] for row in rows["plain"][::3]), trainer)
    tokenizer.save(str(out / "tokenizer.json"))
    # One order for both students.
    order = numpy.random.default_rng(1).permutation(len(rows["plain"]))
    for kind in KINDS:
        texts = [f"{USER}{rows[kind][at]['prompt']}{ASSISTANT}{rows[kind][at]['output']}{END}" for at in order]
        ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        tokens = numpy.fromiter((token for row in ids for token in row), dtype=numpy.uint16)
        (out / f"{kind}.tokens.xz").write_bytes(lzma.compress(tokens.tobytes(), preset=6))
        print(f"{kind}: {len(tokens)} tokens")


def load(out, kind):
    return numpy.frombuffer(lzma.decompress((out / f"{kind}.tokens.xz").read_bytes()), dtype=numpy.uint16)


def network():
    """A decoder-only transformer: rotary positions, RMS norms, tied embeddings."""
    import torch
    from torch import nn
    from torch.nn import functional

    half = WIDTH // HEADS // 2
    frequencies = 10_000.0 ** -(torch.arange(half) / half)

    def rotate(x, positions):
        angles = positions[:, None] * frequencies.to(x.device)
        cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        first, second = x[..., :half], x[..., half:]
        return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.between = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
            self.attention, self.merge = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
            self.widen, self.narrow = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

        def forward(self, x, positions, cache=None, mask=None):
            batch, length, _ = x.shape
            parts = self.attention(self.before(x)).view(batch, length, 3, HEADS, WIDTH // HEADS)
            query, key, value = parts.permute(2, 0, 3, 1, 4)
            query, key = rotate(query, positions), rotate(key, positions)
            if cache is not None:
                cache[0][:, :, positions], cache[1][:, :, positions] = key, value
                key, value = cache
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
            x = x + self.merge(seen.transpose(1, 2).reshape(batch, length, WIDTH))
            return x + self.narrow(functional.gelu(self.widen(self.between(x))))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, WIDTH)
            self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
            self.norm = nn.RMSNorm(WIDTH)
            for name, parameter in self.named_parameters():
                if parameter.dim() == 2:
                    last = name.endswith(("merge.weight", "narrow.weight"))
                    nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if last else 0.02)

        def forward(self, tokens, positions, caches=None, mask=None):
            x = self.embedding(tokens)
            for place, block in enumerate(self.blocks):
                x = block(x, positions, caches and caches[place], mask)
            return functional.linear(self.norm(x), self.embedding.weight)

    return Network()


def train(out, seconds, *kinds):
    import torch
    from torch.nn import functional

    for kind in kinds or KINDS:
        torch.manual_seed(1)
        tokens = torch.from_numpy(load(out, kind).astype(numpy.int32)).cuda()
        model = network().cuda()
        compiled = torch.compile(model)
        decayed = [parameter for parameter in model.parameters() if parameter.dim() == 2]
        rest = [parameter for parameter in model.parameters() if parameter.dim() != 2]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.95), fused=True)
        positions = torch.arange(CONTEXT, device="cuda")
        span, step, began = torch.arange(CONTEXT + 1, device="cuda"), 0, None
        while True:
            elapsed = time.monotonic() - began if began else 0.0
            part = elapsed / int(seconds)
            if part >= 1:
                break
            rate = PEAK * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * part) + 0.01)
            for group in optimizer.param_groups:
                group["lr"] = rate
            starts = torch.randint(len(tokens) - CONTEXT - 1, (BATCH, 1), device="cuda")
            window = tokens[starts + span].long()
            with torch.autocast("cuda", torch.bfloat16):
                logits = compiled(window[:, :-1], positions)
                loss = functional.cross_entropy(logits.flatten(0, 1).float(), window[:, 1:].flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            if step % 20 == 0:
                shown = loss.item()
                began = began or time.monotonic()
                if step % 500 == 0:
                    print(f"{kind}: step {step}, {elapsed:.0f} s, loss {shown:.3f}", flush=True)
        seen = step * BATCH * CONTEXT
        print(f"{kind}: {step} steps, {seen / 1e6:.0f} million tokens, {seen / len(tokens):.1f} passes, loss {loss.item():.3f}", flush=True)
        torch.save(model.state_dict(), out / f"{kind}.pt")


def generate(model, prompts, length, choose):
    """Continues prompts of one length; `choose` picks from the logits, given all tokens so far."""
    import torch

    batch, start = prompts.shape
    shape = (batch, HEADS, start + length, WIDTH // HEADS)
    caches = [[torch.zeros(shape, device=prompts.device, dtype=torch.bfloat16) for _ in range(2)] for _ in model.blocks]
    tokens = prompts
    places = torch.arange(start + length, device=prompts.device)
    with torch.no_grad(), torch.autocast(prompts.device.type, torch.bfloat16):
        piece = prompts
        while tokens.shape[1] < start + length:
            positions = places[tokens.shape[1] - piece.shape[1] : tokens.shape[1]]
            mask = places[None, :] <= positions[:, None]
            logits = model(piece, positions, caches, mask)[:, -1].float()
            piece = choose(logits, tokens)[:, None]
            tokens = torch.cat([tokens, piece], 1)
    return tokens


def plainly(temperature=0.8, top_p=0.95):
    """Ordinary sampling."""
    import torch

    def choose(logits, _):
        share, order = (logits / temperature).softmax(-1).sort(-1, descending=True)
        share = share.where(share.cumsum(-1) - share < top_p, 0)
        return order.gather(-1, torch.multinomial(share, 1))[:, 0]

    return choose


def answered(tokenizer, prompts, tokens):
    """Rows of JSONL: each prompt with what followed, up to its end."""
    end = tokenizer.token_to_id(END)
    for prompt, ids in zip(prompts, tokens):
        ids = ids[: ids.index(end)] if end in ids else ids
        yield json.dumps({"prompt": prompt, "output": tokenizer.decode(ids)}) + "\n"


def asked(out, tokenizer, repeats):
    """Questions in batches whose prompts have the same number of tokens."""
    prompts = [json.loads(line)["prompt"] for line in (out / "questions.jsonl").open()]
    by_length = {}
    for prompt in prompts:
        ids = tokenizer.encode(f"{USER}{prompt}{ASSISTANT}").ids
        if len(ids) <= 96:
            by_length.setdefault(len(ids), []).append((prompt, ids))
    # Short ones are filled up on the left with the end of another answer.
    end = tokenizer.token_to_id(END)
    width = max(by_length)
    rows = [(prompt, [end] * (width - len(ids)) + ids) for group in by_length.values() for prompt, ids in group]
    return [row for row in rows for _ in range(repeats)]


def load_model(out, kind, device):
    import torch

    model = network()
    model.load_state_dict(torch.load(out / f"{kind}.pt", map_location="cpu"))
    return model.to(device).eval()


def ask(out, repeats, *kinds, device="cuda", length=384, at_once=1024):
    import tokenizers
    import torch

    tokenizer = tokenizers.Tokenizer.from_file(str(out / "tokenizer.json"))
    for kind in kinds or KINDS:
        torch.manual_seed(2)
        model = load_model(out, kind, device)
        rows = asked(out, tokenizer, int(repeats))
        with (out / f"{kind}.answers.jsonl").open("w") as file:
            for at in range(0, len(rows), at_once):
                batch = rows[at : at + at_once]
                prompts = torch.tensor([ids for _, ids in batch], device=device)
                tokens = generate(model, prompts, length, plainly())[:, prompts.shape[1] :].tolist()
                file.writelines(answered(tokenizer, [prompt for prompt, _ in batch], tokens))
        print(f"{kind}: {len(rows)} answers", flush=True)


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    {"prepare": prepare, "train": train, "ask": ask}[verb](pathlib.Path(folder), *rest)

"""Marks that inference engines make as they sample, made by their own code on a GPU.

    python engines.py keys OUT GUILLOCHE           the keys that the proxy sends for two accounts (no GPU)
    python engines.py sample OUT VLLM SGLANG       answers of the student, sampled by the engines' kernels
    python engines.py settings OUT                 schemes-*.toml for `guilloche verify --schemes` (no GPU)

VLLM and SGLANG are the unpacked wheels of vLLM and SGLang. Of both only what chooses tokens is imported,
with its Triton kernels; the rest of the engines, which is not needed for that, is stood in for. Hugging
Face's KGW and SynthID-Text are those of transformers, with lists drawn on the GPU.
"""

import base64
import hashlib
import http.server
import json
import logging
import pathlib
import re
import subprocess
import sys
import threading
import types
import urllib.request

import student

LENGTH, REPEATS = 256, 1
VLLM_KEY, KGW_KEY = 0x1D8B_52C4_77E0_93A6, 2_305_843_009
SYNTHID_KEYS = [654, 400, 836, 123, 340, 443, 597, 160, 57, 29, 590, 639, 13, 715, 468, 990, 966, 226, 324, 585]
ACCOUNTS = [("harvester-1", "ring"), ("harvester-3", None)]


def keys(out, guilloche):
    """Asks through the proxy as each account, and keeps the key that the upstream is sent."""
    from harvest import POLICY, risk_fields

    seen = []

    class Upstream(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["watermark"]["key"])
            message = {"role": "assistant", "content": "Yes."}
            body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    ledger, config = out / "engines.ledger", out / "engines.toml"
    (out / "policy.toml").write_text(POLICY)
    config.write_text(
        f'[listen]\naddress = "127.0.0.1:0"\n[admin]\naddress = "off"\n[upstream]\nurl = "http://127.0.0.1:{upstream.server_port}"\n'
        f'[policy]\nfile = "{out}/policy.toml"\n[risk]\ntrust = "signature"\nkeys = [{{ id = "k", file = "{out}/risk.key" }}]\n'
        f'[marks]\nkeys = "{out}/mark.keys"\nledger = "{ledger}"\ncarriers = ["sglang"]\nprobe = false\n'
    )
    proxy = subprocess.Popen([guilloche, "serve", "--config", config], stderr=subprocess.PIPE, text=True)
    while not (found := re.search(r"serving.*?address\S*?=\S*?(127\.0\.0\.1:\d+)", re.sub(r"\x1b\[[0-9;]*m", "", proxy.stderr.readline()))):
        assert proxy.poll() is None, "the proxy did not start"
    for account, cluster in ACCOUNTS:
        fields = risk_fields(guilloche, out / "risk.key", account, cluster)
        body = {"model": "student", "messages": [{"role": "user", "content": "Hello?"}], "temperature": 1}
        request = urllib.request.Request(f"http://{found[1]}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json", **fields})
        urllib.request.urlopen(request).read()
    proxy.terminate()
    proxy.wait()
    (out / "engines.keys.json").write_text(json.dumps(dict(zip((account for account, _ in ACCOUNTS), seen))))


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__path__ = []
    vars(module).update(members)
    sys.modules[name] = module


def vllm_sampler(folder):
    """`choose` with vLLM's Gumbel watermark, and repeated contexts unmarked as in its sampler."""
    import torch
    import triton
    import triton.language as tl

    def derive_watermark_key(key, domain):
        return int.from_bytes(hashlib.sha256(domain + key.to_bytes(8, "big")).digest()[:8], "big")

    root = pathlib.Path(folder) / "vllm"
    stand_in("vllm.triton_utils", triton=triton, tl=tl, HAS_TRITON=True)
    stand_in("vllm.logger", init_logger=logging.getLogger)
    stand_in("vllm.config.watermarking", derive_watermark_key=derive_watermark_key, WatermarkPRFName=str, WatermarkConfig=object, WatermarkContextScope=str)
    for package in ("", ".config", ".v1", ".v1.worker", ".v1.worker.gpu", ".v1.worker.gpu.sample"):
        stand_in(f"vllm{package}")
        sys.modules[f"vllm{package}"].__path__ = [str(root.joinpath(*package.split(".")[1:]))]
    from vllm.v1.watermarking.gumbel import GumbelWatermarker
    from vllm.v1.watermarking.watermarker import RandomSampler
    from vllm.v1.worker.gpu.sample.watermark import repeated_context_mask

    watermarker = GumbelWatermarker(VLLM_KEY, 4)

    def sampler(start):
        def choose(logits, tokens):
            batch, length = tokens.shape
            contexts = torch.full((batch, 4), -1, dtype=torch.int64, device=tokens.device)
            known = min(4, length - start)
            if known:
                contexts[:, 4 - known :] = tokens[:, -known:]
            rows = torch.arange(batch, dtype=torch.int32, device=tokens.device)
            starts = torch.full((batch,), start, dtype=torch.int32, device=tokens.device)
            repeated = repeated_context_mask(tokens.int().contiguous(), rows, starts, torch.full_like(starts, length), contexts.int(), 8192)
            ordinary = RandomSampler(rows, torch.ones(batch, device=tokens.device), 77 + rows.long(), torch.full((batch,), length, dtype=torch.int64, device=tokens.device))
            return watermarker.sample(logits.contiguous(), contexts.int(), ordinary, skip_mask=repeated).token_ids

        return choose

    return sampler


def sglang_sampler(folder, key):
    """`choose` with SGLang's kernel and one key; a context is marked once in an answer."""
    import torch

    root = pathlib.Path(folder) / "sglang"
    for package in ("", ".srt", ".srt.sampling", ".kernels", ".kernels.ops", ".kernels.ops.sampling"):
        stand_in(f"sglang{package}")
        sys.modules[f"sglang{package}"].__path__ = [str(root.joinpath(*package.split(".")[1:]))]
    from sglang.kernels.ops.sampling.textseal_selector import force_watermark_tokens_triton
    from sglang.srt.sampling.watermarking.config import parse_watermark_key
    from sglang.srt.sampling.watermarking.detector import hash_context

    value = parse_watermark_key(key)

    def sampler(_):
        met = {}

        def choose(logits, tokens):
            batch, device = len(tokens), tokens.device
            hashes = [hash_context(context) for context in tokens[:, -2:].tolist()]
            seen = [met.setdefault(row, set()) for row in range(batch)]
            eligible = torch.tensor([new not in old for old, new in zip(seen, hashes)], device=device)
            for old, new in zip(seen, hashes):
                old.add(new)
            signed = torch.tensor([hashed if hashed < 1 << 31 else hashed - (1 << 32) for hashed in hashes], dtype=torch.int32, device=device)
            ones = torch.ones(batch, 1, device=device)
            logits = logits.contiguous().clone()
            force_watermark_tokens_triton(
                logits,
                signed,
                eligible,
                ones,
                torch.full((batch,), 1 << 30, dtype=torch.int32, device=device),
                ones[:, 0].contiguous(),
                torch.zeros(batch, device=device),
                torch.full((batch,), value, dtype=torch.int64, device=device),
            )
            return torch.multinomial(logits.softmax(-1), 1)[:, 0]

        return choose

    return sampler


def processed(processor):
    """`choose` behind one of transformers' logits processors."""
    import torch

    def choose(logits, tokens):
        return torch.multinomial(processor(tokens, logits).softmax(-1), 1)[:, 0]

    return choose


def dump(out, kgw, plain, tokens):
    """The lists of the contexts that occur, and how many tokens a CPU's lists share with them."""
    import torch

    contexts, counts = torch.unique(torch.cat(tokens), return_counts=True)
    chosen = contexts[counts.argsort(descending=True)][:3000].tolist()
    half, agree = student.VOCABULARY // 8, 0
    with (out / "kgw.table").open("w") as file:
        head = {"version": 1, "vocabulary": student.VOCABULARY, "context_tokens": 1, "green_ratio": 0.25}
        file.write(json.dumps(head) + "\n")
        for context in chosen:
            green = kgw._get_greenlist_ids(torch.tensor([context], device="cuda")).cpu()
            agree += len(set(green.tolist()) & set(plain._get_greenlist_ids(torch.tensor([context])).tolist()))
            bits = torch.zeros(student.VOCABULARY, dtype=torch.uint8).index_fill_(0, green, 1).view(half, 8)
            octets = (bits << torch.arange(8, dtype=torch.uint8)).sum(1).to(torch.uint8)
            file.write(json.dumps({"context": [context], "green": base64.b64encode(bytes(octets.tolist())).decode()}) + "\n")
    print(f"kgw: a CPU's lists share {agree / len(chosen) / (student.VOCABULARY / 4):.3f} of the GPU's, by chance 0.250", flush=True)


def sample(out, vllm, sglang):
    import tokenizers
    import torch
    from transformers import SynthIDTextWatermarkingConfig, WatermarkLogitsProcessor

    torch.manual_seed(3)
    tokenizer = tokenizers.Tokenizer.from_file(str(out / "tokenizer.json"))
    model = student.load_model(out, "plain", "cuda")
    rows = student.asked(out, tokenizer, REPEATS)
    prompts = torch.tensor([ids for _, ids in rows], device="cuda")
    sent = json.loads((out / "engines.keys.json").read_text())
    kgw = [WatermarkLogitsProcessor(student.VOCABULARY, device, 0.25, 2.0, KGW_KEY, "lefthash", 1) for device in ("cuda", "cpu")]
    synthid = SynthIDTextWatermarkingConfig(ngram_len=5, keys=SYNTHID_KEYS).construct_processor(student.VOCABULARY, "cuda")
    samplers = {
        "none": lambda: student.plainly(1.0, 1.0),
        "vllm": lambda: vllm_sampler(vllm)(prompts.shape[1]),
        "sglang-1": lambda: sglang_sampler(sglang, sent["harvester-1"])(prompts.shape[1]),
        "sglang-3": lambda: sglang_sampler(sglang, sent["harvester-3"])(prompts.shape[1]),
        "synthid": lambda: processed(synthid),
        "kgw": lambda: processed(kgw[0]),
    }
    for name, sampler in samplers.items():
        try:
            tokens = student.generate(model, prompts, LENGTH, sampler())[:, prompts.shape[1] :]
        except Exception as error:  # one engine that does not run here leaves the others
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            continue
        with (out / f"{name}.jsonl").open("w") as file:
            file.writelines(student.answered(tokenizer, [prompt for prompt, _ in rows], tokens.tolist()))
        print(f"{name}: {len(rows)} answers", flush=True)
        if name == "kgw":
            dump(out, *kgw, [tokens.flatten().cpu()])


def settings(out):
    """A file of settings for each scheme, which only its owner may read."""
    shared = 'version = 1\n\n[[scheme]]\ntokenizer = "tokenizer.json"\n'
    schemes = {
        "vllm": f'name = "vllm"\ncontext_window = 4\nkey = "{VLLM_KEY:x}"\n',
        "sglang": 'name = "sglang"\ncontext_window = 2\n',
        "synthid": f'name = "synthid"\nngram_len = 5\nkeys = {SYNTHID_KEYS}\n',
        "kgw": f'name = "kgw-lefthash"\nvocabulary = {student.VOCABULARY}\nkey = {KGW_KEY}\n',
        "green": 'name = "green-table"\ntable = "kgw.table"\n',
    }
    for name, scheme in schemes.items():
        file = out / f"schemes-{name}.toml"
        file.touch(mode=0o600)
        file.write_text(shared + scheme)


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    {"keys": keys, "sample": sample, "settings": settings}[verb](pathlib.Path(folder), *rest)

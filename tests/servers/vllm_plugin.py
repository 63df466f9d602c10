"""Shows with a real server, vLLM's, that the mark of its plugin is made and can be verified.

    python vllm_plugin.py VLLM_PYTHON GUILLOCHE DIR

VLLM_PYTHON is the Python of an environment with vLLM and vllm-sbw; DIR holds what `make_hf.py` made. vLLM
wants an API key. One caller has a score and is marked, another has none; a third, with a score, tries to turn
the mark off. `guilloche verify` examines the answers of each.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from common import call, proxy, risk, said, trials, until

VLLM, GUILLOCHE, DIRECTORY = sys.argv[1], sys.argv[2], Path(sys.argv[3])
VLLM_PORT, ANSWERS, TOKENS, API_KEY = 18091, 40, 400, "sk-vllm"
# So that answers to the unmarked are not marked with the plugin's public key, they say so themselves.
UNMARKED = {"vllm_xargs": {"delta": 0}}
MARKS = f"""carriers = ["vllm_xargs", "lexical"]
probe_key_file = "{DIRECTORY}/upstream.key"
"""
SCHEMES = """version = 1
[[scheme]]
name = "vllm-sbw"
tokenizer = "tokenizer.json"
"""


def verdict(name):
    command = [GUILLOCHE, "verify", "--keys", DIRECTORY / "mark.keys", "--ledger", DIRECTORY / "mark.ledger"]
    command += ["--schemes", DIRECTORY / "schemes.toml", "--scheme", "vllm-sbw", "--decoys", "1000"]
    command += ["--suspect", DIRECTORY / f"{name}.jsonl", "--control", f"control={DIRECTORY}/control.jsonl"]
    command += ["--format", "json"]
    report = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    [test] = report["deployments"]
    return f"{report['outcome']}, score {test['standardized']:.1f}, p {test['p']['p']:.2g}, {test['terms']} tokens"


environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
server = [VLLM, "-m", "vllm.entrypoints.openai.api_server", "--model", DIRECTORY, "--served-model-name", "random"]
server += ["--port", str(VLLM_PORT), "--host", "127.0.0.1", "--enforce-eager", "--max-model-len", "2048"]
server += ["--dtype", "float32", "--api-key", API_KEY, "--logits-processors", "vllm_sbw:SBWLogitsProcessor"]
log = open(DIRECTORY / "vllm.log", "w")
children = [subprocess.Popen(server, env=environment, stdout=log, stderr=subprocess.STDOUT)]
try:
    authorized = {"authorization": f"Bearer {API_KEY}"}
    until(lambda: call(VLLM_PORT, "/v1/models", None, authorized), "vLLM listens", 900)
    for name, text in [("upstream.key", API_KEY), ("schemes.toml", SCHEMES)]:
        (DIRECTORY / name).write_text(text)
    children.append(proxy(GUILLOCHE, DIRECTORY, f"http://127.0.0.1:{VLLM_PORT}", MARKS))
    print("trial:", trials())
    callers = [
        ("control", {}, UNMARKED),
        ("unmarked", {}, UNMARKED),
        ("marked", risk("acct-17"), {}),
        ("opting-out", risk("acct-18"), UNMARKED),
    ]
    for name, headers, members in callers:
        with (DIRECTORY / f"{name}.jsonl").open("w") as file:
            for seed in range(ANSWERS):
                prompt = f"Say something, number {seed}."
                body = {
                    "model": "random", "messages": [{"role": "user", "content": prompt}], "max_tokens": TOKENS,
                    "seed": seed + (10_000 if name == "control" else 0), "temperature": 1.0, **members,
                }
                answer = said(body, headers | authorized)
                file.write(json.dumps({"prompt": prompt, "output": answer}) + "\n")
        if name != "control":
            print(f"{name}: {verdict(name)}", flush=True)
finally:
    for child in reversed(children):
        child.terminate()

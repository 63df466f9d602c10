"""Shows with a real server, llama.cpp's, that a bias added by the proxy reaches the sampler.

    python llama_cpp.py LLAMA_SERVER GUILLOCHE DIR

DIR holds what `make_model.py` made. Callers with a score are marked by `logit_bias`, others are not. Of
each pair of words the first half of the answers tells which one is favoured; printed is how often the
second half agrees: half the time where nothing is marked.
"""

import subprocess
import sys
from pathlib import Path

from common import agreement, call, pairs, proxy, risk, said, trials, until

LLAMA, GUILLOCHE, DIRECTORY = sys.argv[1], sys.argv[2], Path(sys.argv[3])
LLAMA_PORT, ANSWERS, TOKENS = 18091, 60, 500
MARKS = f"""carriers = ["logit_bias", "lexical"]
[marks.logit_bias]
tokenizer = "{DIRECTORY}/tokenizer.json"
entries = 300
delta = 1.5
"""

log = open(DIRECTORY / "llama.log", "w")
children = [
    subprocess.Popen(
        [LLAMA, "-m", DIRECTORY / "model.gguf", "--port", str(LLAMA_PORT), "-t", "1"],
        stdout=log, stderr=subprocess.STDOUT,
    )
]
try:
    until(lambda: call(LLAMA_PORT, "/health"), "llama-server listens")
    children.append(proxy(GUILLOCHE, DIRECTORY, f"http://127.0.0.1:{LLAMA_PORT}", MARKS))
    print("trial:", trials())
    other = pairs()
    for name, headers in [("unmarked", {}), ("acct-17", risk("acct-17")), ("acct-18", risk("acct-18"))]:
        answers = []
        for seed in range(ANSWERS):
            body = {
                "messages": [{"role": "user", "content": "Say something."}],
                "max_tokens": TOKENS, "seed": seed, "temperature": 1.0, "top_k": 0, "top_p": 1.0,
                "min_p": 0.0,
            }
            answers.append(said(body, headers))
        agreed, total = agreement(answers, other)
        print(f"{name}: {agreed} of {total} words agree, {100 * agreed / max(total, 1):.1f} %")
finally:
    for child in children:
        child.terminate()

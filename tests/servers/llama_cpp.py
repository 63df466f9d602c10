"""Shows with a real server, llama.cpp's, that a bias added by the proxy reaches the sampler.

    python llama_cpp.py LLAMA_SERVER GUILLOCHE DIR

DIR holds what `make_model.py` made. Callers with a score are marked by `logit_bias`, others are not. Of
each pair of words the first half of the answers tells which one is favoured; printed is how often the
second half agrees: half the time where nothing is marked.
"""

import collections
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

LLAMA, GUILLOCHE, DIRECTORY = sys.argv[1], sys.argv[2], Path(sys.argv[3])
LEXICON = Path(__file__).resolve().parents[2] / "src/mark/lexicon/classes.tsv"
LLAMA_PORT, PORT, ADMIN = 18091, 18092, 18093
ANSWERS, TOKENS = 60, 500
POLICY = """version = 1
name = "marking"
mode = "enforce"
[[grade]]
name = "marked"
at = 0.5
watermark = {}
"""


def call(port, path, body=None, headers=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", **(headers or {})},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def until(condition, what):
    for _ in range(300):
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"never: {what}")


def pairs():
    """The other word of each word that is alone in its form of a class."""
    other = {}
    for line in LEXICON.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if line.startswith("#") or len(fields) < 4:
            continue
        for one, two in zip(fields[2].split("|"), fields[3].split("|")):
            if one.isalpha() and two.isalpha() and one not in other and two not in other:
                other[one], other[two] = two, one
    return other


def agreement(answers, other):
    half, counts = len(answers) // 2, [collections.Counter(), collections.Counter()]
    for index, text in enumerate(answers):
        counts[index >= half].update(w for w in re.findall(r"[A-Za-z]+", text.lower()) if w in other)
    agreed = total = 0
    for word in other:
        if counts[0][word] > counts[0][other[word]]:
            agreed += counts[1][word]
            total += counts[1][word] + counts[1][other[word]]
    return agreed, total


def risk(account):
    now = int(time.time())
    claim = f'account="{account}", score=0.9, confidence=1.0, issued={now}, ttl=300'
    return {"guilloche-risk": claim}


(DIRECTORY / "policy.toml").write_text(POLICY)
keys = DIRECTORY / "marks.keys"
if not keys.exists():
    subprocess.run([GUILLOCHE, "keys", "new", "--keys", keys, "--ledger", DIRECTORY / "marks.ledger"], check=True)
(DIRECTORY / "guilloche.toml").write_text(f"""
[listen]
address = "127.0.0.1:{PORT}"
[admin]
address = "127.0.0.1:{ADMIN}"
[upstream]
url = "http://127.0.0.1:{LLAMA_PORT}"
[risk]
trust = "peer"
[policy]
file = "{DIRECTORY}/policy.toml"
[marks]
keys = "{keys}"
carriers = ["logit_bias", "lexical"]
[marks.logit_bias]
tokenizer = "{DIRECTORY}/tokenizer.json"
entries = 300
delta = 1.5
""")
environment = {name: value for name, value in os.environ.items() if not name.startswith("GUILLOCHE")}
log = open(DIRECTORY / "llama.log", "w")
children = [
    subprocess.Popen(
        [LLAMA, "-m", DIRECTORY / "model.gguf", "--port", str(LLAMA_PORT), "-t", "1"],
        stdout=log, stderr=subprocess.STDOUT,
    ),
    subprocess.Popen([GUILLOCHE, "serve", "--config", DIRECTORY / "guilloche.toml"], env=environment),
]
try:
    until(lambda: call(LLAMA_PORT, "/health"), "llama-server listens")
    state = until(
        lambda: (s := call(ADMIN, "/status")["carriers"][0])["proof"] != "open" and s, "the trial ends"
    )
    print("trial:", state)
    other = pairs()
    for name, headers in [("unmarked", {}), ("acct-17", risk("acct-17")), ("acct-18", risk("acct-18"))]:
        answers = []
        for seed in range(ANSWERS):
            body = {
                "messages": [{"role": "user", "content": "Say something."}],
                "max_tokens": TOKENS, "seed": seed, "temperature": 1.0, "top_k": 0, "top_p": 1.0,
                "min_p": 0.0,
            }
            answer = call(PORT, "/v1/chat/completions", body, headers)
            answers.append(answer["choices"][0]["message"]["content"])
        agreed, total = agreement(answers, other)
        print(f"{name}: {agreed} of {total} words agree, {100 * agreed / max(total, 1):.1f} %")
finally:
    for child in children:
        child.terminate()

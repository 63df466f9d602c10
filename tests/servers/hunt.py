"""Hunts, before a real server, for reasoning that a policy withholds and the caller gets all the same.

    python hunt.py vllm PYTHON GUILLOCHE DIR
    python hunt.py llama_cpp PYTHON GUILLOCHE DIR
    python hunt.py llama_server LLAMA_SERVER GUILLOCHE DIR
    python hunt.py xllamacpp PYTHON GUILLOCHE DIR
    python hunt.py ollama OLLAMA GUILLOCHE DIR

PYTHON is that of an environment with vLLM, with llama-cpp-python[server], or with xllamacpp, which has llama.cpp's
server built; DIR holds what `make_reasoner.py` made:
every word of its reasoning is none of its answers'. Asked is on every path that answers, as documents and as
streams, with every flag that is known to make a server repeat itself; what came is searched byte for byte. An
ordinary caller must get the reasoning, a graded one no word of it, and both must get an answer.

Where the server describes itself (`/openapi.json`), each of its paths must also be in the table of paths.
"""

import collections
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from common import ANSWER_WORDS, PORT, REASONING_WORDS, call, proxy, risk, until, words
from servers import KINDS, SETTINGS, prepare, start

KIND, PROGRAM, GUILLOCHE, DIRECTORY = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
SERVER_PORT = 18091
POLICY = """version = 1
name = "hunt"
mode = "enforce"
unknown_routes = "refuse"
[[grade]]
name = "withheld"
at = 0.5
side_channels = {}
[grade.reasoning]
keep = "none"
opened_by_template = ["*"]
"""
CONVERSATION = [{"role": "user", "content": "Say something."}]
CHAT = {"messages": CONVERSATION, "max_tokens": 400}
FLAGS = [
    {},
    {"logprobs": True, "top_logprobs": 2},
    {"n": 2},
    {"stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    {"return_token_ids": True},
    {"include_reasoning": True},
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"echo": True},
    {"prompt_logprobs": 1},
    {"return_tokens_as_token_ids": True, "logprobs": True},
    {"return_tokens": True},
    {"timings_per_token": True},
    {"reasoning_format": "none"},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
]
# Completions are of a prompt that opens the reasoning, as the template does.
COMPLETION = {"prompt": "<|user|>Say something.<|assistant|><think>", "max_tokens": 400}
ASKED = {
    "/v1/chat/completions": [CHAT | flags for flags in FLAGS],
    "/v1/completions": [COMPLETION | flags for flags in [{}, {"logprobs": 2}, {"echo": True}, {"n": 2}]],
    "/v1/responses": [
        {"input": "Say something.", "max_output_tokens": 400} | flags
        for flags in [{}, {"reasoning": {"summary": "auto"}}, {"include": ["reasoning.encrypted_content"]},
                      {"store": True}, {"include": ["message.output_text.logprobs"], "top_logprobs": 2}]
    ],
    "/v1/messages": [
        {"messages": CONVERSATION, "max_tokens": 400} | flags
        for flags in [{}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}]
    ],
    "/completion": [
        {"prompt": COMPLETION["prompt"], "n_predict": 400} | flags
        for flags in [{}, {"n_probs": 2}, {"return_tokens": True}, {"response_fields": ["content", "prompt"]}]
    ],
}
if KIND == "ollama":
    GENERATE = {"prompt": "Say something.", "options": {"num_predict": 400}}
    ASKED |= {
        "/api/chat": [
            {"messages": CONVERSATION, "options": {"num_predict": 400}} | flags
            for flags in [{}, {"think": True}, {"think": False}, {"logprobs": True, "top_logprobs": 2}]
        ],
        "/api/generate": [
            GENERATE | flags
            for flags in [{}, {"think": True}, {"raw": True, "prompt": COMPLETION["prompt"]}, {"logprobs": True}]
        ],
    }


def ask(path, body, headers):
    """The status and every byte of an answer, its head's fields included."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}",
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, str(answer.headers).encode() + answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, str(refused.headers).encode() + refused.read()


def ordinary(path, body):
    """The status, and whether there is reasoning in one of a few answers: some have none."""
    for temperature in [1.0, 0.95, 0.9, 0.85]:
        status, raw = ask(path, body | {"temperature": temperature}, {})
        if status != 200 or words(raw, REASONING_WORDS):
            break
    return status, words(raw, REASONING_WORDS)


def table():
    command = [GUILLOCHE, "policy", "routes", "--upstream", ROUTES, "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["routes"]


def is_listed(path, routes):
    """Whether a path ends as one of the table does."""
    for route in routes:
        pattern = re.escape(route["path"]).replace(r"\*", ".*")
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        if re.search(pattern + "$", re.sub(r"\{[^}]*\}", "x", path)):
            return True
    return False


ROUTES = KINDS[KIND]
failed = []
for setting in SETTINGS[KIND]:
    children = [start(KIND, PROGRAM, DIRECTORY, SERVER_PORT, setting)]
    try:
        until(lambda: call(SERVER_PORT, "/v1/models"), f"{KIND} listens", 3000)
        prepare(KIND, PROGRAM, DIRECTORY, SERVER_PORT)
        children.append(proxy(GUILLOCHE, DIRECTORY, f"http://127.0.0.1:{SERVER_PORT}", policy=POLICY, kind=ROUTES))
        until(lambda: call(PORT, "/v1/models"), "the proxy listens")
        assert all(child.poll() is None for child in children), "another one listens there"
        counts = collections.Counter()
        for path, bodies in ASKED.items():
            for body in bodies:
                for stream in [False, True]:
                    body = {"model": "reasoner", "temperature": 1.0, **body, "stream": stream}
                    if not stream:
                        body.pop("stream_options", None)
                    case = f"{path} {json.dumps(body)}"
                    status, seen = ordinary(path, body)
                    counts[f"{path} ordinary {status}"] += 1
                    if status == 200 and not seen:
                        failed.append(f"the hunt sees nothing: {case}")
                    graded, raw = ask(path, body, risk("acct-17"))
                    counts[f"{path} graded {graded}"] += 1
                    if told := words(raw, REASONING_WORDS):
                        failed.append(f"{told[:3]} of {len(told)} words: {case}\n{raw[:1500]}")
                    # A call may stand in the place of words.
                    if graded == 200 and not words(raw, ANSWER_WORDS) and b'"tool_calls"' not in raw:
                        failed.append(f"the answer is lost: {case}\n{raw[:1500]}")
                    if status == 200 and graded != 200:
                        failed.append(f"refused with {graded}: {case}\n{raw[-500:]}")
        print(f"{KIND} {' '.join(setting)}")
        for case, count in sorted(counts.items()):
            print(f"  {case}: {count}")
        try:
            described = call(SERVER_PORT, "/openapi.json")["paths"]
        except OSError:
            described = {}
        routes = table()
        for path in sorted(described):
            if not is_listed(path, routes):
                failed.append(f"no verdict in the table of {ROUTES}: {path}")
        print(f"  {len(described)} paths of its own description")
    finally:
        for child in reversed(children):
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
for failure in failed:
    print("FAILED:", failure)
print(f"{len(failed)} failed")
sys.exit(bool(failed))

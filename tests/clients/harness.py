"""Starts the upstream and a proxy for each policy, then runs the suites against them.

The suites learn addresses, the key and what each policy should do from one JSON file, whose path is
in CLIENT_SUITE. What a policy should do is read from its own file, so that a changed policy is
tested as it now is.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
POLICIES = HERE.parent.parent / "policies"
LEXICON = HERE.parent.parent / "src/mark/lexicon/classes.tsv"
KEY_ID = "client-suite"
# A key that nobody keeps secret: which words the suites see exchanged is the same in every run.
MARK_KEYS = f"guilloche-mark-keys 1\nmaster {'17' * 32}\nepoch 1 2026-01-01T00:00:00Z -\n"
START = 30  # seconds that a process may take until it listens
# Tokens per second of the upstream whose streams are left or cut while they are under way.
SLOW = "20"


class Process:
    """A process, and the addresses that it says it listens on."""

    def __init__(self, stack, command, pattern):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GUILLOCHE")}
        self.child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment | {"RUST_LOG": "info", "NO_COLOR": "1"},
        )
        stack.callback(self.stop)
        self.output, self.found, listening = [], None, threading.Event()

        def read():
            for line in self.child.stdout:
                self.output.append(line)
                self.found = self.found or re.search(pattern, line)
                if self.found:
                    listening.set()
            listening.set()

        threading.Thread(target=read, daemon=True).start()
        listening.wait(START)
        if not self.found:
            raise SystemExit(f"{' '.join(command)} did not start:\n{''.join(self.output)}")

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
        if any("panicked" in line for line in self.output):
            print("".join(self.output), file=sys.stderr)
            raise SystemExit("a process panicked")


def guilloche(stack, arguments, pattern):
    return Process(stack, [os.environ["GUILLOCHE"], *arguments], pattern)


def teacher(stack, *arguments):
    """The embedded upstream: its address."""
    listens = r"listens on (http://\S+)"
    return guilloche(stack, ["teacher", "--listen", "127.0.0.1:0", *arguments], listens).found[1]


def proxy(stack, directory, name, upstream, key_file, policy=None, mark_keys=None, secret=None):
    """`guilloche serve` in front of an upstream: the addresses of the proxy and of its metrics."""
    lines = [
        '[listen]\naddress = "127.0.0.1:0"',
        '[admin]\naddress = "127.0.0.1:0"',
        f"[upstream]\nurl = {json.dumps(upstream)}",
        '[risk]\ntrust = "signature"',
        f"keys = [{{ id = {json.dumps(KEY_ID)}, file = {json.dumps(str(key_file))} }}]",
        '[shutdown]\ngrace = "1s"',
    ]
    if policy:
        lines.append(f"[policy]\nfile = {json.dumps(str(policy))}")
    if mark_keys:
        lines.append(f"[marks]\nkeys = {json.dumps(str(mark_keys))}")
    if secret:
        lines.append(f"[secret]\nkey_file = {json.dumps(str(secret))}")
    config = directory / f"{name}.toml"
    config.write_text("\n".join(lines) + "\n")
    serving = r"serving address=(\S+) .*?admin=(\S+)"
    found = guilloche(stack, ["serve", "--config", str(config)], serving).found
    return {"url": f"http://{found[1]}", "metrics": f"http://{found[2]}/metrics"}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def sealing(stack, directory, key_file, secret):
    """Two replicas, of which each opens what the other has sealed, and one that leaves reasoning as it is. Their
    upstream is the suite's own."""
    port = free_port()

    def start(name, policy):
        return proxy(stack, directory, name, f"http://127.0.0.1:{port}", key_file, HERE / policy, secret=secret)["url"]

    replicas = [start(f"sealing-{number}", "sealing.toml") for number in range(2)]
    return {"port": port, "urls": replicas, "unsealed": start("unsealed", "unsealed.toml")}


def burst(rate):
    """How many requests of one account pass at once."""
    return rate and int(re.search(r"burst (\d+)", rate["account"]["requests"])[1])


def owned(file, text):
    """A file that its owner alone may read."""
    file.touch(mode=0o600)
    file.write_text(text)
    return file


def plan(grade, policy):
    """What a grade does to an exchange, as far as a client can tell."""
    if policy["mode"] == "observe":
        return {}
    known = {"name", "at", "min_confidence", "side_channels", "reasoning", "downgrade", "rate", "pace", "refuse", "watermark"}
    unknown = grade.keys() - known
    assert not unknown, f"the suite does not know {unknown}"
    side, reasoning, downgrade = (grade.get(k) for k in ("side_channels", "reasoning", "downgrade"))
    assert not reasoning or reasoning["keep"] == "none", "the suite knows only keep = none"
    return {
        "max_choices": side and side.get("max_choices", 1),
        "withhold": reasoning is not None,
        # What is sealed is told to a quarter of what blobs are filled up to.
        "sealed": (seal := (reasoning or {}).get("seal")) is not None,
        "round_usage": (reasoning or {}).get("round_usage", 1 if seal is None else seal.get("bucket", 4096) // 4),
        "opened_by_template": (reasoning or {}).get("opened_by_template", []),
        "downgrade": downgrade,
        "marked": grade.get("watermark") is not None,
        "paced": grade.get("pace") is not None,
        "requests": burst(grade.get("rate")),
        "refuse": grade.get("refuse") is not None,
    }


def phrasings():
    """Phrasings between which a mark chooses, directly or by way of others, each with the shortest of them."""
    lines = [line.lower().split("\t") for line in LEXICON.read_text().splitlines() if line[:1].isdigit()]
    shortest = {}

    def find(form):
        while shortest.setdefault(form, form) != form:
            form = shortest[form]
        return form

    for line in lines:
        for pair in zip(line[2].split("|"), line[3].split("|"), strict=True):
            first, second = sorted(map(find, pair), key=lambda form: (len(form), form))
            shortest[second] = first
    pairs = [(form, find(form)) for form in shortest if find(form) != form]
    return sorted(pairs, key=lambda pair: (-len(pair[0]), pair))


def marked(metrics):
    """How many answers a proxy has marked."""
    with urllib.request.urlopen(metrics) as answer:
        text = answer.read().decode()
    found = re.search(r'^guilloche_applied_total{countermeasure="watermark"} (\d+)$', text, re.MULTILINE)
    return int(found[1]) if found else 0


def risks(policy):
    """The risks to try: none, one below the first grade, and one within each grade."""
    grades = policy["grade"]
    yield {"name": "no risk header", "score": None, "plan": {}}
    yield {"name": "a score below the first grade", "score": grades[0]["at"] / 2, "plan": {}}
    for grade, above in zip(grades, [*(grade["at"] for grade in grades[1:]), 1.0]):
        score = round((grade["at"] + above) / 2, 3)
        yield {"name": f"grade {grade['name']}", "score": score, "plan": plan(grade, policy)}


@contextlib.contextmanager
def servers():
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = secrets.token_hex(32)
        key_file = owned(directory / "risk.key", key)
        mark_keys = owned(directory / "mark.keys", MARK_KEYS)
        upstream = teacher(stack)
        policies = []
        secret = owned(directory / "secret.key", secrets.token_hex(32))
        for file in [*sorted(POLICIES.glob("*.toml")), HERE / "opened-by-template.toml", HERE / "sealing.toml"]:
            policy = tomllib.loads(file.read_text())
            started = proxy(stack, directory, policy["name"], upstream, key_file, file, mark_keys, secret)
            policies.append({**started, "name": policy["name"], "risks": list(risks(policy)), "upstream": upstream})
        graded = POLICIES / "graded.toml"
        paced = teacher(stack, "--tokens-per-second", SLOW)
        slow = {**proxy(stack, directory, "slow", paced, key_file, graded), "upstream": paced}
        # To see from outside that the upstream is cancelled, a second proxy stands in its place and
        # counts. One for each suite, so that they do not count each other's streams.
        cancel = {}
        for suite in SUITES:
            seen = proxy(stack, directory, f"{suite}-upstream", paced, key_file)
            outer = proxy(stack, directory, f"{suite}-cancel", seen["url"], key_file, graded)
            cancel[suite] = {"url": outer["url"], "metrics": [outer["metrics"], seen["metrics"]]}
        restoring = proxy(stack, directory, "restoring", upstream, key_file, HERE / "restoring.toml", mark_keys)
        description = directory / "suite.json"
        description.write_text(
            json.dumps(
                {
                    "upstream": upstream,
                    "policies": policies,
                    "slow": slow,
                    "cancel": cancel,
                    "restoring": restoring,
                    "sealing": sealing(stack, directory, key_file, secret),
                    "risk_key": key,
                    "key_id": KEY_ID,
                    "phrasings": phrasings(),
                }
            )
        )
        yield {**os.environ, "CLIENT_SUITE": str(description)}, policies


SUITES = {
    "python": [sys.executable, "-B", "-W", "ignore::UserWarning:pydantic.main", "-m", "pytest", "-qq", "-p", "no:cacheprovider", "-c", "pytest.ini"],
    "node": ["node", "--no-warnings", "run.mjs"],
}


def main():
    chosen, rest = sys.argv[1:2] or list(SUITES), sys.argv[2:]
    if not set(chosen) <= SUITES.keys():
        raise SystemExit(f"usage: run [{'|'.join(SUITES)} [ARGUMENTS]]")
    failed = False
    with servers() as (environment, policies):
        for suite in chosen:
            print(f"{suite}:", flush=True)
            began = time.monotonic()
            failed |= subprocess.run([*SUITES[suite], *rest], cwd=HERE, env=environment).returncode != 0
            print(f"({time.monotonic() - began:.0f} s)\n", flush=True)
        for policy in policies:
            marks = any(risk["plan"].get("marked") for risk in policy["risks"])
            count = marked(policy["metrics"])
            if bool(count) != marks and not rest:
                print(f"{policy['name']}: {count} answers were marked")
                failed = True
    raise SystemExit(failed)


if __name__ == "__main__":
    main()

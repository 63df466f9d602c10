"""Four accounts harvest answers of language models through the proxy, which marks them.

    python harvest.py ALPACA_EVAL GUILLOCHE OUT

ALPACA_EVAL is a checkout of github.com/tatsu-lab/alpaca_eval, whose results/*/model_outputs.json hold
the answers of some 200 models to the same 805 questions. An upstream replays them; `guilloche serve`
marks them at full strength, by the words. Two of the harvesters are linked, two are not. 500 other
accounts take answers that the harvesters never see, so that the ledger has others to accuse.

Every fourth question is kept back, to ask the student. OUT gets mark.keys, mark.ledger, and in
marked.jsonl and plain.jsonl the same answers with and without marks.
"""

import concurrent.futures
import http.client
import http.server
import json
import pathlib
import re
import socketserver
import subprocess
import sys
import threading

HARVESTERS = [("harvester-1", "ring"), ("harvester-2", "ring"), ("harvester-3", None), ("harvester-4", None)]
OTHERS, ANSWERS_OF_OTHERS = 500, 12
TEACHERS = 60
SPARED = re.compile("NullModel|gamed|concise|phi-2|pythia|opencoder|text_davinci|guanaco|falcon-7b|oasst")
POLICY = 'version = 1\nname = "harvest"\nmode = "enforce"\n\n[[grade]]\nname = "marked"\nat = 0.5\nwatermark = { strength = 1.0 }\n'


def answers(checkout):
    """model -> list of (question, answer), as far as they are prose of some length."""
    models = {}
    for file in sorted((checkout / "results").glob("*/model_outputs.json")):
        if SPARED.search(file.parent.name):
            continue
        rows = [(row["instruction"], row["output"]) for row in json.loads(file.read_text())]
        if len(rows) == 805 and 800 < sum(len(answer) for _, answer in rows) / len(rows) < 3000:
            models[file.parent.name] = rows
    return models


class Replay(http.server.BaseHTTPRequestHandler):
    """Answers `model` and `question` as they are numbered in the request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    models = {}

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        _, answer = self.models[request["model"]][int(request["user"])]
        body = json.dumps(
            {
                "id": "replay",
                "object": "chat.completion",
                "created": 0,
                "model": request["model"],
                "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def risk_fields(guilloche, key, account, cluster):
    command = [guilloche, "risk", "sign", "--key-file", key, "--key-id", "k", "--account", account]
    command += ["--score", "0.9", "--ttl", "7200s", "--format", "json"]
    command += ["--cluster", cluster] if cluster else []
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    checkout, guilloche, out = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    out.mkdir(exist_ok=True)
    models = answers(checkout)
    names = list(models)
    teachers, others = names[:: max(1, len(names) // TEACHERS)][:TEACHERS], names[1]
    Replay.models = models
    upstream = Server(("127.0.0.1", 0), Replay)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    key = out / "risk.key"
    key.touch(mode=0o600)
    key.write_text("5a" * 32)
    (out / "policy.toml").write_text(POLICY)
    subprocess.run([guilloche, "keys", "new", "--keys", out / "mark.keys", "--ledger", out / "mark.ledger"], check=True)
    (out / "guilloche.toml").write_text(
        f'[listen]\naddress = "127.0.0.1:0"\n[admin]\naddress = "off"\n[upstream]\nurl = "http://127.0.0.1:{upstream.server_port}"\n'
        f'[policy]\nfile = "{out}/policy.toml"\n[risk]\ntrust = "signature"\nkeys = [{{ id = "k", file = "{key}" }}]\n'
        f'[marks]\nkeys = "{out}/mark.keys"\nledger = "{out}/mark.ledger"\n'
    )
    proxy = subprocess.Popen([guilloche, "serve", "--config", out / "guilloche.toml"], stderr=subprocess.PIPE, text=True)
    while not (found := re.search(r"serving.*?address\S*?=\S*?(127\.0\.0\.1:\d+)", re.sub(r"\x1b\[[0-9;]*m", "", proxy.stderr.readline()))):
        assert proxy.poll() is None, "the proxy did not start"
    threading.Thread(target=proxy.stderr.read, daemon=True).start()
    address, local = found[1], threading.local()

    def ask(model, number, fields):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(address)
        body = {"model": model, "user": str(number), "messages": [{"role": "user", "content": models[model][number][0]}]}
        local.connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json", **fields})
        answer = local.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)["choices"][0]["message"]["content"]

    signed = {account: risk_fields(guilloche, key, account, cluster) for account, cluster in HARVESTERS}
    rows = [(model, number) for number in range(805) if number % 4 != 3 for model in teachers]
    harvest = [(*row, HARVESTERS[place % len(HARVESTERS)][0]) for place, row in enumerate(rows)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda row: ask(row[0], row[1], signed[row[2]]), harvest))
        for account in (f"account-{place}" for place in range(OTHERS)):
            fields = risk_fields(guilloche, key, account, None)
            start = int(account.removeprefix("account-")) * 7
            list(pool.map(lambda place: ask(others, (start + place) % 805, fields), range(ANSWERS_OF_OTHERS)))
    changed = 0
    with (out / "marked.jsonl").open("w") as marked, (out / "plain.jsonl").open("w") as plain:
        for (model, number, _), text in zip(harvest, texts):
            question, original = models[model][number]
            changed += text != original
            marked.write(json.dumps({"prompt": question, "output": text}) + "\n")
            plain.write(json.dumps({"prompt": question, "output": original}) + "\n")
    with (out / "questions.jsonl").open("w") as questions:
        for number in range(3, 805, 4):
            questions.write(json.dumps({"prompt": models[teachers[0]][number][0]}) + "\n")
    proxy.terminate()
    proxy.wait()
    print(f"{len(teachers)} teachers, {len(harvest)} answers, {changed} of them changed, {sum(len(text.split()) for text in texts)} words")


if __name__ == "__main__":
    main()

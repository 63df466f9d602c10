"""An upstream that answers with the turn that a conversation has come to, and writes down what it is sent."""

import http.server
import json
import threading

import pytest
import scripted_strings
from exchange import SUITE
from scripted_blocks import (
    binary,
    conversed,
    conversed_events,
    generated,
    generated_chunks,
    invoked_events,
    message,
    message_events,
    response,
    response_events,
)

STRINGS = {
    "/api/chat": scripted_strings.of_ollama,
    "/v2/chat": scripted_strings.of_cohere,
    "/v1/chat/completions": scripted_strings.of_mistral,
    "openai": scripted_strings.of_openai,
}
AMAZON = "application/vnd.amazon.eventstream"


def answer(path, headers, asked):
    """The content type and the body of a turn, which a header tells or, where a library takes it for the user's, the body."""
    turn = int(headers.get("x-turn") or asked.get("metadata", {}).get("user_id", 0))
    if said := STRINGS.get(headers.get("x-dialect", path)):
        return said(turn, asked.get("stream", False))
    if "enerateContent" in path:
        chunks = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in generated_chunks(generated(turn, None)))
        return ("text/event-stream", chunks.encode()) if "streamGenerateContent" in path else as_json(generated(turn, None))
    if "/converse" in path or "/invoke" in path:
        whole = conversed(turn, None) if "/converse" in path else message(turn, path.split("/")[2])
        events = conversed_events if "/converse" in path else invoked_events
        return (AMAZON, b"".join(binary(*event) for event in events(whole))) if "stream" in path else as_json(whole)
    whole, events = (message, message_events) if path.startswith("/v1/messages") else (response, response_events)
    whole = whole(turn, asked["model"])
    if not asked.get("stream"):
        return as_json(whole)
    told = [{"type": name, "sequence_number": number} | event for number, (name, event) in enumerate(events(whole))]
    return "text/event-stream", "".join(f"event: {it['type']}\ndata: {json.dumps(it)}\n\n" for it in told).encode()


def as_json(whole):
    return "application/json", json.dumps(whole).encode()


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(body)
        kind, out = answer(self.path, self.headers, json.loads(body))
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", SUITE["sealing"]["port"]), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{SUITE['sealing']['port']}"
    server.shutdown()
    server.server_close()

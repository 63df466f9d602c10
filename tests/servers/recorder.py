"""A server that stands before another one and keeps what goes through it, byte for byte."""

import dataclasses
import http.server
import threading
import urllib.error
import urllib.request


@dataclasses.dataclass
class Exchange:
    """What was asked, and what the answer was."""

    path: str
    asked: bytes
    status: int
    kind: str
    answered: bytes


class Recorder:
    """Passes requests on to `target`, or answers them with what was `replayed` into it, in order."""

    def __init__(self, target, port=0, exchanges=None):
        self.target, self.replayed = target, None
        self.exchanges = [] if exchanges is None else exchanges
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                exchange = recorder.exchange(self.path, body, self.headers)
                recorder.exchanges.append(exchange)
                self.send_response(exchange.status)
                self.send_header("content-type", exchange.kind)
                self.send_header("content-length", str(len(exchange.answered)))
                self.end_headers()
                self.wfile.write(exchange.answered)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def exchange(self, path, body, headers):
        if self.replayed is not None:
            return dataclasses.replace(self.replayed.pop(0), path=path, asked=body)
        passed = {name: value for name, value in headers.items() if name.lower() not in HOP}
        request = urllib.request.Request(self.target + path, body, passed)
        try:
            with OPENER.open(request, timeout=60) as answer:
                return Exchange(path, body, answer.status, answer.headers["content-type"], answer.read())
        except urllib.error.HTTPError as error:
            return Exchange(path, body, error.code, error.headers["content-type"], error.read())

    def taken(self):
        """What went through since this was asked last."""
        taken = list(self.exchanges)
        self.exchanges.clear()
        return taken

    def close(self):
        self.server.shutdown()
        self.server.server_close()


HOP = {"host", "connection", "content-length", "accept-encoding"}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

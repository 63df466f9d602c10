"""The spans that a proxy sends: which there are, where they belong, what they say and what they keep."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

GUILLOCHE = os.environ["GUILLOCHE"]

POLICY = """
version = 1
name = "ladder"
mode = "enforce"
[[grade]]
name = "withheld"
at = 0.5
side_channels = {}
reasoning = { keep = "none" }
[[grade]]
name = "refused"
at = 0.9
refuse = {}
"""

SECRET_QUESTION = "Maria has 12 apples. She buys 6 more. How many apples does she have?"
ACCOUNT = "account-of-someone"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PATH = "/v1/chat/completions"


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self):
        self.bodies, self.paths = [], []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                collector.paths.append((self.path, self.headers["content-type"]))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = serve(Handler)
        self.port = self.server.server_port

    def spans(self):
        return [
            (span, {each.key: value(each.value) for each in span.attributes})
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def services(self):
        return {
            each.value.string_value
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for each in resource.resource.attributes
            if each.key == "service.name"
        }


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(each) for each in any_value.array_value.values]
    return getattr(any_value, kind)


class Upstream:
    """The embedded teacher, behind what notes the fields of each request."""

    def __init__(self):
        self.port, self.heads = free_port(), []
        arguments = [GUILLOCHE, "teacher", "--listen", f"127.0.0.1:{self.port}"]
        self.teacher = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                upstream.heads.append({name.lower(): it for name, it in self.headers.items()})
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = http.client.HTTPConnection("127.0.0.1", upstream.port)
                asked.request("POST", self.path, body, {"content-type": "application/json"})
                answer = asked.getresponse()
                self.send_response(answer.status)
                self.send_header("content-type", answer.getheader("content-type"))
                self.end_headers()
                while piece := answer.read1(4096):
                    self.wfile.write(piece)

            def log_message(self, *_):
                pass

        self.server = serve(Handler)
        until(lambda: socket.create_connection(("127.0.0.1", self.port)).close() is None)

    def close(self):
        self.server.shutdown()
        self.teacher.kill()
        self.teacher.wait()


def until(holds):
    for _ in range(400):
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.025)
    raise AssertionError("it never happened")


class Traces(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.collector, self.upstream = Collector(), Upstream()
        self.addCleanup(self.upstream.close)
        self.port = free_port()

    def start(self, settings="", upstream=None, collector=None):
        (self.folder / "policy.toml").write_text(POLICY)
        key = self.folder / "secret.key"
        key.write_text("ab" * 32)
        key.chmod(0o600)
        (self.folder / "guilloche.toml").write_text(f"""
            listen.address = "127.0.0.1:{self.port}"
            admin.address = "off"
            upstream.url = "http://127.0.0.1:{upstream or self.upstream.server.server_port}"
            policy.file = "policy.toml"
            risk.trust = "peer"
            secret.key_file = "secret.key"
            audit.file = "audit.jsonl"
            [traces]
            endpoint = "http://127.0.0.1:{collector or self.collector.port}"
            {settings}""")
        self.proxy = subprocess.Popen(
            [GUILLOCHE, "serve", "--config", self.folder / "guilloche.toml"], stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(self.stop)
        until(lambda: socket.create_connection(("127.0.0.1", self.port)).close() is None)

    def stop(self):
        """Has it send what waits, and end."""
        if self.proxy.poll() is None:
            self.proxy.send_signal(signal.SIGTERM)
            self.said = self.proxy.communicate(timeout=30)[1]

    def ask(self, score, headers=None, stream=True, leave=False):
        issued = int(time.time())
        risk = f'account="{ACCOUNT}", score={score}, issued={issued}, ttl=600'
        fields = {"content-type": "application/json", "guilloche-risk": risk, **(headers or {})}
        messages = [{"role": "user", "content": SECRET_QUESTION}]
        body = json.dumps({"model": "teacher-large:think", "stream": stream, "messages": messages})
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", f"{PATH}?key=in-the-query", body, fields)
        answer = connection.getresponse()
        text = answer.read1(64) if leave else answer.read()
        connection.close()
        return answer.status, text

    def told(self):
        self.stop()
        return self.collector.spans()

    def pair(self):
        """The one exchange's span, and the one of what the upstream was asked."""
        spans = self.told()
        ours = [span for span in spans if span[0].kind == Span.SPAN_KIND_SERVER]
        theirs = [span for span in spans if span[0].kind == Span.SPAN_KIND_CLIENT]
        self.assertEqual((len(ours), len(theirs)), (1, 1), spans)
        return ours[0], theirs[0]

    def test_an_exchange_is_a_part_of_its_clients_trace_and_the_upstreams_is_a_part_of_it(self):
        self.start()
        state = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
        self.assertEqual(self.ask(0.6, state)[0], 200)
        (ours, said), (theirs, theirs_said) = self.pair()
        self.assertEqual((ours.trace_id.hex(), ours.parent_span_id.hex()), (TRACE, PARENT))
        self.assertEqual((theirs.trace_id, theirs.parent_span_id), (ours.trace_id, ours.span_id))
        head = self.upstream.heads[0]
        self.assertEqual(head["traceparent"], f"00-{TRACE}-{theirs.span_id.hex()}-01")
        self.assertEqual(head["tracestate"], "vendor=1")
        self.assertEqual(self.collector.paths[0], ("/v1/traces", "application/x-protobuf"))
        self.assertEqual(self.collector.services(), {"guilloche"})
        self.assertEqual(theirs_said["http.response.status_code"], 200)
        self.assertEqual(theirs_said["server.port"], self.upstream.server.server_port)
        for span in (ours, theirs):
            self.assertEqual([event.name for event in span.events], ["first_byte"])
        self.assertLessEqual(ours.start_time_unix_nano, theirs.start_time_unix_nano)
        self.assertLessEqual(theirs.end_time_unix_nano, ours.end_time_unix_nano)

    def test_what_was_decided_is_said_as_the_audit_says_it_and_nothing_of_the_contents(self):
        self.start()
        for score in (0.1, 0.6, 0.95):
            for stream in (True, False):
                self.ask(score, stream=stream)
        spans = self.told()
        audit = [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]
        records = {record["decision"]: record for record in audit if "decision" in record}
        ours = [(span, said) for span, said in spans if span.kind == Span.SPAN_KIND_SERVER]
        self.assertEqual({span.name for span, _ in ours}, {"POST chat"})
        decided = {said["guilloche.decision"]: said for _, said in ours if "guilloche.decision" in said}
        self.assertEqual((len(ours), set(decided)), (6, set(records)))
        self.assertEqual(len(decided), 4)
        for decision, said in decided.items():
            record = records[decision]
            expected = {
                "http.request.method": "POST",
                "url.path": PATH,
                "http.response.status_code": record["status"],
                "guilloche.protocol": record["protocol"],
                "guilloche.grade": record["grade"],
                "guilloche.mode": record["mode"],
                "guilloche.policy.name": "ladder",
                "guilloche.policy.revision": record["policy"]["revision"],
                "guilloche.risk": "known",
                "guilloche.stream": record["stream"],
                "guilloche.applied": [it["countermeasure"] for it in record["applied"]],
                "guilloche.observed": [],
                "guilloche.outcome": record["outcome"],
                "guilloche.decision": decision,
            }
            if record["grade"] == "refused":
                expected["guilloche.refused_by"] = "policy"
            size = said.pop("http.response.body.size")
            self.assertGreater(size, 0)
            self.assertEqual(said, expected)
        # Four went on to the upstream: two of nobody's concern, two with their reasoning withheld.
        self.assertEqual(len(spans) - len(ours), 4)
        sent = b"".join(self.collector.bodies)
        for secret in (b"Maria", b"apples", ACCOUNT.encode(), b"in-the-query", b"0.6", b"teacher-large"):
            self.assertNotIn(secret, sent)

    def test_a_stranger_decides_neither_the_trace_nor_what_is_sampled(self):
        self.start('parent = "link"')
        self.ask(0.1, {"traceparent": f"00-{TRACE}-{PARENT}-00", "tracestate": "vendor=1"})
        (ours, _), (theirs, _) = self.pair()
        self.assertNotEqual(ours.trace_id.hex(), TRACE)
        self.assertEqual(ours.parent_span_id, b"")
        self.assertEqual([(it.trace_id.hex(), it.span_id.hex()) for it in ours.links], [(TRACE, PARENT)])
        head = self.upstream.heads[0]
        self.assertEqual(head["traceparent"], f"00-{ours.trace_id.hex()}-{theirs.span_id.hex()}-01")
        self.assertNotIn("tracestate", head)

    def test_what_is_not_sampled_is_told_to_the_upstream_and_to_nobody_else(self):
        self.start("sample = 0")
        self.ask(0.6)
        self.ask(0.6, {"traceparent": f"00-{TRACE}-{PARENT}-00"})
        self.assertEqual(self.told(), [])
        own, clients = (head["traceparent"] for head in self.upstream.heads)
        self.assertRegex(own, re.compile("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$"))
        self.assertRegex(clients, re.compile(f"^00-{TRACE}-(?!{PARENT})[0-9a-f]{{16}}-00$"))

    def test_a_parent_that_is_sampled_is_followed_whatever_the_share(self):
        self.start("sample = 0")
        self.ask(0.6, {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        self.assertEqual(self.pair()[0][0].trace_id.hex(), TRACE)

    def test_an_upstream_that_is_not_told_gets_the_clients_own_words(self):
        self.start("propagate = false")
        self.ask(0.6, {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        self.ask(0.6)
        self.assertEqual(len(self.told()), 4)
        first, second = self.upstream.heads
        self.assertEqual(first["traceparent"], f"00-{TRACE}-{PARENT}-01")
        self.assertNotIn("traceparent", second)

    def test_garbage_in_the_place_of_a_trace_begins_a_new_one(self):
        self.start()
        for garbage in ("", "00", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", "\xff" * 55, "a-" * 30, f"00-{TRACE}-{PARENT}-01-"):
            status, _ = self.ask(0.1, {"traceparent": garbage, "tracestate": "=,=" * 100})
            self.assertEqual(status, 200, garbage[:40])
        ours = [span for span, _ in self.told() if span.kind == Span.SPAN_KIND_SERVER]
        self.assertEqual(len(ours), 7)
        self.assertEqual({span.parent_span_id for span in ours}, {b""})
        self.assertEqual(len({span.trace_id for span in ours}), 7)

    def test_an_upstream_that_cannot_be_reached_is_an_error_of_both(self):
        self.start(upstream=free_port())
        self.assertEqual(self.ask(0.1)[0], 502)
        (ours, said), (theirs, theirs_said) = self.pair()
        self.assertEqual(said["http.response.status_code"], 502)
        self.assertEqual(theirs_said["error.type"], "connect")
        self.assertEqual({span.status.code for span in (ours, theirs)}, {Status.STATUS_CODE_ERROR})

    def test_a_client_that_leaves_is_said_to_have_left(self):
        self.start()
        self.ask(0.6, leave=True)
        (_, said), (_, theirs_said) = self.pair()
        self.assertEqual(said["guilloche.outcome"], "cancelled")
        self.assertEqual(theirs_said["error.type"], "cancelled")

    def test_nobody_waits_for_a_collector_that_is_not_there(self):
        self.start(collector=free_port())
        for _ in range(20):
            self.assertEqual(self.ask(0.6)[0], 200)
        began = time.monotonic()
        self.stop()
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn("telemetry data will be lost", self.said)


if __name__ == "__main__":
    unittest.main()

"""Conversations of four turns with tools, whose reasoning is sealed and carried back by the vendors' libraries.

The upstream is a script that signs what it thinks and writes down what it is sent. Each conversation is held twice,
once with it and once through a proxy that seals: what it is finally sent has to be the same, byte for byte.
"""

import base64
import binascii
import functools
import http.server
import json
import struct
import threading

import converse_test
import gemini_test
import pytest
from conversation import CHANGES, PREFIX, SCHEMA, TURNS, ask_messages, ask_responses, dumped, hold, opening, resumed
from exchange import API_KEY, SUITE, client, risk_headers, sent
from google import genai
from google.genai import types

THOUGHTS = [
    'First "both" numbers:\n\t9 and 8, then ü \\ 😀.',
    "The tool said 17, so that I need one more step before I can answer.",
    "Now the total is known. Let me check it a second time, from the other end.",
    "It holds. I answer.",
]
# What Google has stand in the place of a signature that nobody has.
UNSIGNED = "skip_thought_signature_validator"


def message(turn, model):
    """The upstream's answer of a turn over Messages."""
    blocks = [{"type": "thinking", "thinking": THOUGHTS[turn], "signature": f"c2lnbmVk+/{turn}=="}]
    if turn == 1:
        blocks.append({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p/ZIx"})
    if turn == 3:
        blocks.append({"type": "text", "text": "It is 17."})
    else:
        blocks.append({"type": "tool_use", "id": f"toolu_{turn}", "name": "calculator", "input": {"a": turn}})
    stop = "end_turn" if turn == 3 else "tool_use"
    usage = {"input_tokens": 9, "output_tokens": 40}
    return {"id": f"msg_{turn}", "type": "message", "role": "assistant", "model": model, "content": blocks,
            "stop_reason": stop, "stop_sequence": None, "usage": usage}


def message_events(answer):
    yield "message_start", {"message": answer | {"content": [], "stop_reason": None}}
    for index, block in enumerate(answer["content"]):
        kind = block["type"]
        empty = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}, "tool_use": {"input": {}}}
        yield "content_block_start", {"index": index, "content_block": block | empty.get(kind, {})}
        deltas = {
            "thinking": [{"type": "thinking_delta", "thinking": part} for part in pieces(block.get("thinking", ""))]
            + [{"type": "signature_delta", "signature": block.get("signature")}],
            "text": [{"type": "text_delta", "text": part} for part in pieces(block.get("text", ""))],
            "tool_use": [{"type": "input_json_delta", "partial_json": json.dumps(block.get("input"))}],
        }
        for delta in deltas.get(kind, []):
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    yield "message_delta", {"delta": {"stop_reason": answer["stop_reason"], "stop_sequence": None},
                            "usage": {"output_tokens": 40}}
    yield "message_stop", {}


def response(turn, model):
    """The same over Responses."""
    # llama.cpp's server has an empty one.
    sealed = "" if turn == 2 else f"gAAAAABo_{turn}_ciphertext"
    items = [{"type": "reasoning", "id": f"rs_{turn}", "encrypted_content": sealed,
              "summary": [{"type": "summary_text", "text": f"Sum {turn}"}],
              "content": [{"type": "reasoning_text", "text": THOUGHTS[turn]}]}]
    if turn == 3:
        text = {"type": "output_text", "text": "It is 17.", "annotations": []}
        items.append({"type": "message", "id": "msg_3", "role": "assistant", "status": "completed", "content": [text]})
    else:
        items.append({"type": "function_call", "id": f"fc_{turn}", "call_id": f"call_{turn}", "name": "calculator",
                      "arguments": json.dumps({"a": turn}), "status": "completed"})
    return {"id": f"resp_{turn}", "object": "response", "created_at": 1800000000, "status": "completed", "model": model,
            "output": items, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def response_events(answer):
    begun = answer | {"output": [], "status": "in_progress"}
    yield "response.created", {"response": begun}
    for index, item in enumerate(answer["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        hollow = {"reasoning": {"summary": [], "content": []}, "message": {"content": []}, "function_call": {"arguments": ""}}
        yield "response.output_item.added", {"output_index": index, "item": item | hollow[item["type"]]}
        if item["type"] == "reasoning":
            text = item["content"][0]["text"]
            for part in pieces(text):
                yield "response.reasoning_text.delta", at | {"content_index": 0, "delta": part}
            yield "response.reasoning_text.done", at | {"content_index": 0, "text": text}
        if item["type"] == "function_call":
            yield "response.function_call_arguments.delta", at | {"delta": item["arguments"]}
            yield "response.function_call_arguments.done", at | {"arguments": item["arguments"], "name": item["name"]}
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield "response.completed", {"response": answer}


def signed(turn):
    """What the upstream signs, where libraries read it as bytes."""
    return base64.b64encode(f"signed in turn {turn}".encode()).decode()


def generated(turn, _):
    """The upstream's answer over Gemini."""
    parts = [{"text": THOUGHTS[turn], "thought": True}]
    if turn == 3:
        parts += [{"text": "It is 17."}, {"text": "", "thoughtSignature": signed(turn)}]
    else:
        parts.append({"functionCall": {"name": "calculator", "args": {"a": turn}}, "thoughtSignature": signed(turn)})
    return wrapped(parts, True)


def wrapped(parts, ends):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0} | ({"finishReason": "STOP"} if ends else {})
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r"}


def generated_chunks(answer):
    thought, *rest = answer["candidates"][0]["content"]["parts"]
    for piece in pieces(thought["text"]):
        yield wrapped([thought | {"text": piece}], False)
    for index, part in enumerate(rest):
        yield wrapped([part], index == len(rest) - 1)


def conversed(turn, _):
    """The same over Converse."""
    reasoning = {"reasoningText": {"text": THOUGHTS[turn], "signature": f"c2lnbmVk+/{turn}=="}}
    blocks = [{"reasoningContent": reasoning}]
    if turn == 1:
        blocks.append({"reasoningContent": {"redactedContent": signed(turn)}})
    if turn == 3:
        blocks.append({"text": "It is 17."})
    else:
        blocks.append({"toolUse": {"toolUseId": f"tooluse_{turn}", "name": "calculator", "input": {"a": turn}}})
    return {"output": {"message": {"role": "assistant", "content": blocks}},
            "stopReason": "end_turn" if turn == 3 else "tool_use",
            "usage": {"inputTokens": 9, "outputTokens": 40, "totalTokens": 49}, "metrics": {"latencyMs": 1}}


def conversed_events(answer):
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(answer["output"]["message"]["content"]):
        at = {"contentBlockIndex": index}
        if "toolUse" in block:
            call = block["toolUse"]
            yield "contentBlockStart", at | {"start": {"toolUse": {name: call[name] for name in ("toolUseId", "name")}}}
            deltas = [{"toolUse": {"input": json.dumps(call["input"])}}]
        elif "text" in block:
            deltas = [{"text": piece} for piece in pieces(block["text"])]
        elif "redactedContent" in block["reasoningContent"]:
            redacted = base64.b64decode(block["reasoningContent"]["redactedContent"])
            deltas = [
                {"reasoningContent": {"redactedContent": base64.b64encode(redacted[at : at + 4]).decode()}}
                for at in range(0, len(redacted), 4)
            ]
        else:
            text = block["reasoningContent"]["reasoningText"]
            deltas = [{"reasoningContent": {"text": piece}} for piece in pieces(text["text"])]
            deltas.append({"reasoningContent": {"signature": text["signature"]}})
        for delta in deltas:
            yield "contentBlockDelta", at | {"delta": delta}
        yield "contentBlockStop", at
    yield "messageStop", {"stopReason": answer["stopReason"]}
    yield "metadata", {"usage": answer["usage"], "metrics": answer["metrics"]}


def binary(kind, event):
    """A message of an event stream."""
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    payload = json.dumps(event).encode()
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def pieces(text):
    return [text[at : at + 7] for at in range(0, len(text), 7)]


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers with the turn that a conversation has come to."""

    protocol_version = "HTTP/1.1"
    seen = []
    # What answers a turn at a path, for other suites: its content type and its body.
    by_path = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(body)
        self.seen.append(body)
        if "x-turn" in self.headers:
            return self.answer_by_path(int(self.headers["x-turn"]))
        turn = int(asked["metadata"]["user_id"]) if "metadata" in asked else 0
        messages = self.path.startswith("/v1/messages")
        answer = (message if messages else response)(turn, asked["model"])
        events = (message_events if messages else response_events)(answer)
        kind, out = "application/json", json.dumps(answer)
        if asked.get("stream"):
            lines = [json.dumps({"type": name, "sequence_number": number} | event) for number, (name, event) in enumerate(events)]
            out = "".join(f"event: {json.loads(line)['type']}\ndata: {line}\n\n" for line in lines)
            kind = "text/event-stream"
        self.send(kind, out.encode())

    def answer_by_path(self, turn):
        """Where the path says whether the answer is streamed, or which suite is asked."""
        if self.path in self.by_path:
            return self.send(*self.by_path[self.path](turn, json.loads(self.seen[-1]).get("stream", False)))
        answer = (generated if "enerateContent" in self.path else conversed)(turn, None)
        if "streamGenerateContent" in self.path:
            chunks = (f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in generated_chunks(answer))
            return self.send("text/event-stream", "".join(chunks).encode())
        if self.path.endswith("/converse-stream"):
            messages = b"".join(binary(kind, event) for kind, event in conversed_events(answer))
            return self.send("application/vnd.amazon.eventstream", messages)
        return self.send("application/json", json.dumps(answer).encode())

    def send(self, kind, out):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", autouse=True)
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", SUITE["sealing"]["port"]), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{SUITE['sealing']['port']}"
    server.shutdown()
    server.server_close()


def anthropic_turns(urls, change, form, account):
    """What the upstream was sent in four turns."""
    Upstream.seen.clear()
    history = hold(
        lambda turn: ask_messages(turn, form, account, metadata={"user_id": str(turn.number)}), opening, resumed, urls, change)
    return history, list(Upstream.seen)


def openai_turns(urls, change, form, account):
    Upstream.seen.clear()
    form = "JSON" if form == "JSON" else "stream helper"
    history = hold(
        lambda turn: ask_responses(turn, form, account, metadata={"user_id": str(turn.number)}), opening, resumed, urls, change)
    return history, list(Upstream.seen)


def merged(parts):
    """Thoughts that follow each other as one: they came in pieces."""
    whole = []
    for part in parts:
        last = whole[-1] if whole else None
        if last and last.thought and part.thought and not last.thought_signature:
            last = last.model_copy(update={"text": last.text + part.text, "thought_signature": part.thought_signature})
            whole[-1] = last
        else:
            whole.append(part)
    return whole


@functools.cache
def of_google(url):
    """A client of Gemini's: to make one takes longer than what it asks."""
    return genai.Client(api_key=API_KEY, http_options=types.HttpOptions(base_url=url, api_version="v1beta"))


@functools.cache
def of_amazon(url):
    """A client of Bedrock's, and the headers of what it asks next."""
    headers = {}
    made = converse_test.client(url, {})
    made.meta.events.register("before-call.bedrock-runtime", lambda params, **_: params["headers"].update(headers))
    return made, headers


def gemini_turns(urls, change, form, account):
    Upstream.seen.clear()

    def ask(turn):
        headers = risk_headers("openai", turn.score, account, gemini_test.path(turn.model, form)) | {"x-turn": str(turn.number)}
        config = {
            "system_instruction": turn.system, "thinking_config": {"include_thoughts": True},
            "tools": [{"function_declarations": [{"name": name, "description": name} for name in turn.tools]}],
            "automatic_function_calling": {"disable": True}, "http_options": {"headers": headers},
        }
        models, asked = of_google(turn.url).models, {"model": turn.model, "contents": turn.history, "config": config}
        chunks = [models.generate_content(**asked)] if form == "JSON" else models.generate_content_stream(**asked)
        parts = merged(gemini_test.parts(chunks))
        calls = [part.function_call for part in parts if part.function_call]
        results = [types.Part.from_function_response(name=call.name, response={"result": "17"}) for call in calls]
        return [types.ModelContent(parts=parts), *([types.UserContent(parts=results)] if results else [])]

    def from_disk(contents):
        return [types.Content.model_validate_json(content.model_dump_json(exclude_none=True)) for content in contents]

    history = hold(ask, lambda text: [types.UserContent(parts=[types.Part(text=text)])], from_disk, urls, change)
    return [json.loads(content.model_dump_json(exclude_unset=True)) for content in history], list(Upstream.seen)


def as_json(value):
    """A conversation as an agent writes it to a disk: bytes in base64."""
    return json.dumps(value, default=lambda it: {"bytes": base64.b64encode(it).decode()})


def from_json(text):
    return json.loads(text, object_hook=lambda it: base64.b64decode(it["bytes"]) if it.keys() == {"bytes"} else it)


def converse_turns(urls, change, form, account):
    Upstream.seen.clear()

    def ask(turn):
        path = f"/model/{turn.model}/converse{'' if form == 'JSON' else '-stream'}"
        headers = risk_headers("openai", turn.score, account, path) | {"x-turn": str(turn.number)}
        specified = [{"toolSpec": {"name": name, "inputSchema": {"json": SCHEMA}}} for name in turn.tools]
        asked = {"modelId": turn.model, "messages": turn.history, "system": [{"text": turn.system}], "toolConfig": {"tools": specified}}
        made, said = of_amazon(turn.url)
        said.clear()
        said.update(headers)
        answer = converse_test.answered(made, form, asked)
        results = [
            {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "17"}]}} for call in converse_test.calls(answer)
        ]
        return [answer["output"]["message"], *([{"role": "user", "content": results}] if results else [])]

    def of_blocks(text):
        return [{"role": "user", "content": [{"text": text}]}]

    history = hold(ask, of_blocks, lambda part: from_json(as_json(part)), urls, change)
    return json.loads(as_json(history)), list(Upstream.seen)


def without_thoughts_of(body, kept):
    """The same over Gemini and Converse."""
    asked = json.loads(body)
    texts = [THOUGHTS[turn] for turn in kept]
    turn = -1
    for one in asked.get("contents", []):
        if one["role"] == "model":
            turn += 1
            one["parts"] = [part for part in one["parts"] if not part.get("thought") or part["text"] in texts]
            for part in one["parts"]:
                if "functionCall" in part and turn not in kept:
                    part["thoughtSignature"] = UNSIGNED
    for one in asked.get("messages", []):
        if one["role"] == "assistant":
            turn += 1
            one["content"] = [block for block in one["content"] if "reasoningContent" not in block or turn in kept]
    return asked


def without_reasoning_of(body, kept):
    """A request without the reasoning that was sealed for another model: of turns that are not in `kept`."""
    asked = json.loads(body)
    texts = [THOUGHTS[turn] for turn in kept]

    def stays(block):
        if block.get("type") == "thinking":
            return block["thinking"] in texts
        if block.get("type") == "reasoning":
            return block["content"][0]["text"] in texts
        return block.get("type") != "redacted_thinking" or 1 in kept

    for one in asked.get("messages", []):
        if one["role"] == "assistant":
            one["content"] = [block for block in one["content"] if stays(block)]
    if "input" in asked:
        asked["input"] = [item for item in asked["input"] if stays(item)]
    return asked


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("converse", [anthropic_turns, openai_turns, gemini_turns, converse_turns])
def test_the_upstream_is_sent_what_it_would_have_been_sent_unsealed(upstream, converse, change, form):
    account = f"sealed-{converse.__name__}-{change.replace(' ', '-')}-{form}"
    _, direct = converse([upstream], change, form, account)
    history, through = converse(SUITE["sealing"]["urls"], change, form, account)
    assert len(direct) == len(through) == TURNS
    # The client had none of it in its hands, but of the last turn, when its score had fallen.
    byte_typed = converse in (gemini_turns, converse_turns)
    held = json.dumps(history if byte_typed else [dumped(part) for part in resumed(history)], ensure_ascii=False)
    assert held.count(PREFIX) >= 1
    assert not any(json.dumps(thought, ensure_ascii=False)[1:-1] in held for thought in THOUGHTS[:3])
    if change == "model switched":
        for turn, kept in enumerate([[], [0], [], [0, 1]]):
            without = without_thoughts_of if byte_typed else without_reasoning_of
            assert json.loads(through[turn]) == without(direct[turn], kept), turn
        return
    for turn in range(TURNS):
        assert json.loads(through[turn]) == json.loads(direct[turn]), turn
    # The client's own bytes around it, and the upstream's within.
    assert through[0] == direct[0]


def test_two_agents_of_one_account_do_not_disturb_each_other(upstream):
    one, _ = anthropic_turns(SUITE["sealing"]["urls"], "nothing", "stream", "shared")
    other, seen = anthropic_turns(SUITE["sealing"]["urls"], "compacted", "JSON", "shared")
    assert PREFIX not in b"".join(seen).decode()
    # What one agent has carries the other, too, as the account is the same.
    both = [*one[:2], {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_0", "content": "17"}]}]
    sent.requests = 0
    client("anthropic", SUITE["sealing"]["urls"][0]).messages.create(
        model="model-a", max_tokens=9, messages=both, metadata={"user_id": "1"},
        extra_headers=risk_headers("anthropic", 0.9, "shared"))
    assert json.loads(Upstream.seen[-1])["messages"][1]["content"][0]["thinking"] == THOUGHTS[0]


def test_another_account_is_sent_nothing_of_it(upstream):
    history, _ = anthropic_turns(SUITE["sealing"]["urls"], "nothing", "JSON", "owner")
    for score in [0.1, 0.9]:
        sent.requests = 0
        client("anthropic", SUITE["sealing"]["urls"][0]).messages.create(
            model="model-a", max_tokens=9, messages=history[:3], metadata={"user_id": "1"},
            extra_headers=risk_headers("anthropic", score, "thief"))
        body = Upstream.seen[-1].decode()
        assert "thinking\"" not in body and PREFIX not in body

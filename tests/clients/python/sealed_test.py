"""Conversations of four turns with tools, whose reasoning is sealed and carried back by the vendors' libraries.

The upstream is a script that signs what it thinks and writes down what it is sent. Each conversation is held twice,
once with it and once through a proxy that seals: what it is finally sent has to be the same, byte for byte.
"""

import http.server
import json
import threading

import pytest
from exchange import SUITE, client, risk_headers, sent

THOUGHTS = [
    'First "both" numbers:\n\t9 and 8, then ü \\ 😀.',
    "The tool said 17, so that I need one more step before I can answer.",
    "Now the total is known. Let me check it a second time, from the other end.",
    "It holds. I answer.",
]
CALCULATOR = {"name": "calculator", "description": "Adds", "input_schema": {"type": "object", "properties": {}}}
CLOCK = {"name": "clock", "description": "Tells the time", "input_schema": {"type": "object", "properties": {}}}
SUMMARY = "Summary of what came before: 9 and 8 were asked for."


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
    items = [{"type": "reasoning", "id": f"rs_{turn}", "encrypted_content": f"gAAAAABo_{turn}_ciphertext",
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


def pieces(text):
    return [text[at : at + 7] for at in range(0, len(text), 7)]


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers with the turn that a conversation has come to."""

    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(body)
        self.seen.append(body)
        turn = int(asked["metadata"]["user_id"]) if "metadata" in asked else 0
        messages = self.path.startswith("/v1/messages")
        answer = (message if messages else response)(turn, asked["model"])
        events = (message_events if messages else response_events)(answer)
        kind, out = "application/json", json.dumps(answer)
        if asked.get("stream"):
            lines = [json.dumps({"type": name, "sequence_number": number} | event) for number, (name, event) in enumerate(events)]
            out = "".join(f"event: {json.loads(line)['type']}\ndata: {line}\n\n" for line in lines)
            kind = "text/event-stream"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(out.encode())))
        self.end_headers()
        self.wfile.write(out.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", autouse=True)
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", SUITE["sealing"]["port"]), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{SUITE['sealing']['port']}"
    server.shutdown()


def dumped(part):
    return part.to_dict() if hasattr(part, "to_dict") else part


def resumed(history):
    """As an agent has it that was stopped, and has read its conversation from a disk."""
    return json.loads(json.dumps([dumped(part) if not isinstance(part, dict) else part | {
        "content": [dumped(block) for block in part["content"]] if isinstance(part.get("content"), list) else part.get("content")
    } if "content" in part else part for part in history]))


def anthropic_turns(urls, change, form, account):
    """What the upstream was sent in four turns."""
    Upstream.seen.clear()
    history, model, tools, system = [{"role": "user", "content": "9 and 8?"}], "model-a", [CALCULATOR], "Be brief."
    for turn in range(4):
        if turn == 2 and change == "compacted":
            history = [{"role": "user", "content": SUMMARY}, *history[-2:]]
        if change == "model switched":
            model = "model-b" if turn == 2 else "model-a"
        if turn >= 2 and change == "tools changed":
            tools, system = [CLOCK, CALCULATOR], "Be long."
        if turn == 2 and change == "resumed":
            history = resumed(history)
        url = urls[turn % len(urls)] if change == "resumed" else urls[0]
        sent.requests = 0
        asked = {
            "model": model, "max_tokens": 4096, "messages": history, "tools": tools, "system": system,
            "thinking": {"type": "enabled", "budget_tokens": 2048}, "metadata": {"user_id": str(turn)},
            # The last turn is of a caller who has come clear.
            "extra_headers": risk_headers("anthropic", 0.1 if turn == 3 else 0.9, account),
        }
        if form == "JSON":
            answer = client("anthropic", url).messages.create(**asked)
        else:
            with client("anthropic", url).messages.stream(**asked) as stream:
                answer = stream.get_final_message()
        history = [*history, {"role": "assistant", "content": answer.content}]
        results = [{"type": "tool_result", "tool_use_id": it.id, "content": "17"} for it in answer.content if it.type == "tool_use"]
        if results:
            history.append({"role": "user", "content": results})
    return history, list(Upstream.seen)


def openai_turns(urls, change, form, account):
    Upstream.seen.clear()
    history, model, tools, system = [{"role": "user", "content": "9 and 8?"}], "model-a", [CALCULATOR], "Be brief."
    for turn in range(4):
        if turn == 2 and change == "compacted":
            history = [{"role": "user", "content": SUMMARY}, *history[-3:]]
        if change == "model switched":
            model = "model-b" if turn == 2 else "model-a"
        if turn >= 2 and change == "tools changed":
            tools, system = [CLOCK, CALCULATOR], "Be long."
        if turn == 2 and change == "resumed":
            history = resumed(history)
        url = urls[turn % len(urls)] if change == "resumed" else urls[0]
        sent.requests = 0
        functions = [{"type": "function", "name": it["name"], "parameters": it["input_schema"], "strict": False} for it in tools]
        asked = {
            "model": model, "input": history, "tools": functions, "instructions": system, "store": False,
            "include": ["reasoning.encrypted_content"], "metadata": {"user_id": str(turn)},
            "extra_headers": risk_headers("openai", 0.1 if turn == 3 else 0.9, account, "/v1/responses"),
        }
        if form == "JSON":
            answer = client("openai", url).responses.create(**asked)
        else:
            with client("openai", url).responses.stream(**asked) as stream:
                answer = stream.get_final_response()
        history = [*history, *answer.output]
        calls = [it for it in answer.output if it.type == "function_call"]
        history += [{"type": "function_call_output", "call_id": it.call_id, "output": "17"} for it in calls]
    return history, list(Upstream.seen)


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


CHANGES = ["nothing", "compacted", "model switched", "tools changed", "resumed"]


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("converse", [anthropic_turns, openai_turns])
def test_the_upstream_is_sent_what_it_would_have_been_sent_unsealed(upstream, converse, change, form):
    account = f"sealed-{converse.__name__}-{change.replace(' ', '-')}-{form}"
    _, direct = converse([upstream], change, form, account)
    history, through = converse(SUITE["sealing"]["urls"], change, form, account)
    assert len(direct) == len(through) == 4
    # The client had none of it in its hands, but of the last turn, when its score had fallen.
    held = json.dumps([dumped(part) for part in resumed(history)], ensure_ascii=False)
    assert held.count("GuilSealedV1") >= 1
    assert not any(json.dumps(thought, ensure_ascii=False)[1:-1] in held for thought in THOUGHTS[:3])
    if change == "model switched":
        for turn, kept in enumerate([[], [0], [], [0, 1]]):
            assert json.loads(through[turn]) == without_reasoning_of(direct[turn], kept), turn
        return
    for turn in range(4):
        assert json.loads(through[turn]) == json.loads(direct[turn]), turn
    # The client's own bytes around it, and the upstream's within.
    assert through[0] == direct[0]


def test_two_agents_of_one_account_do_not_disturb_each_other(upstream):
    one, _ = anthropic_turns(SUITE["sealing"]["urls"], "nothing", "stream", "shared")
    other, seen = anthropic_turns(SUITE["sealing"]["urls"], "compacted", "JSON", "shared")
    assert "GuilSealedV1" not in b"".join(seen).decode()
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
        assert "thinking\"" not in body and "GuilSealedV1" not in body

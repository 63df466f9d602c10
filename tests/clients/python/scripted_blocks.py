"""What a scripted upstream answers in the turns of a conversation, over protocols whose reasoning is signed or encrypted."""

import base64
import binascii
import json
import struct

THOUGHTS = [
    'First "both" numbers:\n\t9 and 8, then ü \\ 😀.',
    "The tool said 17, so that I need one more step before I can answer.",
    "Now the total is known. Let me check it a second time, from the other end.",
    "It holds. I answer.",
]


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


def invoked_events(answer):
    """A stream of Messages within one of InvokeModel."""
    for name, event in message_events(answer):
        yield "chunk", {"bytes": base64.b64encode(json.dumps({"type": name} | event).encode()).decode()}

"""The same over protocols in which reasoning is a string: Ollama's and Cohere's own, and Chat Completions."""

import json

from scripted_blocks import THOUGHTS, pieces

CREATED = "2026-11-30T11:00:00Z"


def call(turn):
    return {"id": f"call_{turn}", "type": "function", "function": {"name": "calculator", "arguments": json.dumps({"a": turn})}}


def events(said):
    return "".join(f"event: {name}\ndata: {json.dumps({'type': name} | event)}\n\n" for name, event in said).encode()


def of_ollama(turn, streamed):
    """The upstream's answer over Ollama's protocol."""

    def line(message, done):
        said = {"model": "m", "created_at": CREATED, "message": {"role": "assistant", "content": ""} | message, "done": done}
        return said | ({"done_reason": "stop"} if done else {})

    calls = [{"function": {"name": "calculator", "arguments": {"a": turn}}}]
    rest = {"content": "It is 17."} if turn == 3 else {"tool_calls": calls}
    if not streamed:
        return "application/json", json.dumps(line(rest | {"thinking": THOUGHTS[turn]}, True)).encode()
    lines = [line({"thinking": piece}, False) for piece in pieces(THOUGHTS[turn])] + [line(rest, False), line({}, True)]
    return "application/x-ndjson", "".join(json.dumps(it) + "\n" for it in lines).encode()


def of_cohere(turn, streamed):
    """The same over Cohere's."""
    content = [{"type": "thinking", "thinking": THOUGHTS[turn]}]
    if turn == 3:
        content.append({"type": "text", "text": "It is 17."})
    calls = [] if turn == 3 else [call(turn)]
    reason = "TOOL_CALL" if calls else "COMPLETE"
    if not streamed:
        message = {"role": "assistant", "content": content} | ({"tool_calls": calls} if calls else {})
        return "application/json", json.dumps({"id": "c", "message": message, "finish_reason": reason}).encode()
    said = [("message-start", {"id": "c", "delta": {"message": {"role": "assistant", "content": []}}})]
    for index, block in enumerate(content):
        kind = block["type"]

        def of(text, index=index, kind=kind, more=()):
            return {"index": index, "delta": {"message": {"content": {**dict(more), kind: text}}}}

        said.append(("content-start", of("", more={"type": kind})))
        said += [("content-delta", of(piece)) for piece in pieces(block[kind])]
        said.append(("content-end", {"index": index}))
    for index, one in enumerate(calls):
        said.append(("tool-call-start", {"index": index, "delta": {"message": {"tool_calls": one}}}))
        said.append(("tool-call-end", {"index": index}))
    said.append(("message-end", {"id": "c", "delta": {"finish_reason": reason}}))
    return "text/event-stream", events(said)


def of_mistral(turn, streamed):
    """The same over Chat Completions."""

    def thinking(text):
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}

    reason = "stop" if turn == 3 else "tool_calls"
    rest = {"content": [{"type": "text", "text": "It is 17."}]} if turn == 3 else {"tool_calls": [call(turn) | {"index": 0}]}
    usage = {"prompt_tokens": 9, "completion_tokens": 40, "total_tokens": 49}
    whole = {"id": "c", "object": "chat.completion", "created": 1800000000, "model": "m", "usage": usage}
    if not streamed:
        message = {"role": "assistant"} | rest | {"content": [thinking(THOUGHTS[turn]), *rest.get("content", [])]}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return "application/json", json.dumps(whole | {"choices": [choice]}).encode()

    def chunk(delta, reason=None):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {**whole, "object": "chat.completion.chunk", "choices": [choice]}

    deltas = [{"role": "assistant", "content": ""}, *({"content": [thinking(piece)]} for piece in pieces(THOUGHTS[turn])), rest]
    chunks = [*map(chunk, deltas), chunk({}, reason)]
    return "text/event-stream", "".join(f"data: {json.dumps(it)}\n\n" for it in chunks).encode() + b"data: [DONE]\n\n"


def of_openai(turn, streamed):
    """The same with `reasoning_content`, as most servers have it."""
    reason = "stop" if turn == 3 else "tool_calls"
    rest = {"content": "It is 17."} if turn == 3 else {"content": None, "tool_calls": [call(turn)]}
    whole = {"id": "c", "object": "chat.completion", "created": 1800000000, "model": "m"}
    if not streamed:
        message = {"role": "assistant", "reasoning_content": THOUGHTS[turn]} | rest
        choice = {"index": 0, "message": message, "finish_reason": reason}
        usage = {"prompt_tokens": 9, "completion_tokens": 40, "total_tokens": 49}
        return "application/json", json.dumps(whole | {"choices": [choice], "usage": usage}).encode()
    said = {"content": "It is 17."} if turn == 3 else {"tool_calls": [call(turn) | {"index": 0}]}
    deltas = [{"role": "assistant"}, *({"reasoning_content": piece} for piece in pieces(THOUGHTS[turn])), said]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    chunks = [whole | {"object": "chat.completion.chunk", "choices": [choice]} for choice in choices]
    return "text/event-stream", "".join(f"data: {json.dumps(it)}\n\n" for it in chunks).encode() + b"data: [DONE]\n\n"

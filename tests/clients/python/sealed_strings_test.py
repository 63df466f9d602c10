"""The same conversations over protocols in which a blob takes the place of a string of reasoning: Ollama's and Cohere's
own, through their libraries, and Chat Completions with the thinking parts of Mistral's."""

import json

import cohere_test
import mistral_test
import ollama_test
import pytest
from conversation import CHANGES, PREFIX, TURNS, hold, opening
from exchange import SUITE, risk_headers, sent
from sealed_test import THOUGHTS, Upstream, pieces, upstream

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


Upstream.by_path |= {"/api/chat": of_ollama, "/v2/chat": of_cohere, "/v1/chat/completions": of_mistral}


def ask_ollama(url, headers, form, asked):
    """A turn through the library: the message that goes back with the next one, and whether it calls."""
    messages = [{"role": "system", "content": asked["system"]}, *asked["messages"]]
    tools = [{"type": "function", "function": {"name": name}} for name in asked["tools"]]
    params = {"model": asked["model"], "messages": messages, "tools": tools, "think": True}
    said = ollama_test.chat(url, form, params, headers)["message"]
    message = {name: said[name] for name in ("role", "content", "thinking", "tool_calls") if said[name] is not None}
    return message, [{"role": "tool", "tool_name": it["function"]["name"], "content": "17"} for it in said["tool_calls"] or []]


def ask_cohere(url, headers, form, asked):
    messages = [{"role": "system", "content": asked["system"]}, *asked["messages"]]
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in asked["tools"]]
    said = cohere_test.chat(url, form, {"model": asked["model"], "messages": messages, "tools": tools}, headers)
    message = {"role": "assistant", "content": [{"type": kind, kind: text} for kind, text in said["content"]]}
    if said["calls"]:
        message["tool_calls"] = [{"id": id, "type": "function", "function": function} for id, function in said["calls"]]
    return message, [{"role": "tool", "tool_call_id": id, "content": "17"} for id, _ in said["calls"]]


def ask_mistral(url, headers, form, asked):
    messages = [{"role": "system", "content": asked["system"]}, *asked["messages"]]
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in asked["tools"]]
    params = {"model": asked["model"], "messages": messages, "tools": tools}
    made = mistral_test.client(url, headers)
    if form == "JSON":
        message = made.chat.complete(**params, retries=None).choices[0].message.model_dump(mode="json", exclude_unset=True)
    else:
        message = joined(made.chat.stream(**params, retries=None))
    calls = message.get("tool_calls") or []
    return message, [{"role": "tool", "tool_call_id": it["id"], "name": it["function"]["name"], "content": "17"} for it in calls]


def joined(stream):
    """The message that a stream's pieces make."""
    content, calls = [], []
    for event in stream:
        delta = event.data.choices[0].delta.model_dump(mode="json", exclude_unset=True)
        for part in delta.get("content") or []:
            last = content[-1] if content and content[-1]["type"] == part["type"] else None
            if last and part["type"] == "thinking":
                last["thinking"][0]["text"] += part["thinking"][0]["text"]
            elif last:
                last["text"] += part["text"]
            else:
                content.append(part)
        for one in delta.get("tool_calls") or []:
            if one["function"].get("name"):
                calls.append(one)
            else:
                calls[-1]["function"]["arguments"] += one["function"]["arguments"]
    return {"role": "assistant", "content": content} | ({"tool_calls": calls} if calls else {})


PATHS = {ask_ollama: "/api/chat", ask_cohere: "/v2/chat", ask_mistral: "/v1/chat/completions"}


def turns(ask, urls, change, form, account):
    """What the client holds in the end, and what the upstream was sent in four turns."""
    Upstream.seen.clear()

    def asked(turn):
        headers = risk_headers("openai", turn.score, account, PATHS[ask]) | {"x-turn": str(turn.number)}
        params = {"model": turn.model, "messages": turn.history, "tools": turn.tools, "system": turn.system}
        message, results = ask(turn.url, headers, form, params)
        return [message, *results]

    history = hold(asked, opening, lambda part: json.loads(json.dumps(part)), urls, change)
    return history, list(Upstream.seen)


def emptied(body, kept):
    """A request whose reasoning is empty but in these turns."""
    asked = json.loads(body)
    texts = [THOUGHTS[turn] for turn in kept]
    for one in asked["messages"]:
        if one["role"] != "assistant":
            continue
        if "thinking" in one and one["thinking"] not in texts:
            one["thinking"] = ""
        for block in one["content"] or [] if isinstance(one.get("content"), list) else []:
            if block["type"] != "thinking":
                continue
            if isinstance(block["thinking"], str):
                block["thinking"] = block["thinking"] if block["thinking"] in texts else ""
            else:
                for part in block["thinking"]:
                    part["text"] = part["text"] if part["text"] in texts else ""
    return asked


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("ask", [ask_ollama, ask_cohere, ask_mistral])
def test_the_upstream_is_sent_what_it_would_have_been_sent_unsealed(upstream, ask, change, form):
    account = f"sealed-{ask.__name__}-{change.replace(' ', '-')}-{form}"
    _, direct = turns(ask, [upstream], change, form, account)
    history, through = turns(ask, SUITE["sealing"]["urls"], change, form, account)
    assert len(direct) == len(through) == TURNS
    held = json.dumps(history, ensure_ascii=False)
    assert held.count(PREFIX) >= 1
    assert not any(json.dumps(thought, ensure_ascii=False)[1:-1] in held for thought in THOUGHTS[:3])
    for turn, kept in enumerate([[], [0], [], [0, 1]] if change == "model switched" else [range(TURNS)] * TURNS):
        assert json.loads(through[turn]) == emptied(direct[turn], kept), turn
    assert through[0] == direct[0]


@pytest.mark.parametrize("ask", [ask_ollama, ask_cohere, ask_mistral])
def test_another_account_is_sent_nothing_of_it(upstream, ask):
    history, _ = turns(ask, SUITE["sealing"]["urls"], "nothing", "JSON", "owner-of-strings")
    for score in [0.1, 0.9]:
        sent.requests = 0
        headers = risk_headers("openai", score, "thief-of-strings", PATHS[ask]) | {"x-turn": "1"}
        asked = {"model": "model-a", "messages": history[:3], "tools": ["calculator"], "system": "Be brief."}
        ask(SUITE["sealing"]["urls"][0], headers, "JSON", asked)
        body = Upstream.seen[-1].decode()
        assert PREFIX not in body and json.dumps(THOUGHTS[0])[1:-1] not in body

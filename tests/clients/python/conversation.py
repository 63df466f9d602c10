"""Conversations of four turns with a tool, whose reasoning a client carries back, and what becomes of them on the way."""

import dataclasses
import json

from exchange import client, merge, risk_headers, sent
# Not all of it ASCII, as little is: how a library escapes that is seen in what else it sends.
QUESTION = "9 and 8, für mich?"
SUMMARY = "Summary of what came before: 9 and 8 were asked for, “für mich”."
CHANGES = ["nothing", "compacted", "model switched", "tools changed", "resumed", "forked", "two agents"]
# Who hold the last turn, where it is not one.
AGENTS = {"forked": 2, "two agents": 2}
TURNS = 4
# Of each tool.
SCHEMA = {"type": "object", "properties": {"a": {"enum": ["eight", "nine"]}}, "required": ["a"]}


@dataclasses.dataclass
class Turn:
    """What a client asks in a turn. The last one is of a caller who has come clear."""

    number: int
    url: str
    model: str
    tools: list
    system: str
    score: float
    history: list


def hold(ask, opening, resumed, urls, change):
    """What the client has in its hands after a conversation: what it asks first is `opening` of a text, and what each
    turn adds is what `ask` returns. `resumed` is a list of these as an agent has it that was stopped, and has read its
    conversation from a disk; it goes on with another replica. Two agents take turns, in one account: one that goes on
    from an earlier place than the other, or with another conversation, tools and replica."""
    agents = [[opening(QUESTION)]]
    if change == "two agents":
        agents.append([opening("What time is it?"), opening(QUESTION)])
    for number in range(TURNS):
        if number == 2 and change == "forked":
            agents.append([*agents[0][:-1], opening("Never mind. 3 and 4?")])
        for agent, said in enumerate(agents):
            if number == 2 and change == "compacted":
                said[:] = [opening(SUMMARY), said[-1]]
            if number == 2 and change == "resumed":
                said[:] = [resumed(part) for part in said]
            changed = number >= 2 and change == "tools changed" or agent > 0 and change == "two agents"
            sent.requests = 0
            turn = Turn(
                number,
                url=urls[(number if change == "resumed" else agent) % len(urls)],
                model="model-b" if number == 2 and change == "model switched" else "model-a",
                tools=["clock", "calculator"] if changed else ["calculator"],
                system="Be long." if changed else "Be brief.",
                score=0.1 if number == TURNS - 1 else 0.9,
                history=[item for part in said for item in part],
            )
            said.append(ask(turn))
    return [item for said in agents for part in said for item in part]


def opening(text):
    """What a client begins with, over most protocols."""
    return [{"role": "user", "content": text}]


def dumped(part):
    return part.to_dict() if hasattr(part, "to_dict") else part


def resumed(history):
    """Parts of a conversation of OpenAI's and Anthropic's libraries, from a disk."""
    return json.loads(json.dumps([dumped(part) if not isinstance(part, dict) else part | {
        "content": [dumped(block) for block in part["content"]] if isinstance(part.get("content"), list) else part.get("content")
    } if "content" in part else part for part in history]))


def ask_messages(turn, form, account, **more):
    """A turn over Messages: what the model says, and what its tools are found to give."""
    tools = [{"name": name, "description": name, "input_schema": SCHEMA} for name in turn.tools]
    asked = {
        "model": turn.model, "max_tokens": 4096, "messages": turn.history, "tools": tools, "system": turn.system,
        "thinking": {"type": "enabled", "budget_tokens": 2048}, **more,
        "extra_headers": risk_headers("anthropic", turn.score, account),
    }
    if form == "JSON":
        answer = client("anthropic", turn.url).messages.create(**asked)
    else:
        with client("anthropic", turn.url).messages.stream(**asked) as stream:
            answer = stream.get_final_message()
    said = {"role": "assistant", "content": answer.content}
    results = [{"type": "tool_result", "tool_use_id": it.id, "content": "17"} for it in answer.content if it.type == "tool_use"]
    return [said, {"role": "user", "content": results}] if results else [said]


def ask_responses(turn, form, account, **more):
    """The same over Responses."""
    functions = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in turn.tools]
    asked = {
        "model": turn.model, "input": turn.history, "tools": functions, "instructions": turn.system, "store": False,
        "include": ["reasoning.encrypted_content"], **more,
        "extra_headers": risk_headers("openai", turn.score, account, "/v1/responses"),
    }
    responses = client("openai", turn.url).responses
    match form:
        case "JSON":
            answer = responses.create(**asked)
        case "stream":
            *_, last = responses.create(**asked, stream=True)
            answer = last.response
        case "stream helper":
            with responses.stream(**asked) as stream:
                answer = stream.get_final_response()
        case "WebSocket":
            answer = over_socket(turn.url, account, asked)
    calls = [it for it in answer.output if it.type == "function_call"]
    return [*answer.output, *({"type": "function_call_output", "call_id": it.call_id, "output": "17"} for it in calls)]


# Those that are open, by their address and account: one is kept for all that is asked.
SOCKETS = {}


def over_socket(url, account, asked):
    """What is signed for the opening of a WebSocket holds for all that is asked over it."""
    if (url, account) not in SOCKETS:
        headers = risk_headers("openai", 0.9, account, "/v1/responses", "GET")
        SOCKETS[url, account] = client("openai", url).responses.connect(extra_headers=headers, max_retries=0).enter()
    socket = SOCKETS[url, account]
    socket.response.create(**{name: value for name, value in asked.items() if name != "extra_headers"})
    while (event := socket.recv()).type != "response.completed":
        assert event.type != "error", event
    return event.response


def close_sockets():
    for socket in SOCKETS.values():
        socket.close()
    SOCKETS.clear()


def ask_chat(turn, form, account, more_headers=None, **more):
    """The same over Chat Completions, the reasoning carried back as it came."""
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in turn.tools]
    asked = {
        "model": turn.model, "messages": [{"role": "system", "content": turn.system}, *turn.history], "tools": tools, **more,
        "extra_headers": risk_headers("openai", turn.score, account) | (more_headers or {}),
    }
    completions, message = client("openai", turn.url).chat.completions, {}
    if form == "JSON":
        message = completions.create(**asked).choices[0].message.to_dict()
    else:
        for chunk in completions.create(**asked, stream=True):
            merge(message, chunk.to_dict()["choices"][0]["delta"])
    return [message, *({"role": "tool", "tool_call_id": it["id"], "content": "17"} for it in message.get("tool_calls") or [])]

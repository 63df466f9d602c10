"""How each library holds a conversation whose reasoning may be sealed, and what is left of one without some of it."""

import base64
import dataclasses
import json
import typing

import cohere_test
import conversation
import converse_test
import gemini_test
import invoke_test
import mistral_test
import ollama_test
from conversation import SCHEMA
from exchange import risk_headers
from google.genai import types
from scripted_blocks import THOUGHTS

# What Google has stand in the place of a signature that nobody has.
UNSIGNED = "skip_thought_signature_validator"


@dataclasses.dataclass
class Talk:
    """A library's, over one protocol."""

    name: str
    # What a turn adds, by the turn, the form and the headers of the request.
    ask: typing.Callable
    # A request without the reasoning of all turns but these.
    left: typing.Callable
    opening: typing.Callable = conversation.opening
    from_disk: typing.Callable = conversation.resumed
    # What the client has in its hands, as it writes it to a disk.
    to_disk: typing.Callable = lambda history: json.dumps(conversation.resumed(history), ensure_ascii=False)
    forms: tuple = ("JSON", "stream")


def with_turn(turn, account, path):
    """Headers that say which turn it is to the upstream as well."""
    return risk_headers("openai", turn.score, account, path) | {"x-turn": str(turn.number)}


def messages(turn, form, account):
    return conversation.ask_messages(turn, form, account, metadata={"user_id": str(turn.number)})


def responses(turn, form, account):
    # An ordinary caller's WebSocket goes to the upstream, which has none.
    over = form if form != "WebSocket" or turn.score > 0.5 else "stream"
    return conversation.ask_responses(turn, over, account, metadata={"user_id": str(turn.number)})


def chat(turn, form, account):
    return conversation.ask_chat(turn, form, account, {"x-turn": str(turn.number), "x-dialect": "openai"})


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


def gemini(turn, form, account):
    config = {
        "system_instruction": turn.system, "thinking_config": {"include_thoughts": True},
        "tools": [{"function_declarations": [{"name": name, "description": name} for name in turn.tools]}],
        "automatic_function_calling": {"disable": True},
    }
    headers = with_turn(turn, account, gemini_test.path(turn.model, form))
    parts = merged(gemini_test.parts(gemini_test.answers(turn.url, form, turn.model, turn.history, config, headers)))
    calls = [part.function_call for part in parts if part.function_call]
    results = [types.Part.from_function_response(name=call.name, response={"result": "17"}) for call in calls]
    return [types.ModelContent(parts=parts), *([types.UserContent(parts=results)] if results else [])]


def gemini_from_disk(contents):
    return [types.Content.model_validate_json(content.model_dump_json(exclude_none=True)) for content in contents]


def gemini_to_disk(history):
    return json.dumps([json.loads(content.model_dump_json(exclude_unset=True)) for content in history], ensure_ascii=False)


def as_json(value):
    """A conversation of Converse as an agent writes it to a disk: bytes in base64."""
    return json.dumps(value, default=lambda it: {"bytes": base64.b64encode(it).decode()}, ensure_ascii=False)


def from_json(text):
    return json.loads(text, object_hook=lambda it: base64.b64decode(it["bytes"]) if it.keys() == {"bytes"} else it)


def converse(turn, form, account):
    path = f"/model/{turn.model}/converse{'' if form == 'JSON' else '-stream'}"
    specified = [{"toolSpec": {"name": name, "inputSchema": {"json": SCHEMA}}} for name in turn.tools]
    asked = {"modelId": turn.model, "messages": turn.history, "system": [{"text": turn.system}], "toolConfig": {"tools": specified}}
    answer = converse_test.answered(converse_test.client(turn.url, with_turn(turn, account, path)), form, asked)
    results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "17"}]}} for call in converse_test.calls(answer)]
    return [answer["output"]["message"], *([{"role": "user", "content": results}] if results else [])]


def invoke(turn, form, account):
    body = {
        "anthropic_version": invoke_test.VERSION, "max_tokens": 4096, "system": turn.system, "messages": turn.history,
        "tools": [{"name": name, "input_schema": SCHEMA} for name in turn.tools],
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    }
    path = f"/model/{turn.model}/invoke{'' if form == 'JSON' else '-with-response-stream'}"
    made = converse_test.client(turn.url, with_turn(turn, account, path))
    answer = invoke_test.answered(made, form, turn.model, body)
    content = (answer if form == "JSON" else invoke_test.message(answer))["content"]
    results = [{"type": "tool_result", "tool_use_id": it["id"], "content": "17"} for it in content if it["type"] == "tool_use"]
    return [{"role": "assistant", "content": content}, *([{"role": "user", "content": results}] if results else [])]


def ollama(turn, form, account):
    asked = {
        "model": turn.model, "messages": [{"role": "system", "content": turn.system}, *turn.history], "think": True,
        "tools": [{"type": "function", "function": {"name": name}} for name in turn.tools],
    }
    said = ollama_test.chat(turn.url, form, asked, with_turn(turn, account, "/api/chat"))["message"]
    message = {name: said[name] for name in ("role", "content", "thinking", "tool_calls") if said[name] is not None}
    return [message, *({"role": "tool", "tool_name": it["function"]["name"], "content": "17"} for it in said["tool_calls"] or [])]


def cohere(turn, form, account):
    asked = {
        "model": turn.model, "messages": [{"role": "system", "content": turn.system}, *turn.history],
        "tools": [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in turn.tools],
    }
    said = cohere_test.chat(turn.url, form, asked, with_turn(turn, account, "/v2/chat"))
    message = {"role": "assistant", "content": [{"type": kind, kind: text} for kind, text in said["content"]]}
    if said["calls"]:
        message["tool_calls"] = [{"id": id, "type": "function", "function": function} for id, function in said["calls"]]
    return [message, *({"role": "tool", "tool_call_id": id, "content": "17"} for id, _ in said["calls"])]


def mistral(turn, form, account):
    asked = {
        "model": turn.model, "messages": [{"role": "system", "content": turn.system}, *turn.history],
        "tools": [{"type": "function", "function": {"name": name, "parameters": {}}} for name in turn.tools],
        "retries": None, "http_headers": with_turn(turn, account, "/v1/chat/completions"),
    }
    chats = mistral_test.client(turn.url).chat
    if form == "JSON":
        message = chats.complete(**asked).choices[0].message.model_dump(mode="json", exclude_unset=True)
    else:
        message = joined(chats.stream(**asked))
    calls = message.get("tool_calls") or []
    return [message, *(
        {"role": "tool", "tool_call_id": it["id"], "name": it["function"]["name"], "content": "17"} for it in calls)]


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


def without_blocks(asked, kept):
    """Over Messages, Responses and Converse, whose blocks and items are left out."""
    texts = [THOUGHTS[turn] for turn in kept]

    def stays(block, turn=None):
        if "reasoningContent" in block:
            return turn in kept
        if block.get("type") == "thinking":
            return block["thinking"] in texts
        if block.get("type") == "reasoning":
            return block["content"][0]["text"] in texts
        return block.get("type") != "redacted_thinking" or 1 in kept

    said = [one for one in asked.get("messages", []) if one["role"] == "assistant"]
    for turn, one in enumerate(said):
        one["content"] = [block for block in one["content"] if stays(block, turn)]
    if "input" in asked:
        asked["input"] = [item for item in asked["input"] if stays(item)]


def without_parts(asked, kept):
    """Over Gemini, where calls have to be signed."""
    for turn, one in enumerate(one for one in asked["contents"] if one["role"] == "model"):
        one["parts"] = [part for part in one["parts"] if not part.get("thought") or turn in kept]
        for part in one["parts"]:
            if "functionCall" in part and turn not in kept:
                part["thoughtSignature"] = UNSIGNED


def without_strings(asked, kept):
    """Where reasoning is a string, which is emptied."""
    for turn, one in enumerate(one for one in asked["messages"] if one["role"] == "assistant"):
        if turn in kept:
            continue
        for name in ("thinking", "reasoning_content"):
            if name in one:
                one[name] = ""
        for block in one["content"] if isinstance(one.get("content"), list) else []:
            if isinstance(block.get("thinking"), list):
                block["thinking"][0]["text"] = ""
            elif "thinking" in block:
                block["thinking"] = ""


BYTES = {"from_disk": lambda part: from_json(as_json(part)), "to_disk": as_json}
TALKS = [
    Talk("anthropic", messages, without_blocks),
    Talk("openai responses", responses, without_blocks, forms=("JSON", "stream", "stream helper", "WebSocket")),
    Talk("openai chat", chat, without_strings),
    Talk("google", gemini, without_parts, lambda text: [types.UserContent(parts=[types.Part(text=text)])], gemini_from_disk, gemini_to_disk),
    Talk("amazon converse", converse, without_blocks, lambda text: [{"role": "user", "content": [{"text": text}]}], **BYTES),
    Talk("amazon invoke", invoke, without_blocks),
    Talk("ollama", ollama, without_strings),
    Talk("cohere", cohere, without_strings),
    Talk("mistral", mistral, without_strings),
]

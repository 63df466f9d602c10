"""One exchange through a client library, and what the library made of it."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import threading
import time

import anthropic
import openai

SUITE = json.load(open(os.environ["CLIENT_SUITE"], encoding="utf-8"))
API_KEY = "sk-client-suite"
PREFIX = "hy3dlEhdpl31"  # how every blob begins
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
sent = threading.local()


def risk_headers(sdk, score, account, path=None, method="POST"):
    """A signed risk header, as docs/risk-header.md describes it."""
    if score is None:
        return {}
    now = int(time.time())
    credential = base64.b64encode(hashlib.sha256(API_KEY.encode()).digest()).decode()
    risk = f'account="{account}", score={score:.3f}, issued={now}, ttl=300, credential=:{credential}:'
    params = (
        '("guilloche-risk" "@method" "@path")'
        f';created={now};expires={now + 60};keyid="{SUITE["key_id"]}";tag="guilloche-risk"'
    )
    base = f'"guilloche-risk": {risk}\n"@method": {method}\n"@path": {path or PATHS[sdk]}\n"@signature-params": {params}'
    mac = hmac.new(bytes.fromhex(SUITE["risk_key"]), base.encode(), hashlib.sha256).digest()
    return {
        "guilloche-risk": risk,
        "signature-input": f"guilloche={params}",
        "signature": f"guilloche=:{base64.b64encode(mac).decode()}:",
    }


def count(_request):
    sent.requests += 1


async def count_async(_request):
    count(_request)


CLIENTS = {}
LOCK = threading.Lock()


def client(sdk, url):
    """A client of the vendor's library with its own defaults, retries included."""
    with LOCK:
        if (sdk, url) not in CLIENTS:
            module = {"openai": openai, "anthropic": anthropic}[sdk]
            http = module.DefaultHttpxClient(event_hooks={"request": [count]}, trust_env=False)
            make = {"openai": openai.OpenAI, "anthropic": anthropic.Anthropic}[sdk]
            base = url + "/v1" if sdk == "openai" else url
            CLIENTS[sdk, url] = make(api_key=API_KEY, base_url=base, http_client=http)
        return CLIENTS[sdk, url]


def async_client(sdk, url):
    """Bound to one event loop, hence not shared. Nothing is encrypted, so no certificates are read."""
    module = {"openai": openai, "anthropic": anthropic}[sdk]
    http = module.DefaultAsyncHttpxClient(
        event_hooks={"request": [count_async]}, trust_env=False, verify=False
    )
    make = {"openai": openai.AsyncOpenAI, "anthropic": anthropic.AsyncAnthropic}[sdk]
    base = url + "/v1" if sdk == "openai" else url
    return make(api_key=API_KEY, base_url=base, http_client=http)


def merge(message, delta):
    """Adds a delta to a message: text is appended, and lists are merged by index."""
    for name, value in delta.items():
        if value is None:
            continue
        if name in ("role", "type", "id", "format", "signature"):
            assert message.get(name) is None, f"{name} was sent twice"
            message[name] = value
        elif isinstance(value, str):
            message[name] = (message.get(name) or "") + value
        elif isinstance(value, dict):
            merge(message.setdefault(name, {}), value)
        elif isinstance(value, list) and name == "content":
            for part in value:  # Mistral: parts of type `thinking`, each with parts of text
                message["reasoning"] = message.get("reasoning", "") + "".join(t["text"] for t in part["thinking"])
        elif isinstance(value, list):
            into = message.setdefault(name, [])
            for item in value:
                fresh = {k: v for k, v in item.items() if k not in ("index", "type", "format")}
                if item["index"] == len(into):
                    into.append(dict(item) if name == "reasoning_details" else {"type": item["type"], **fresh})
                else:
                    merge(into[item["index"]], fresh)
        else:
            message[name] = value


def completion(chunks):
    """The completion that a Chat Completions stream adds up to."""
    choices, usage = {}, None
    head = {name: chunks[0][name] for name in ("id", "created", "model", "object")}
    for chunk in chunks:
        assert head.items() <= chunk.items(), "a chunk of another completion"
        assert usage is None, "a chunk after the usage"
        usage = chunk.get("usage")
        for part in chunk["choices"]:
            choice = choices.setdefault(part["index"], {"message": {}, "finish_reason": None})
            assert choice["finish_reason"] is None, "a delta after the finish"
            merge(choice["message"], part["delta"])
            choice["finish_reason"] = part["finish_reason"]
            choice.setdefault("logprobs", []).extend((part.get("logprobs") or {}).get("content") or [])
    return {**head, "choices": [choices[index] for index in sorted(choices)], "usage": usage}


def message(events):
    """The message that a Messages stream adds up to."""
    whole, partial = None, ""
    for event in events:
        match event["type"]:
            case "message_start":
                assert whole is None
                whole = json.loads(json.dumps(event["message"]))
            case "content_block_start":
                assert event["index"] == len(whole["content"])
                whole["content"].append(dict(event["content_block"]))
                partial = ""
            case "content_block_delta":
                assert event["index"] == len(whole["content"]) - 1
                block, delta = whole["content"][-1], event["delta"]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        assert not block["signature"], "two signatures"
                        block["signature"] = delta["signature"]
                    case "input_json_delta":
                        partial += delta["partial_json"]
            case "content_block_stop":
                if partial:
                    whole["content"][-1]["input"] = json.loads(partial)
            case "message_delta":
                whole |= event["delta"]
                whole["usage"] |= event["usage"]
    assert events[-1]["type"] == "message_stop"
    return whole


def add_up(sdk, items):
    return completion(items) if sdk == "openai" else message(items)


def resource(sdk, made):
    return made.chat.completions if sdk == "openai" else made.messages


def converse(sdk, form, made, params, headers):
    """Parsed objects in the order they came, and the whole that they add up to."""
    calls = resource(sdk, made)
    match form:
        case "JSON":
            whole = calls.create(**params, extra_headers=headers).to_dict()
            return [whole], whole
        case "parse":
            whole = calls.parse(**params, extra_headers=headers).to_dict()
            return [whole], whole
        case "raw JSON":
            raw = calls.with_raw_response.create(**params, extra_headers=headers)
            return [raw.content.decode()], raw.parse().to_dict()
        case "stream":
            with calls.create(**params, stream=True, extra_headers=headers) as stream:
                items = [item.to_dict() for item in stream]
            return items, add_up(sdk, items)
        case "raw stream":
            streamed = calls.with_streaming_response.create(**params, stream=True, extra_headers=headers)
            with streamed as raw:
                return [b"".join(raw.iter_bytes()).decode()], {}
        case "stream helper":
            with calls.stream(**params, extra_headers=headers) as stream:
                items = [event.type for event in stream]
                whole = stream.get_final_completion() if sdk == "openai" else stream.get_final_message()
            return [*items, whole.to_dict()], whole.to_dict()


async def converse_async(sdk, form, url, params, headers):
    """The same with the library's asynchronous client."""
    async with async_client(sdk, url) as made:
        calls = resource(sdk, made)
        match form:
            case "async JSON":
                whole = (await calls.create(**params, extra_headers=headers)).to_dict()
                return [whole], whole
            case "async stream":
                async with await calls.create(**params, stream=True, extra_headers=headers) as stream:
                    items = [item.to_dict() async for item in stream]
                return items, add_up(sdk, items)
            case "async stream helper":
                async with calls.stream(**params, extra_headers=headers) as stream:
                    items = [event.type async for event in stream]
                    final = stream.get_final_completion if sdk == "openai" else stream.get_final_message
                    whole = (await final()).to_dict()
                return [*items, whole], whole


def exchange(sdk, form, url, params, headers=None, retries=None):
    """Makes one call, with as many retries as the library makes of its own accord unless it is told.
    An exception is an outcome like any other."""
    sent.requests = 0
    try:
        if form.startswith("async"):
            parsed, whole = asyncio.run(converse_async(sdk, form, url, params, headers or {}))
        else:
            made = client(sdk, url)
            if retries is not None:
                made = made.with_options(max_retries=retries)
            parsed, whole = converse(sdk, form, made, params, headers or {})
    except AssertionError:
        raise
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {
            "error": kinds[0],
            "kinds": kinds,
            "status": getattr(error, "status_code", None),
            "body": getattr(error, "body", None),
            "headers": dict(error.response.headers) if getattr(error, "response", None) is not None else {},
            "requests": sent.requests,
        }
    return {"error": None, "parsed": parsed, "whole": whole, "requests": sent.requests}

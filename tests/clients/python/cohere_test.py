"""Cohere's Chat through its library: thinking and texts, whole and streamed, and two turns with a tool."""

import copy

import cells
import cohere
import httpx
import pytest
from exchange import API_KEY, count, risk_headers, sent
from expectation import counted, leaked, phrased, replacement, without_blobs
from shipped import GRADED, WITHHELD, account, both_forms, every_policy, every_policy_that_answers, is_sealed

PATH = "/v2/chat"
TOOL = {"type": "function", "function": {**cells.CALCULATOR, "parameters": cells.SCHEMA}}
CHAT = {
    "model": "teacher-large",
    "messages": [{"role": "user", "content": cells.ONE_STEP}],
    "max_tokens": 4000,
    "logprobs": True,
    "thinking": {"type": "enabled", "token_budget": 2000},
}
CALLS = {
    "model": "teacher-large:reasoning",
    "messages": [{"role": "user", "content": cells.TWO_STEPS}],
    "tools": [TOOL],
}
OPTIONS = {"max_retries": 0}


def client(url, headers):
    http = httpx.Client(headers=headers, event_hooks={"request": [count]}, trust_env=False, verify=False)
    return cohere.ClientV2(api_key=API_KEY, base_url=url, httpx_client=http)


def headers_for(risk, account):
    return risk_headers("openai", risk["score"], account, PATH)


def chat(url, form, params, headers):
    """The message as the library has it; what a stream says is added up."""
    made = client(url, headers)
    if form == "JSON":
        whole = made.chat(**params, request_options=OPTIONS).model_dump()
        message = whole["message"]
        return {
            "finish": whole["finish_reason"],
            "plan": message["tool_plan"],
            "content": [(block["type"], block[block["type"]]) for block in message["content"] or []],
            "calls": [(call["id"], call["function"]) for call in message["tool_calls"] or []],
            "logprobs": bool(whole["logprobs"]),
            "usage": whole["usage"],
        }
    got = {"finish": None, "plan": None, "content": [], "calls": [], "logprobs": False, "usage": None}
    open_block = None
    for event in made.chat_stream(**params, request_options=OPTIONS):
        assert got["finish"] is None, "an event behind the last one"
        message = event.delta.message if getattr(event, "delta", None) and event.type != "message-end" else None
        if event.type == "content-start":
            assert open_block is None and event.index == len(got["content"])
            open_block = message.content.type
            got["content"].append((open_block, getattr(message.content, open_block) or ""))
        elif event.type == "content-delta":
            kind, text = got["content"][event.index]
            got["content"][event.index] = (kind, text + (getattr(message.content, kind) or ""))
            got["logprobs"] |= bool(event.logprobs)
        elif event.type == "content-end":
            assert event.index == len(got["content"]) - 1
            open_block = None
        elif event.type == "tool-plan-delta":
            got["plan"] = (got["plan"] or "") + message.tool_plan
        elif event.type == "tool-call-start":
            assert event.index == len(got["calls"])
            got["calls"].append((message.tool_calls.id, message.tool_calls.function.model_dump()))
        elif event.type == "tool-call-delta":
            got["calls"][event.index][1]["arguments"] += message.tool_calls.function.arguments
        elif event.type == "message-end":
            got["finish"], got["usage"] = event.delta.finish_reason, event.delta.usage and event.delta.usage.model_dump()
    return got


def said(got, kind):
    return "".join(text for of, text in got["content"] if of == kind)


def admitted(params, plan):
    """The parameters as the upstream sees them."""
    params = copy.deepcopy(params)
    if plan.get("max_choices"):
        params.pop("logprobs", None)
    if downgrade := plan.get("downgrade"):
        cap = downgrade["max_output_tokens"]
        params["model"] = replacement(params["model"], downgrade)
        params["max_tokens"] = min(params.get("max_tokens", cap), cap)
        if thinking := params.get("thinking"):
            budget = min(thinking["token_budget"], downgrade.get("max_thinking_tokens", cap), cap - 1)
            params["thinking"] = {**thinking, "token_budget": budget} if budget >= 1024 else {"type": "disabled"}
    return params


@both_forms
@every_policy
def test_a_message_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    sent.requests, plan = 0, risk["plan"]
    headers = headers_for(risk, account("cohere", policy, risk, form))
    if plan.get("refuse"):
        with pytest.raises(cohere.core.ApiError) as refused:
            chat(policy["url"], form, CHAT, headers)
        assert refused.value.status_code == 403 and "decision gd_" in refused.value.body["message"]
        return
    expected = chat(policy["upstream"], "JSON", admitted(CHAT, plan), {})
    got = chat(policy["url"], form, CHAT, headers)
    assert phrased(said(got, "text"), plan) == phrased(said(expected, "text"), plan)
    assert [kind for kind, _ in got["content"]] == [kind for kind, _ in expected["content"]]
    assert got["finish"] == expected["finish"] and got["logprobs"] == expected["logprobs"]
    assert got["usage"] == counted(expected["usage"], plan)
    if plan.get("withhold"):
        assert is_sealed(said(got, "thinking")) if plan["sealed"] else not said(got, "thinking")
        assert leaked(without_blobs(got), said(expected, "thinking"), said(expected, "text")) == []
    else:
        assert phrased(said(got, "thinking"), plan) == phrased(said(expected, "thinking"), plan)


@both_forms
@every_policy_that_answers
def test_a_plan_is_reasoning_and_a_call_comes_through(policy, risk, form):
    sent.requests, plan = 0, risk["plan"]
    headers = headers_for(risk, account("cohere-plan", policy, risk, form))
    params = admitted(CALLS, plan)
    got, expected = chat(policy["url"], form, CALLS, headers), chat(policy["upstream"], "JSON", params, {})
    assert got["calls"] == expected["calls"] and got["finish"] == expected["finish"] == "TOOL_CALL"
    # The weaker model thinks in a block of its own.
    assert bool(expected["plan"]) == (not plan.get("downgrade"))
    if plan.get("withhold") or not expected["plan"]:
        assert is_sealed(got["plan"]) if plan.get("sealed") else not got["plan"]
        assert leaked(without_blobs(got), expected["plan"] or said(expected, "thinking"), str(expected["calls"])) == []
    else:
        assert phrased(got["plan"], plan) == phrased(expected["plan"], plan)
    # What came goes back as it came.
    calls = [{"id": id, "type": "function", "function": function} for id, function in got["calls"]]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "17"} for call in calls]
    turn = {"role": "assistant", "tool_calls": calls, "tool_plan": got["plan"] or ""}
    second = chat(policy["url"], form, {**CALLS, "messages": [*CALLS["messages"], turn, *results]}, headers)
    assert second["finish"] in ("COMPLETE", "TOOL_CALL")


def test_a_stream_that_breaks_off_says_so():
    sent.requests = 0
    params = {**CHAT, "model": "teacher-error-midstream"}
    got = None
    try:
        got = chat(GRADED["url"], "stream", params, headers_for(WITHHELD, "cohere-midstream"))
    except httpx.HTTPError:
        return
    assert got["finish"] == "ERROR"

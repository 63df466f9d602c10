"""Responses through the library: two turns with a tool, in every form, and read again by another caller."""

import copy

import cells
import pytest
from exchange import client, risk_headers, sent
from expectation import counted, leaked, phrased, replacement, without_blobs
from shipped import account, every_policy, is_sealed

PATH = "/v1/responses"
FORMS = ["JSON", "stream", "stream helper", "parse", "WebSocket"]
TOOL = {"type": "function", "strict": True, "parameters": cells.SCHEMA, **cells.CALCULATOR}


def call(url, form, params, headers):
    """The response as the library has it, every copy of a text in a stream being the same."""
    calls = client("openai", url).responses
    match form:
        case "JSON":
            return calls.create(**params, extra_headers=headers).to_dict()
        case "parse":
            return calls.parse(**params, extra_headers=headers).to_dict()
        case "stream":
            with calls.create(**params, stream=True, extra_headers=headers) as stream:
                return added_up([event.to_dict() for event in stream])
        case "stream helper":
            with calls.stream(**params, extra_headers=headers) as stream:
                for _ in stream:
                    pass
                return stream.get_final_response().to_dict()
        case "WebSocket":
            with calls.connect(extra_headers=headers, max_retries=0) as connection:
                connection.response.create(**params)
                events = []
                while not events or events[-1]["type"] != "response.completed":
                    events.append(connection.recv().to_dict())
                    assert events[-1]["type"] != "error", events[-1]
                return added_up(events)


def added_up(events):
    """The response that a stream ends with; its events count on, and say the same as it does."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    whole = events[-1]["response"]
    for index, item in enumerate(whole["output"]):
        own = [event for event in events if event.get("output_index") == index]
        for text in said_in(item):
            pieces = "".join(event["delta"] for event in own if event["type"].endswith(".delta"))
            assert pieces == text
        assert next(event["item"] for event in own if event["type"].endswith("item.done")) == item
    return whole


def said_in(item):
    if item["type"] == "function_call":
        return [item["arguments"]]
    return [part["text"] for part in [*(item.get("summary") or []), *(item.get("content") or [])]]


def texts(whole, kinds):
    return [text for item in whole["output"] if item["type"] in kinds for text in said_in(item)]


def answered(whole):
    return texts(whole, ["message", "function_call"])


def thought(whole):
    return " ".join(texts(whole, ["reasoning"]))


def asked(model):
    return {
        "model": model,
        "input": [{"role": "user", "content": cells.TWO_STEPS}],
        "tools": [TOOL],
        "reasoning": {"effort": "high"},
        "max_output_tokens": 4000,
        "include": ["reasoning.encrypted_content"],
    }


def admitted(params, plan):
    """The parameters as the upstream sees them."""
    params = copy.deepcopy(params)
    if downgrade := plan.get("downgrade"):
        params["model"] = replacement(params["model"], downgrade)
        params["reasoning"]["effort"] = downgrade["max_effort"]
        params["max_output_tokens"] = min(params["max_output_tokens"], downgrade["max_output_tokens"])
    return params


def converse(url, form, params, headers):
    """Both turns; the second sends back what came of the first, as it came."""
    first = call(url, form, params, headers)
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": it["call_id"], "output": "17"} for it in calls]
    known = ("id", "type", "role", "content", "summary", "encrypted_content", "status", "name", "call_id", "arguments")
    back = [{name: value for name, value in item.items() if name in known} for item in first["output"]]
    return first, call(url, form, {**params, "input": [*params["input"], *back, *results]}, headers)


@pytest.mark.parametrize("form", FORMS)
@every_policy
def test_a_response_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    sent.requests, plan = 0, risk["plan"]
    if form == "WebSocket" and not plan:
        pytest.skip("an ordinary caller's WebSocket goes to the upstream, which has none")
    # What is signed for the opening of a WebSocket holds for all that is asked over it.
    method = "GET" if form == "WebSocket" else "POST"
    headers = risk_headers("openai", risk["score"], account("responses", policy, risk, form), PATH, method)
    params = asked("teacher-large")
    if plan.get("refuse"):
        with pytest.raises(Exception, match="403"):
            call(policy["url"], form, params, headers)
        return
    direct = converse(policy["upstream"], "JSON", admitted(params, plan), {})
    turns = converse(policy["url"], form, params, headers)
    for turn, (got, expected) in enumerate(zip(turns, direct, strict=True)):
        assert phrased(answered(got), plan) == phrased(answered(expected), plan)
        assert [item["type"] for item in got["output"]] == [item["type"] for item in expected["output"]]
        assert got["model"] == admitted(params, plan)["model"]
        assert got["status"] == expected["status"]
        if not (plan.get("sealed") and turn):
            assert got["usage"] == counted(expected["usage"], plan)
        assert len(thought(expected).split()) > 5
        if plan.get("withhold"):
            assert thought(got) == ""
            if plan["sealed"]:
                assert all(is_sealed(item["encrypted_content"]) for item in got["output"] if item["type"] == "reasoning")
            assert leaked(without_blobs(got), thought(expected), answered(expected)) == []
        else:
            assert phrased(thought(got), plan) == phrased(thought(expected), plan)
        # Whoever reads it later gets the same.
        again = client("openai", policy["url"]).responses.retrieve(got["id"]).to_dict()
        assert answered(again) == answered(got)
        assert thought(again) == thought(got)

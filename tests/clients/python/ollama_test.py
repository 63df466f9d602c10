"""Ollama's own protocol through its library: chats and completions, whole and in lines, and two turns with a tool."""

import copy

import cells
import ollama
import pytest
from exchange import API_KEY, risk_headers
from expectation import counted, leaked, phrased, replacement, without_blobs
from shipped import GRADED, WITHHELD, account, both_forms, every_policy, is_sealed

TOOL = {"type": "function", "function": {**cells.CALCULATOR, "parameters": cells.SCHEMA}}
CHAT = {
    "model": "teacher-large",
    "messages": [{"role": "user", "content": cells.TWO_STEPS}],
    "tools": [TOOL],
    "think": "high",
    "logprobs": True,
    "options": {"num_predict": 4000, "temperature": 0.5},
}
GENERATE = {
    "model": "teacher-large",
    "prompt": cells.ONE_STEP,
    "think": True,
    "logprobs": True,
    "options": {"num_predict": 4000},
}


def client(url, headers):
    return ollama.Client(host=url, headers={"authorization": f"Bearer {API_KEY}", **headers}, trust_env=False, verify=False)


def headers_for(risk, account, path):
    return risk_headers("openai", risk["score"], account, path)


def chat(url, form, params, headers):
    """The answer as the library has it; what a stream says is added up."""
    made = client(url, headers)
    if form == "JSON":
        return made.chat(**params, stream=False).model_dump()
    lines = [line.model_dump() for line in made.chat(**params, stream=True)]
    whole = lines[-1]
    assert whole["done"] and not any(line["done"] for line in lines[:-1])
    for name in ("content", "thinking"):
        said = [line["message"].get(name) for line in lines]
        whole["message"][name] = "".join(text for text in said if text) or (None if name == "thinking" else "")
    calls = [call for line in lines for call in line["message"].get("tool_calls") or []]
    whole["message"]["tool_calls"] = calls or None
    whole["logprobs"] = [entry for line in lines for entry in line.get("logprobs") or []] or None
    return whole


def generate(url, form, params, headers):
    made = client(url, headers)
    if form == "JSON":
        return made.generate(**params, stream=False).model_dump()
    lines = [line.model_dump() for line in made.generate(**params, stream=True)]
    whole = lines[-1]
    for name in ("response", "thinking"):
        whole[name] = "".join(line.get(name) or "" for line in lines)
    whole["logprobs"] = [entry for line in lines for entry in line.get("logprobs") or []] or None
    return whole


def numbers(answer):
    return {name: answer[name] for name in answer if name.endswith(("_count", "_duration"))}


def admitted(params, plan):
    """The parameters as the upstream sees them."""
    params = copy.deepcopy(params)
    if plan.get("max_choices"):
        params.pop("logprobs")
    if downgrade := plan.get("downgrade"):
        params["model"] = replacement(params["model"], downgrade)
        most = params["options"]["num_predict"]
        params["options"]["num_predict"] = min(most, downgrade["max_output_tokens"])
        if isinstance(params["think"], str):
            params["think"] = {"none": False, "minimal": "low"}.get(downgrade["max_effort"], downgrade["max_effort"])
    return params


def converse(url, form, params, headers):
    """Both turns; the second sends back what came of the first, as it came."""
    first = chat(url, form, params, headers)
    calls = first["message"]["tool_calls"]
    results = [{"role": "tool", "tool_name": call["function"]["name"], "content": "17"} for call in calls]
    messages = [*params["messages"], first["message"], *results]
    return first, chat(url, form, {**params, "messages": messages}, headers)


@both_forms
@every_policy
def test_a_chat_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    plan = risk["plan"]
    headers = headers_for(risk, account("ollama-chat", policy, risk, form), "/api/chat")
    if plan.get("refuse"):
        with pytest.raises(ollama.ResponseError) as refused:
            chat(policy["url"], form, CHAT, headers)
        assert refused.value.status_code == 403 and "decision gd_" in refused.value.error
        return
    params = admitted(CHAT, plan)
    turns = converse(policy["url"], form, CHAT, headers)
    for turn, (got, expected) in enumerate(zip(turns, converse(policy["upstream"], form, params, {}), strict=True)):
        mine, theirs = got["message"], expected["message"]
        assert phrased(mine["content"], plan) == phrased(theirs["content"], plan)
        assert mine["tool_calls"] == theirs["tool_calls"]
        assert got["done_reason"] == expected["done_reason"]
        assert got["model"] == params["model"]
        assert bool(got["logprobs"]) == bool(expected["logprobs"])
        assert len(theirs["thinking"].split()) > 5
        if not (plan.get("sealed") and turn):
            assert numbers(got) == counted(numbers(expected), plan)
        if plan.get("withhold"):
            assert is_sealed(mine["thinking"]) if plan["sealed"] else not mine["thinking"]
            assert leaked(without_blobs(got), theirs["thinking"], [theirs["content"], str(theirs["tool_calls"])]) == []
        else:
            assert phrased(mine["thinking"], plan) == phrased(theirs["thinking"], plan)


@both_forms
@every_policy
def test_a_completion_has_no_tokens_of_what_is_withheld(policy, risk, form):
    plan = risk["plan"]
    headers = headers_for(risk, account("ollama-generate", policy, risk, form), "/api/generate")
    if plan.get("refuse"):
        with pytest.raises(ollama.ResponseError, match="decision gd_"):
            generate(policy["url"], form, GENERATE, headers)
        return
    params = admitted(GENERATE, plan)
    got = generate(policy["url"], form, GENERATE, headers)
    expected = generate(policy["upstream"], "JSON", params, {})
    assert numbers(got) == counted(numbers(expected), plan)
    assert phrased(got["response"], plan) == phrased(expected["response"], plan)
    assert len(expected["thinking"].split()) > 5 and expected["context"]
    assert bool(got["context"]) == (not plan.get("max_choices"))
    if plan.get("withhold"):
        assert not got["thinking"]
        assert leaked(got, expected["thinking"], expected["response"]) == []


def test_a_stream_that_breaks_off_raises():
    params = {**GENERATE, "model": "teacher-error-midstream"}
    headers = headers_for(WITHHELD, "ollama-midstream", "/api/generate")
    with pytest.raises(ollama.ResponseError) as broken:
        generate(GRADED["url"], "stream", params, headers)
    assert "error" in broken.value.error.lower()


def test_what_the_server_has_is_told():
    assert "teacher-large" in [model.model for model in client(GRADED["url"], {}).list().models]

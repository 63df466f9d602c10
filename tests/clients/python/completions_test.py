"""Legacy completions through the library, whole and streamed, with all that such a request asks for."""

import copy

import cells
import pytest
from exchange import client, risk_headers, sent
from expectation import counted, leaked, phrased, replacement
from shipped import FORMS, GRADED, WITHHELD, account, both_forms, every_policy

PATH = "/v1/completions"
PARAMS = {
    "model": "teacher-large",
    "prompt": cells.ONE_STEP,
    "max_tokens": 4000,
    "n": 2,
    "echo": True,
    "logprobs": 2,
}


def call(url, form, params, headers):
    calls = client("openai", url).completions
    if form == "JSON":
        return calls.create(**params, extra_headers=headers).to_dict()
    options = {"include_usage": True}
    chunks = calls.create(**params, stream=True, stream_options=options, extra_headers=headers)
    return added_up([chunk.to_dict() for chunk in chunks])


def added_up(chunks):
    """The completion that a stream adds up to."""
    usage, choices = chunks[-1]["usage"], {}
    for chunk in chunks:
        assert (chunk["id"], chunk["model"]) == (chunks[0]["id"], chunks[0]["model"])
        for piece in chunk["choices"]:
            choice = choices.setdefault(piece["index"], {"index": piece["index"], "text": "", "logprobs": None})
            assert choice.get("finish_reason") is None
            choice["text"] += piece["text"]
            choice["finish_reason"] = piece["finish_reason"]
            if piece["logprobs"]:
                choice["logprobs"] = (choice["logprobs"] or []) + piece["logprobs"]["tokens"]
    return {**chunks[0], "choices": [choices[index] for index in sorted(choices)], "usage": usage}


def admitted(params, plan):
    """The parameters as the upstream sees them."""
    params = copy.deepcopy(params)
    if plan.get("max_choices"):
        del params["logprobs"], params["echo"]
        params["n"] = min(params["n"], plan["max_choices"])
    if downgrade := plan.get("downgrade"):
        params["model"] = replacement(params["model"], downgrade)
        params["max_tokens"] = min(params["max_tokens"], downgrade["max_output_tokens"])
    return params


@both_forms
@every_policy
def test_a_completion_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    sent.requests, plan = 0, risk["plan"]
    headers = risk_headers("openai", risk["score"], account("completions", policy, risk, form), PATH)
    if plan.get("refuse"):
        with pytest.raises(Exception, match="403"):
            call(policy["url"], form, PARAMS, headers)
        return
    params = admitted(PARAMS, plan)
    direct = call(policy["upstream"], "JSON", params, {})
    got = call(policy["url"], form, PARAMS, headers)
    assert got["usage"] == counted(direct["usage"], plan)
    assert got["model"] == params["model"]
    assert len(got["choices"]) == len(direct["choices"]) == params["n"]
    for mine, theirs in zip(got["choices"], direct["choices"], strict=True):
        assert mine["finish_reason"] == theirs["finish_reason"]
        assert bool(mine["logprobs"]) == bool(params.get("logprobs"))
        prompt = cells.ONE_STEP if params.get("echo") else ""
        assert mine["text"].startswith(prompt) and theirs["text"].startswith(prompt + "<think>")
        if not plan.get("withhold"):
            assert phrased(mine["text"], plan) == phrased(theirs["text"], plan)
            continue
        thought, _, answer = theirs["text"].partition("</think>")
        assert len(thought.split()) > 5
        left = mine["text"].removeprefix("<think>").removeprefix("</think>")
        assert phrased(left.strip(), plan) == phrased(answer.strip(), plan)
        assert leaked(got, thought, answer) == []


def test_a_prompt_that_begins_the_reasoning_brings_none():
    sent.requests, params = 0, {**PARAMS, "prompt": f"{cells.ONE_STEP}\n<think>", "n": 1}
    del params["logprobs"], params["echo"]
    for form in FORMS:
        headers = risk_headers("openai", WITHHELD["score"], f"completions-begun-{form}", PATH)
        direct = call(GRADED["upstream"], "JSON", admitted({**params, "logprobs": 1, "echo": True}, WITHHELD["plan"]), {})
        got = call(GRADED["url"], form, params, headers)
        thought, _, answer = direct["choices"][0]["text"].partition("</think>")
        assert len(thought.split()) > 5
        assert leaked(got, thought, answer) == []
        left = got["choices"][0]["text"].removeprefix("</think>").strip()
        assert left == answer.strip()

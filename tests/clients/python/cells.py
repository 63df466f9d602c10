"""The matrix: who asks what, in which form, at which risk, through which policy."""

import functools
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

from exchange import PREFIX, SUITE, exchange, risk_headers
from expectation import admitted, replacement

ONE_STEP = "Maria has 12 apples and buys 5 more. How many apples does she have?"
TWO_STEPS = "Maria has 12 apples, buys 5 more and then eats 4 apples. How many apples does she have? Calculate in parallel."
SCHEMA = {
    "type": "object",
    "properties": {"expression": {"type": "string"}},
    "required": ["expression"],
    "additionalProperties": False,
}
CALCULATOR = {"name": "calculate", "description": "Evaluates an arithmetic expression."}
TOOLS = {
    "openai": [{"type": "function", "function": {**CALCULATOR, "strict": True, "parameters": SCHEMA}}],
    "anthropic": [{**CALCULATOR, "input_schema": SCHEMA}],
}
DIALECTS = ["", ":reasoning", ":think", ":think-open", ":details", ":mistral"]
FORMS = ["JSON", "stream", "stream helper"]
ASYNC_FORMS = ["async JSON", "async stream", "async stream helper"]
FAULTS = ["429", "500", "529", "midstream", "cut"]
# What is asked, by the library that asks it: the parameters besides model and question.
SCENARIOS = {
    "openai": {
        "a plain question": {},
        "a tool turn": {"tools": TOOLS["openai"]},
        "a greedy question": {"logprobs": True, "top_logprobs": 2, "n": 2, "reasoning_effort": "high"},
        "a stream with usage": {"stream_options": {"include_usage": True}},
    },
    "anthropic": {
        "a plain question": {},
        "a tool turn": {"tools": TOOLS["anthropic"]},
        "a thinking budget": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        "a redacted question": {},
    },
}
numbers = itertools.count()


def ask(sdk, model, scenario):
    question = TWO_STEPS if scenario == "a tool turn" else ONE_STEP
    if scenario == "a redacted question":
        question += " TEACHER_TRIGGER_REDACTED_THINKING"
    params = {"model": model, "messages": [{"role": "user", "content": question}]}
    if sdk == "anthropic":
        params["max_tokens"] = 4000
    return params | SCENARIOS[sdk].get(scenario, {})


def next_turn(sdk, params, whole):
    """The request that sends the tools' results back, the assistant's message as it was received."""
    if sdk == "openai":
        said = whole["choices"][0]["message"]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "17"}
            for call in said.get("tool_calls") or []
        ]
        echoed = [said, *results]
    else:
        said = {"role": "assistant", "content": whole["content"]}
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": "17"}
            for block in whole["content"]
            if block["type"] == "tool_use"
        ]
        echoed = [said, {"role": "user", "content": results}]
    return {**params, "messages": [*params["messages"], *echoed]} if results else None


@functools.cache
def _upstream(sdk, form, url, text):
    return exchange(sdk, form, url, json.loads(text))


def upstream(sdk, form, params, url=SUITE["upstream"]):
    """What the same call gives without the proxy. The upstream answers the same each time."""
    return _upstream(sdk, form, url, json.dumps(params, sort_keys=True))


def converse(sdk, form, scenario, model, at, score=None, plan=None):
    """The turns of a conversation: parameters, what the client got, what the upstream gives for it."""
    url, behind = at["url"], at["upstream"]
    account = f"python-{next(numbers)}"
    params, plan, turns = ask(sdk, model, scenario), plan or {}, []
    theirs = params
    while params and len(turns) < 2:
        got = exchange(sdk, form, url, params, risk_headers(sdk, score, account))
        expected = upstream(sdk, form, admitted(theirs, plan), behind)
        turns.append((params, got, expected))
        whole = got["error"] is None and got["whole"]
        params = next_turn(sdk, params, whole) if whole and scenario == "a tool turn" else None
        # A blob means nothing to the upstream: it has to get what it holds. Reasoning in the answer's own text is not sealed.
        theirs = next_turn(sdk, theirs, expected["whole"]) if params and PREFIX in json.dumps(whole) else params
    return turns


@functools.cache
def _direct(sdk, form, scenario, model, url):
    turns = converse(sdk, form, scenario, model, {"url": url, "upstream": url})
    return [got["error"] for _, got, _ in turns]


def direct(cell):
    """How the conversation goes without the proxy: the error of each turn."""
    at, risk, sdk, form, scenario, model = cell
    if downgrade := risk["plan"].get("downgrade"):
        model = replacement(model, downgrade)
    return _direct(sdk, form, scenario, model, at["upstream"])


def told_by_the_proxy(cell):
    """Whether a stream is cut that the proxy reads, which then says so by the protocol's own error
    where the library would only have seen a broken connection."""
    _, risk, _, _, _, model = cell
    return model == "teacher-error-cut" and bool(risk["plan"]) and not risk["plan"]["downgrade"]


def forms(sdk, scenario, dialect, plan):
    if plan.get("sealed"):
        # The conversations that are sealed are held by suites of their own.
        return (yield from ["JSON", "stream"] if scenario != "a stream with usage" else ["stream"])
    yield from FORMS if scenario != "a stream with usage" else ["stream", "stream helper"]
    if not dialect and scenario in ("a plain question", "a tool turn"):
        yield from ASYNC_FORMS
    if not plan and scenario == "a plain question":
        yield from ["raw JSON", "raw stream"]
    if sdk == "openai" and scenario == "a tool turn" and not dialect:
        yield "parse"


def cells():
    for policy, sdk in itertools.product(SUITE["policies"], SCENARIOS):
        wanted = ["", ":think-open"] if policy["name"] == "opened-by-template" else DIALECTS
        for risk, scenario in itertools.product(policy["risks"], SCENARIOS[sdk]):
            every = sdk == "openai" and scenario in ("a plain question", "a tool turn")
            for dialect in wanted if every else [""]:
                for form in forms(sdk, scenario, dialect, risk["plan"]):
                    yield policy, risk, sdk, form, scenario, "teacher-large" + dialect
        if policy["name"] == "graded":
            for risk, fault, form in itertools.product(policy["risks"], FAULTS, FORMS):
                # Events must be on their way when the connection is cut, hence the slow upstream.
                if fault != "cut" or form != "JSON":
                    on = SUITE["slow"] | {"name": "graded, slow"} if fault == "cut" else policy
                    yield on, risk, sdk, form, "a plain question", f"teacher-error-{fault}"


def name(cell):
    policy, risk, sdk, form, scenario, model = cell
    return f"{policy['name']}, {risk['name']}, {sdk} {form}, {scenario}, {model}"


# Paced streams mostly wait, so many are under way at once.
pool = ThreadPoolExecutor(24)


def start(cell):
    policy, risk, sdk, form, scenario, model = cell
    return pool.submit(converse, sdk, form, scenario, model, policy, risk["score"], risk["plan"])

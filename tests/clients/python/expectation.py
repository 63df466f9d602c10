"""What an exchange through the proxy should come to, worked out from the upstream's own answer."""

import copy
import json
import os
import pathlib
import re

from exchange import PREFIX

EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
SMALLEST_BUDGET = 1024  # of thinking tokens, in Messages
WINDOW = 6  # words of reasoning in a row that may not reach the client
BLOB = re.compile(PREFIX + "[A-Za-z0-9+/]*")

# Phrasings, and the shortest between which and them a mark chooses.
PHRASINGS = dict(json.loads(pathlib.Path(os.environ["CLIENT_SUITE"]).read_text())["phrasings"])
LONGER = re.compile(rf"(?<![\w'-])({'|'.join(map(re.escape, PHRASINGS))})(?![\w'-])")


def phrased(value, plan):
    """A value with the shortest of the phrasings between which a mark chooses, so that it reads the
    same before and after it was marked."""
    if not plan.get("marked"):
        return value
    if isinstance(value, list):
        return [phrased(item, plan) for item in value]
    if isinstance(value, dict):
        return {name: phrased(item, plan) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    text = value.lower().replace("’", "'")
    # What is put in may make another phrasing with what stands beside it.
    while (shorter := LONGER.sub(lambda found: PHRASINGS[found[1]], text)) != text:
        text = shorter
    return text


def admitted(params, plan):
    """The parameters as the upstream should see them once the plan has been applied."""
    params = copy.deepcopy(params)
    if plan.get("max_choices"):
        for name in ("logprobs", "top_logprobs"):
            params.pop(name, None)
        if "n" in params:
            params["n"] = min(params["n"], plan["max_choices"])
    if downgrade := plan.get("downgrade"):
        params["model"] = replacement(params["model"], downgrade)
        most, cap = downgrade["max_effort"], downgrade["max_output_tokens"]
        if "reasoning_effort" in params:
            params["reasoning_effort"] = min(params["reasoning_effort"], most, key=EFFORTS.index)
        if "max_tokens" in params:
            params["max_tokens"] = min(params["max_tokens"], cap)
        if budget := params.get("thinking", {}).get("budget_tokens"):
            budget = min(budget, downgrade.get("max_thinking_tokens", budget), cap - 1)
            if budget < SMALLEST_BUDGET:
                params["thinking"] = {"type": "disabled"}
            else:
                params["thinking"]["budget_tokens"] = budget
    return params


def replacement(model, downgrade):
    """The model that answers instead: names are compared without their `:variant`."""
    models, other = downgrade["models"], downgrade.get("other_models", model)
    return models.get(model, models.get(model.partition(":")[0], other))


def opened(model, plan):
    """Whether the policy knows that the model's template opens <think> itself."""
    return model in plan["opened_by_template"]


def answer(text, model, plan):
    """Content without the reasoning inside it."""
    inside = text.startswith("<think>") or opened(model, plan)
    _, end, rest = text.partition("</think>")
    return rest.lstrip("\n") if inside and end else text


def without_reasoning(value, model, plan):
    """A completion or message as it should be when its reasoning is withheld."""
    if isinstance(value, list):
        return [without_reasoning(item, model, plan) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, item in value.items():
        if name in ("reasoning_content", "reasoning"):
            continue
        if name == "thinking" and value.get("type") == "thinking":
            item = ""
        elif name == "reasoning_details":
            # The library concatenates the other members of each piece.
            item = [detail.get("signature") for detail in item or []]
            item = list(map(bool, item)) if plan["sealed"] else item
        elif name in ("signature", "data") and plan["sealed"]:
            # What is there carries the blob.
            item = bool(item)
        elif name == "content" and isinstance(item, str):
            item = answer(item, model, plan)
        else:
            item = without_reasoning(item, model, plan)
        result[name] = item
    return result


# Of the output, of its parts, of the input and of both.
OUTPUTS = ("completion_tokens", "output_tokens", "eval_count")
PARTS = ("reasoning_tokens", "thinking_tokens", "candidates_token_count", "thoughts_token_count")
INPUTS = ("prompt_tokens", "input_tokens", "prompt_eval_count", "prompt_token_count")
TOTALS = ("total_tokens", "total_token_count")
# By which the output could be told.
TIMES = ("total_duration", "eval_duration")


def rounded(value, step, over=None):
    """Counts of the output rounded up to a multiple of `step`: all of it, its parts, and the sum with the input."""
    if isinstance(value, list):
        return [rounded(item, step, over) for item in value]
    if not isinstance(value, dict):
        return value

    def first(names):
        return next((value[name] for name in names if value.get(name)), None)

    output = first(OUTPUTS)
    over = up(output, step) if output else over
    # Gemini tells its thoughts beside its answer, and not both together.
    whole = up(output, step) if output else sum(up(value.get(name) or 0, step) for name in PARTS)

    def count(name, item):
        if name in TOTALS:
            return first(INPUTS) + whole
        return min(up(item, step), over or up(item, step))

    return {
        name: None
        if name in TIMES
        else count(name, item)
        if name in (*OUTPUTS, *PARTS, *TOTALS) and item
        else rounded(item, step, over)
        for name, item in value.items()
    }


def counted(usage, plan):
    """The counts as the client should see them."""
    return rounded(usage, plan["round_usage"]) if plan.get("round_usage", 1) > 1 else usage


def up(count, step):
    return -(-count // step) * step


def reasoning_in(value, model, plan):
    """All the text in a completion or message, or in pieces of one, that stands in a place for reasoning."""
    if isinstance(value, list):
        return "".join(reasoning_in(item, model, plan) for item in value)
    if not isinstance(value, dict):
        return ""
    found = ""
    for name, item in value.items():
        if name in ("reasoning_content", "reasoning", "thinking") and isinstance(item, str):
            found += item
        elif name == "reasoning_details" and item:
            found += "".join(detail.get("text") or "" for detail in item)
        elif name == "thinking" and isinstance(item, list):
            found += "".join(part["text"] for part in item)
        elif name == "content" and isinstance(item, str) and "</think>" in item:
            if item.startswith("<think>") or opened(model, plan):
                found += item.partition("</think>")[0].removeprefix("<think>")
        else:
            found += reasoning_in(item, model, plan)
    return found


def without_blobs(value):
    """A value with nothing where blobs stand."""
    if isinstance(value, (list, tuple)):
        return [without_blobs(item) for item in value]
    if isinstance(value, dict):
        return {name: without_blobs(item) for name, item in value.items()}
    return BLOB.sub("", value) if isinstance(value, str) else value


def texts(value):
    """Every string of a value, in order."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    return " ".join(texts(item) for item in value) if isinstance(value, list) else ""


def leaked(observed, reasoning, elsewhere):
    """Runs of words of the upstream's reasoning that reached the client, and stand in nothing else
    that the upstream said."""
    words = reasoning.split()
    runs = {" ".join(words[at : at + WINDOW]) for at in range(len(words) - WINDOW + 1)}
    said, allowed = (" ".join(texts(value).split()) for value in (observed, elsewhere))
    return [run for run in runs if run in said and run not in allowed]

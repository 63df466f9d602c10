"""Amazon Bedrock's Converse and ConverseStream through boto3: every shipped policy, two turns with a tool, errors."""

import copy
import functools
import json
import threading

import boto3
import cells
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from exchange import API_KEY, risk_headers
from expectation import admitted, leaked, phrased, up, without_blobs
from shipped import GRADED, WITHHELD, account, both_forms, every_policy, is_sealed

TOOL = {"toolSpec": {**cells.CALCULATOR, "inputSchema": {"json": cells.SCHEMA}}}
ASKED = {"model": "teacher-large", "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2048}}


# The headers of what this thread asks next, by whom it asks.
headers_now = threading.local()
MAKING = threading.Lock()


@functools.cache
def made_for(url, signed):
    """A client: to make one takes longer than what it asks."""
    config = Config(retries={"total_max_attempts": 1}, signature_version="v4" if signed else UNSIGNED)
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "x"} if signed else {}
    made = boto3.session.Session().client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config, **keys
    )

    def add(params, **_):
        params["headers"].update(getattr(headers_now, url))

    made.meta.events.register("before-call.bedrock-runtime", add)
    return made


def client(url, headers, signed=False):
    """A client whose calls in this thread have these headers, until it is asked for again."""
    if not signed:
        # A key of Bedrock's, which the library itself sends over HTTPS only.
        headers = {"authorization": f"Bearer {API_KEY}", **headers}
    setattr(headers_now, url, headers)
    with MAKING:
        return made_for(url, signed)


def headers_for(risk, account, model, form):
    path = f"/model/{model.replace(':', '%3A')}/converse{'' if form == 'JSON' else '-stream'}"
    return risk_headers("openai", risk["score"], account, path)


def parameters(asked, messages, tools=True):
    made = {
        "modelId": asked["model"],
        "messages": messages,
        "inferenceConfig": {"maxTokens": asked["max_tokens"]},
        "additionalModelRequestFields": {"thinking": asked["thinking"]},
    }
    return made | ({"toolConfig": {"tools": [TOOL]}} if tools else {})


def added_up(stream):
    """The answer that the events of a stream come to."""
    blocks, inputs, answer = {}, {}, {}
    for event in stream:
        ((kind, said),) = event.items()
        index = said.get("contentBlockIndex")
        if kind == "messageStart":
            assert not answer
            answer = {"role": said["role"]}
        elif kind == "contentBlockStart":
            blocks[index] = copy.deepcopy(said["start"])
        elif kind == "contentBlockDelta":
            delta = said["delta"]
            if "text" in delta:
                block = blocks.setdefault(index, {"text": ""})
                block["text"] += delta["text"]
            elif "toolUse" in delta:
                inputs[index] = inputs.get(index, "") + delta["toolUse"]["input"]
            elif "redactedContent" in delta["reasoningContent"]:
                block = blocks.setdefault(index, {"reasoningContent": {"redactedContent": b""}})
                block["reasoningContent"]["redactedContent"] += delta["reasoningContent"]["redactedContent"]
            else:
                block = blocks.setdefault(index, {"reasoningContent": {"reasoningText": {"text": ""}}})
                text = block["reasoningContent"]["reasoningText"]
                text["text"] += delta["reasoningContent"].get("text", "")
                if signature := delta["reasoningContent"].get("signature"):
                    assert "signature" not in text, "two signatures"
                    text["signature"] = signature
        elif kind in ("messageStop", "metadata"):
            assert not answer.keys() & said.keys()
            answer |= said
    for index, given in inputs.items():
        blocks[index]["toolUse"]["input"] = json.loads(given)
    assert list(blocks) == list(range(len(blocks))), "blocks out of order"
    message = {"role": answer.pop("role"), "content": list(blocks.values())}
    return {"output": {"message": message}, **answer}


def answered(made, form, asked):
    if form == "JSON":
        answer = made.converse(**asked)
        answer.pop("ResponseMetadata")
        return answer
    return added_up(made.converse_stream(**asked)["stream"])


def content(answer):
    return answer["output"]["message"]["content"]


def thought(answer):
    blocks = [block["reasoningContent"].get("reasoningText", {}) for block in content(answer) if "reasoningContent" in block]
    return "".join(block["text"] for block in blocks)


def said(answer):
    return "".join(block.get("text", "") for block in content(answer))


def calls(answer):
    return [block["toolUse"] for block in content(answer) if "toolUse" in block]


def signatures(answer):
    return [block["reasoningContent"]["reasoningText"]["signature"] for block in content(answer) if "reasoningContent" in block]


def conversation(made, form, asked):
    """Both turns; the second sends back what came of the first, as it came."""
    question = {"role": "user", "content": [{"text": cells.TWO_STEPS}]}
    first = answered(made, form, parameters(asked, [question]))
    results = [
        {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"result": "17"}}]}} for call in calls(first)
    ]
    assert results
    messages = [question, first["output"]["message"], {"role": "user", "content": results}]
    return first, answered(made, form, parameters(asked, messages))


@both_forms
@every_policy
def test_an_answer_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    plan = risk["plan"]
    headers = headers_for(risk, account("converse", policy, risk, form), ASKED["model"], form)
    made = client(policy["url"], headers)
    if plan.get("refuse"):
        with pytest.raises(ClientError) as refused:
            conversation(made, form, ASKED)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return
    turns = conversation(made, form, ASKED)
    direct = client(policy["upstream"], {})
    for turn, (got, expected) in enumerate(zip(turns, conversation(direct, form, admitted(ASKED, plan)), strict=True)):
        assert phrased(said(got), plan) == phrased(said(expected), plan)
        assert calls(got) == calls(expected)
        if plan.get("sealed"):
            assert all(map(is_sealed, signatures(got))) and len(signatures(got)) == len(signatures(expected))
        else:
            assert signatures(got) == signatures(expected)
        assert got["stopReason"] == expected["stopReason"]
        used = expected["usage"]
        output, put = up(used["outputTokens"], plan.get("round_usage", 1)), used["inputTokens"]
        if plan.get("sealed") and turn:
            # The reasoning that was opened is counted with it.
            put = up(put, plan["round_usage"])
        assert got["usage"] == used | {"inputTokens": put, "outputTokens": output, "totalTokens": put + output}
        if plan.get("withhold"):
            assert thought(got) == ""
            assert leaked(without_blobs(got), thought(expected), [said(expected), str(calls(expected))]) == []
        else:
            assert thought(got) == thought(expected)


@both_forms
def test_reasoning_that_is_sealed_by_the_upstream_comes_back_as_it_came(form):
    headers = headers_for(WITHHELD, f"converse-redacted-{form}", ASKED["model"], form)
    question = {"role": "user", "content": [{"text": cells.ONE_STEP + " TEACHER_TRIGGER_REDACTED_THINKING"}]}
    made = client(GRADED["url"], headers)
    first = answered(made, form, parameters(ASKED, [question], tools=False))
    assert "redactedContent" in content(first)[0]["reasoningContent"]
    messages = [question, first["output"]["message"], {"role": "user", "content": [{"text": cells.ONE_STEP}]}]
    assert said(answered(made, form, parameters(ASKED, messages, tools=False)))


@both_forms
@pytest.mark.parametrize("risk", GRADED["risks"], ids=lambda risk: risk["name"])
def test_an_upstreams_error_raises_what_the_library_makes_of_it(risk, form):
    if risk["plan"].get("refuse"):
        pytest.skip("nothing is asked of the upstream")
    for model, code, status in [
        ("teacher-error-429", "ThrottlingException", 429),
        ("teacher-error-500", "InternalServerException", 500),
        ("teacher-none", "ResourceNotFoundException", 404),
    ]:
        headers = headers_for(risk, account("converse-error", GRADED, risk, form), model, form)
        # Another model would answer.
        if (risk["plan"].get("downgrade") or {}).get("other_models"):
            continue
        with pytest.raises(ClientError) as raised:
            answered(client(GRADED["url"], headers), form, parameters(ASKED | {"model": model}, [
                {"role": "user", "content": [{"text": cells.ONE_STEP}]}]))
        assert raised.value.response["Error"]["Code"] == code
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("model", ["teacher-error-midstream", "teacher-error-cut"])
def test_a_stream_that_breaks_off_raises(model):
    headers = headers_for(WITHHELD, f"converse-{model}", model, "stream")
    question = {"role": "user", "content": [{"text": cells.ONE_STEP}]}
    # A connection that is cut may be found to be before the answer has begun.
    with pytest.raises((EventStreamError, ClientError)) as raised:
        answered(client(GRADED["url"], headers), "stream", parameters(ASKED | {"model": model}, [question]))
    assert raised.value.response["Error"]["Code"].lower() == "internalserverexception"


@both_forms
def test_the_models_own_answer_cannot_be_asked_for_besides(form):
    headers = headers_for(WITHHELD, f"converse-fields-{form}", ASKED["model"], form)
    question = {"role": "user", "content": [{"text": cells.ONE_STEP}]}
    asked = parameters(ASKED, [question], tools=False) | {"additionalModelResponseFieldPaths": ["/content"]}
    answer = answered(client(GRADED["url"], headers), form, asked)
    assert said(answer) and not answer.get("additionalModelResponseFields")


@both_forms
def test_a_signed_request_of_an_ordinary_caller_passes_as_it_came(form):
    question = {"role": "user", "content": [{"text": cells.ONE_STEP}]}
    asked = parameters(ASKED | {"model": "teacher-large:plain"}, [question], tools=False)
    expected = answered(client(GRADED["upstream"], {}, signed=True), form, asked)
    assert answered(client(GRADED["url"], {}, signed=True), form, asked) == expected

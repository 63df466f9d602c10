"""Amazon Bedrock's Converse and ConverseStream through boto3: every shipped policy, two turns with a tool, errors."""

import copy
import json

import boto3
import cells
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from exchange import API_KEY, SUITE, risk_headers
from expectation import admitted, leaked, phrased, up

GRADED = next(policy for policy in SUITE["policies"] if policy["name"] == "graded")
CASES = [
    pytest.param(policy, risk, id=f"{policy['name']}-{risk['name']}")
    for policy in SUITE["policies"]
    for risk in policy["risks"]
]
TOOL = {"toolSpec": {**cells.CALCULATOR, "inputSchema": {"json": cells.SCHEMA}}}
ASKED = {"model": "teacher-large", "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2048}}


def client(url, headers, signed=False):
    config = Config(retries={"total_max_attempts": 1}, signature_version="v4" if signed else UNSIGNED)
    if not signed:
        # A key of Bedrock's, which the library itself sends over HTTPS only.
        headers = {"authorization": f"Bearer {API_KEY}", **headers}
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "x"} if signed else {}
    made = boto3.session.Session().client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config, **keys
    )
    made.meta.events.register("before-call.bedrock-runtime", lambda params, **_: params["headers"].update(headers))
    return made


def headers_for(risk, account, model, form):
    path = f"/model/{model.replace(':', '%3A')}/converse{'' if form == 'JSON' else '-stream'}"
    return risk_headers("openai", risk["score"], account.replace(" ", "-"), path)


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


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize(("policy", "risk"), CASES)
def test_an_answer_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    plan = risk["plan"]
    headers = headers_for(risk, f"converse-{risk['name']}-{form}", ASKED["model"], form)
    made = client(policy["url"], headers)
    if plan.get("refuse"):
        with pytest.raises(ClientError) as refused:
            conversation(made, form, ASKED)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return
    turns = conversation(made, form, ASKED)
    direct = client(policy["upstream"], {})
    for got, expected in zip(turns, conversation(direct, form, admitted(ASKED, plan)), strict=True):
        assert phrased(said(got), plan) == phrased(said(expected), plan)
        assert calls(got) == calls(expected)
        assert signatures(got) == signatures(expected)
        assert got["stopReason"] == expected["stopReason"]
        used = expected["usage"]
        output = up(used["outputTokens"], plan.get("round_usage", 1))
        assert got["usage"] == used | {"outputTokens": output, "totalTokens": used["inputTokens"] + output}
        if plan.get("withhold"):
            assert thought(got) == ""
            assert leaked(got, thought(expected), [said(expected), str(calls(expected))]) == []
        else:
            assert thought(got) == thought(expected)


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_reasoning_that_is_sealed_by_the_upstream_comes_back_as_it_came(form):
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    headers = headers_for(risk, f"converse-redacted-{form}", ASKED["model"], form)
    question = {"role": "user", "content": [{"text": cells.ONE_STEP + " TEACHER_TRIGGER_REDACTED_THINKING"}]}
    made = client(GRADED["url"], headers)
    first = answered(made, form, parameters(ASKED, [question], tools=False))
    assert "redactedContent" in content(first)[0]["reasoningContent"]
    messages = [question, first["output"]["message"], {"role": "user", "content": [{"text": cells.ONE_STEP}]}]
    assert said(answered(made, form, parameters(ASKED, messages, tools=False)))


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("risk", GRADED["risks"], ids=lambda risk: risk["name"])
def test_an_upstreams_error_raises_what_the_library_makes_of_it(risk, form):
    if risk["plan"].get("refuse"):
        pytest.skip("nothing is asked of the upstream")
    for model, code, status in [
        ("teacher-error-429", "ThrottlingException", 429),
        ("teacher-error-500", "InternalServerException", 500),
        ("teacher-none", "ResourceNotFoundException", 404),
    ]:
        headers = headers_for(risk, f"converse-error-{risk['name']}-{form}", model, form)
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
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    headers = headers_for(risk, f"converse-{model}", model, "stream")
    question = {"role": "user", "content": [{"text": cells.ONE_STEP}]}
    # A connection that is cut may be found to be before the answer has begun.
    with pytest.raises((EventStreamError, ClientError)) as raised:
        answered(client(GRADED["url"], headers), "stream", parameters(ASKED | {"model": model}, [question]))
    assert raised.value.response["Error"]["Code"].lower() == "internalserverexception"


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_the_models_own_answer_cannot_be_asked_for_besides(form):
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    headers = headers_for(risk, f"converse-fields-{form}", ASKED["model"], form)
    question = {"role": "user", "content": [{"text": cells.ONE_STEP}]}
    asked = parameters(ASKED, [question], tools=False) | {"additionalModelResponseFieldPaths": ["/content"]}
    answer = answered(client(GRADED["url"], headers), form, asked)
    assert said(answer) and not answer.get("additionalModelResponseFields")


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_a_signed_request_of_an_ordinary_caller_passes_as_it_came(form):
    question = {"role": "user", "content": [{"text": cells.ONE_STEP}]}
    asked = parameters(ASKED | {"model": "teacher-large:plain"}, [question], tools=False)
    expected = answered(client(GRADED["upstream"], {}, signed=True), form, asked)
    assert answered(client(GRADED["url"], {}, signed=True), form, asked) == expected

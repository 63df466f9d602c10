"""Amazon Bedrock's InvokeModel through boto3, with bodies of Messages and Chat Completions."""

import json

import cells
import pytest
from botocore.exceptions import ClientError, EventStreamError
from converse_test import ASKED, GRADED, client
from exchange import message, risk_headers
from expectation import admitted, leaked, phrased

VERSION = "bedrock-2023-05-31"


def headers_for(risk, account, model, form):
    path = f"/model/{model}/invoke{'' if form == 'JSON' else '-with-response-stream'}"
    return risk_headers("openai", risk["score"], account.replace(" ", "-"), path)


def answered(made, form, model, body):
    """The vendor's own answer, whole, or its events."""
    asked = {"modelId": model, "body": json.dumps(body), "contentType": "application/json"}
    if form == "JSON":
        return json.load(made.invoke_model(**asked)["body"])
    return [json.loads(event["chunk"]["bytes"]) for event in made.invoke_model_with_response_stream(**asked)["body"]]


def messages(made, form, asked):
    body = {"anthropic_version": VERSION, "messages": [{"role": "user", "content": cells.ONE_STEP}]}
    body |= {name: value for name, value in asked.items() if name != "model"}
    answer = answered(made, form, asked["model"], body)
    return answer if form == "JSON" else message(answer)


def of(answer, kind, name):
    return "".join(block[name] for block in answer["content"] if block["type"] == kind)


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("risk", GRADED["risks"], ids=lambda risk: risk["name"])
def test_an_answer_of_messages_is_what_the_upstream_gives_less_what_the_policy_withholds(risk, form):
    plan = risk["plan"]
    made = client(GRADED["url"], headers_for(risk, f"invoke-{risk['name']}-{form}", ASKED["model"], form))
    if plan.get("refuse"):
        with pytest.raises(ClientError) as refused:
            messages(made, form, ASKED)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        return
    got = messages(made, form, ASKED)
    expected = messages(client(GRADED["upstream"], {}), form, admitted(ASKED, plan))
    assert phrased(of(got, "text", "text"), plan) == phrased(of(expected, "text", "text"), plan)
    assert of(got, "thinking", "signature") == of(expected, "thinking", "signature")
    assert got["stop_reason"] == expected["stop_reason"]
    thought = of(expected, "thinking", "thinking")
    if plan.get("withhold"):
        assert of(got, "thinking", "thinking") == ""
        assert leaked(got, thought, [of(expected, "text", "text")]) == []
    else:
        assert of(got, "thinking", "thinking") == thought


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_reasoning_of_a_chat_is_withheld(form):
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    body = {"messages": [{"role": "user", "content": cells.ONE_STEP}], "logprobs": True}
    headers = headers_for(risk, f"invoke-chat-{form}", "teacher-large", form)
    got = answered(client(GRADED["url"], headers), form, "teacher-large", body)
    expected = answered(client(GRADED["upstream"], {}), form, "teacher-large", body)
    chunks = [expected] if form == "JSON" else expected
    parts = [choice.get("message") or choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    thought, said = ("".join(part.get(name) or "" for part in parts) for name in ("reasoning_content", "content"))
    assert len(thought.split()) > 5 and leaked(got, thought, [said]) == []
    assert "logprobs\": {" not in json.dumps(got)


def test_a_body_that_nobody_reads_is_refused_where_something_is_to_be_done_to_it():
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    made = client(GRADED["url"], headers_for(risk, "invoke-unread", "teacher-large", "JSON"))
    with pytest.raises(ClientError) as refused:
        answered(made, "JSON", "teacher-large", {"texts": [cells.ONE_STEP]})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_stream_that_breaks_off_raises():
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    model = "teacher-error-midstream"
    made = client(GRADED["url"], headers_for(risk, "invoke-midstream", model, "stream"))
    with pytest.raises(EventStreamError) as raised:
        messages(made, "stream", ASKED | {"model": model})
    assert raised.value.response["Error"]["Code"] == "internalServerException"

"""Amazon Bedrock's InvokeModel through boto3, with bodies of Messages and Chat Completions."""

import json

import cells
import pytest
from botocore.exceptions import ClientError, EventStreamError
from converse_test import ASKED, client
from exchange import message, risk_headers
from expectation import admitted, counted, leaked, phrased, without_blobs
from shipped import GRADED, WITHHELD, account, both_forms, every_policy, is_sealed

VERSION = "bedrock-2023-05-31"


def headers_for(risk, account, model, form):
    path = f"/model/{model}/invoke{'' if form == 'JSON' else '-with-response-stream'}"
    return risk_headers("openai", risk["score"], account, path)


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


@both_forms
@every_policy
def test_an_answer_of_messages_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    plan = risk["plan"]
    made = client(policy["url"], headers_for(risk, account("invoke", policy, risk, form), ASKED["model"], form))
    if plan.get("refuse"):
        with pytest.raises(ClientError) as refused:
            messages(made, form, ASKED)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        return
    got = messages(made, form, ASKED)
    expected = messages(client(policy["upstream"], {}), form, admitted(ASKED, plan))
    assert phrased(of(got, "text", "text"), plan) == phrased(of(expected, "text", "text"), plan)
    signatures = [of(answer, "thinking", "signature") for answer in (got, expected)]
    assert is_sealed(signatures[0]) if plan.get("sealed") else signatures[0] == signatures[1]
    assert got["usage"] == counted(expected["usage"], plan)
    assert got["stop_reason"] == expected["stop_reason"]
    thought = of(expected, "thinking", "thinking")
    if plan.get("withhold"):
        assert of(got, "thinking", "thinking") == ""
        assert leaked(without_blobs(got), thought, [of(expected, "text", "text")]) == []
    else:
        assert of(got, "thinking", "thinking") == thought


@both_forms
def test_reasoning_of_a_chat_is_withheld(form):
    body = {"messages": [{"role": "user", "content": cells.ONE_STEP}], "logprobs": True}
    headers = headers_for(WITHHELD, f"invoke-chat-{form}", "teacher-large", form)
    got = answered(client(GRADED["url"], headers), form, "teacher-large", body)
    expected = answered(client(GRADED["upstream"], {}), form, "teacher-large", body)
    chunks = [expected] if form == "JSON" else expected
    parts = [choice.get("message") or choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    thought, said = ("".join(part.get(name) or "" for part in parts) for name in ("reasoning_content", "content"))
    assert len(thought.split()) > 5 and leaked(got, thought, [said]) == []
    assert "logprobs\": {" not in json.dumps(got)


def test_a_body_that_nobody_reads_is_refused_where_something_is_to_be_done_to_it():
    made = client(GRADED["url"], headers_for(WITHHELD, "invoke-unread", "teacher-large", "JSON"))
    with pytest.raises(ClientError) as refused:
        answered(made, "JSON", "teacher-large", {"texts": [cells.ONE_STEP]})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_stream_that_breaks_off_raises():
    model = "teacher-error-midstream"
    made = client(GRADED["url"], headers_for(WITHHELD, "invoke-midstream", model, "stream"))
    with pytest.raises(EventStreamError) as raised:
        messages(made, "stream", ASKED | {"model": model})
    assert raised.value.response["Error"]["Code"] == "internalServerException"

"""Gemini through its library: whole and streamed, two turns with a tool, and a history that it takes for valid."""

import base64
import copy
import functools
import json
import threading
import urllib.request

import cells
import pytest
from exchange import API_KEY, SUITE, risk_headers
from expectation import counted, leaked, phrased, replacement, without_blobs
from google import genai
from google.genai import errors, types
from multi_turn_test import QUESTIONS
from shipped import GRADED, WITHHELD, account, both_forms, every_policy, is_sealed

CONFIG = {
    "max_output_tokens": 4000,
    "candidate_count": 1,
    "thinking_config": {"include_thoughts": True, "thinking_budget": 8192},
}
TOOL = {"function_declarations": [{**cells.CALCULATOR, "parameters_json_schema": cells.SCHEMA}]}


MAKING = threading.Lock()


@functools.cache
def made_for(url):
    return genai.Client(api_key=API_KEY, http_options=types.HttpOptions(base_url=url, api_version="v1beta"))


def client(url):
    """A client: to make one takes longer than what it asks."""
    with MAKING:
        return made_for(url)


def asking_with(headers, config):
    """The same settings, of a request with these headers."""
    return {**config, "http_options": {"headers": headers}}


def path(model, form):
    return f"/v1beta/models/{model}:{'generateContent' if form == 'JSON' else 'streamGenerateContent'}"


def headers_for(risk, account, model, form):
    return risk_headers("openai", risk["score"], account, path(model, form))


def answers(url, form, model, contents, config, headers):
    """The chunks of the answer; one that is whole is one chunk."""
    models, asked = client(url).models, {"model": model, "contents": contents, "config": asking_with(headers, config)}
    return [models.generate_content(**asked)] if form == "JSON" else list(models.generate_content_stream(**asked))


def parts(chunks):
    return [part for chunk in chunks for part in (chunk.candidates[0].content.parts or [])]


def encoded(signature):
    """A signature as it comes."""
    return signature and base64.b64encode(signature).decode()


def thought(chunks):
    return "".join(part.text or "" for part in parts(chunks) if part.thought)


def said(chunks):
    return "".join(part.text or "" for part in parts(chunks) if not part.thought)


def calls(chunks):
    return [(part.function_call.name, part.function_call.args) for part in parts(chunks) if part.function_call]


def lowered(plan):
    """Model and settings as the upstream sees them."""
    model, config = "teacher-large", copy.deepcopy(CONFIG)
    if downgrade := plan.get("downgrade"):
        model = replacement(model, downgrade)
        config["max_output_tokens"] = min(config["max_output_tokens"], downgrade["max_output_tokens"])
        budget = downgrade.get("max_thinking_tokens", 8192)
        config["thinking_config"]["thinking_budget"] = min(8192, budget)
    return model, config


def converse(url, form, model, config, headers):
    """Both turns; the second sends back what came of the first, as it came."""
    question = types.UserContent(parts=[types.Part(text=cells.TWO_STEPS)])
    config = {**config, "tools": [TOOL]}
    first = answers(url, form, model, [question], config, headers)
    back = types.ModelContent(parts=[part for part in parts(first) if part.text or part.function_call])
    results = [types.Part.from_function_response(name=name, response={"result": "17"}) for name, _ in calls(first)]
    contents = [question, back, types.UserContent(parts=results)]
    return first, answers(url, form, model, contents, config, headers)


@both_forms
@every_policy
def test_an_answer_is_what_the_upstream_gives_less_what_the_policy_withholds(policy, risk, form):
    plan = risk["plan"]
    headers = headers_for(risk, account("gemini", policy, risk, form), "teacher-large", form)
    if plan.get("refuse"):
        with pytest.raises(errors.ClientError) as refused:
            answers(policy["url"], form, "teacher-large", cells.ONE_STEP, CONFIG, headers)
        assert refused.value.code == 403 and refused.value.status == "PERMISSION_DENIED"
        return
    model, config = lowered(plan)
    turns = converse(policy["url"], form, "teacher-large", CONFIG, headers)
    for turn, (got, expected) in enumerate(zip(turns, converse(policy["upstream"], form, model, config, {}), strict=True)):
        assert phrased(said(got), plan) == phrased(said(expected), plan)
        assert calls(got) == calls(expected)
        signatures = [[part.thought_signature for part in parts(it) if part.function_call] for it in (got, expected)]
        if plan.get("sealed"):
            # What the upstream did not sign is not sealed, either.
            assert [is_sealed(encoded(it)) for it in signatures[0]] == [it is not None for it in signatures[1]]
        else:
            assert signatures[0] == signatures[1]
        used = [it[-1].usage_metadata.model_dump(exclude_none=True) for it in (got, expected)]
        if not (plan.get("sealed") and turn):
            assert used[0] == counted(used[1], plan)
        ended = [it[-1].candidates[0].finish_reason for it in (got, expected)]
        assert ended[0] == ended[1]
        # What carries the thoughts of a stream comes in a chunk of its own.
        assert {chunk.model_version for chunk in got} - ({None} if plan.get("sealed") else set()) == {model}
        assert len(thought(expected).split()) > 5
        if plan.get("withhold"):
            assert thought(got) == ""
            if plan["sealed"]:
                assert any(is_sealed(encoded(part.thought_signature)) for part in parts(got) if part.thought)
            dumped = [chunk.model_dump() for chunk in got]
            assert leaked(without_blobs(dumped), thought(expected), [said(expected), str(calls(expected))]) == []
        else:
            assert phrased(thought(got), plan) == phrased(thought(expected), plan)


@both_forms
def test_a_chat_goes_on_with_what_is_left(form):
    headers = headers_for(WITHHELD, f"gemini-chat-{form}", "teacher-large", form)
    chat = client(GRADED["url"]).chats.create(model="teacher-large", config=asking_with(headers, CONFIG))
    for question in [cells.ONE_STEP, cells.ONE_STEP]:
        if form == "JSON":
            assert chat.send_message(question).text
        else:
            assert "".join(chunk.text or "" for chunk in chat.send_message_stream(question))
    # An empty part would have the library leave the turn out.
    roles = [content.role for content in chat.get_history(curated=True)]
    assert roles.count("user") == 2 and "model" in roles


def test_no_parameter_leaves_out_what_flags_a_thought():
    """The library's own way to add parameters to a request."""
    asked = {"contents": [{"parts": [{"text": cells.ONE_STEP}]}], "generationConfig": {
        "thinkingConfig": {"includeThoughts": True}}}
    headers = headers_for(WITHHELD, "gemini-fields", "teacher-large", "JSON")
    for query in ["", "?fields=candidates.content.parts.text", "?%24fields=x&key=k"]:
        request = urllib.request.Request(
            GRADED["url"] + path("teacher-large", "JSON") + query,
            data=json.dumps(asked).encode(),
            headers={**headers, "content-type": "application/json", "x-goog-api-key": API_KEY},
        )
        answer = json.load(urllib.request.urlopen(request))
        told = [part for part in answer["candidates"][0]["content"]["parts"] if part.get("thought")]
        assert all(part["text"] == "" for part in told)


def test_a_stream_that_breaks_off_raises():
    model = "teacher-error-midstream"
    headers = headers_for(WITHHELD, "gemini-midstream", model, "stream")
    with pytest.raises(errors.ServerError):
        answers(GRADED["url"], "stream", model, cells.ONE_STEP, CONFIG, headers)


def restored():
    """How many texts have been put back as they had been before they were marked."""
    status = SUITE["restoring"]["metrics"].replace("/metrics", "/status")
    with urllib.request.urlopen(status) as answer:
        return json.load(answer)["counters"]["originals_restored"]


def talk(url, form, account, score):
    """What is said in a conversation of the library's own, which keeps what comes, chunk by chunk."""
    # Each of its requests has the same path, which the detector signs.
    headers = headers_for({"score": score}, account, "teacher-large", form) if score else {}
    chat = client(url).chats.create(model="teacher-large", config=asking_with(headers, {"max_output_tokens": 4000}))
    texts = []
    for question in QUESTIONS:
        if form == "JSON":
            chunks = [chat.send_message(question)]
        else:
            chunks = list(chat.send_message_stream(question))
        texts.append(said(chunks))
    return texts


@both_forms
def test_what_its_chat_sends_back_is_restored_be_it_in_one_piece_or_in_many(form):
    expected = talk(SUITE["upstream"], form, "direct", None)
    before, marked = restored(), 0
    for number in range(12):
        got = talk(SUITE["restoring"]["url"], form, f"restoring-gemini-{form}-{number}", 0.9)
        # The answers behind the first depend on what the library thinks worth keeping of those before.
        marked += got[0] != expected[0]
    assert marked, "no word was exchanged"
    # The first is sent back with each of the questions that follow.
    assert restored() - before >= 2 * marked

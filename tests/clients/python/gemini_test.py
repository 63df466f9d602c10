"""Gemini through its library: whole and streamed, two turns with a tool, and a history that it takes for valid."""

import copy
import json
import urllib.request

import cells
import pytest
from exchange import API_KEY, SUITE, risk_headers
from expectation import leaked, phrased, replacement
from google import genai
from google.genai import errors, types
from multi_turn_test import QUESTIONS

GRADED = next(policy for policy in SUITE["policies"] if policy["name"] == "graded")
CONFIG = {
    "max_output_tokens": 4000,
    "candidate_count": 1,
    "thinking_config": {"include_thoughts": True, "thinking_budget": 8192},
}
TOOL = {"function_declarations": [{**cells.CALCULATOR, "parameters_json_schema": cells.SCHEMA}]}


def client(url, headers):
    options = types.HttpOptions(base_url=url, api_version="v1beta", headers=headers)
    return genai.Client(api_key=API_KEY, http_options=options)


def path(model, form):
    return f"/v1beta/models/{model}:{'generateContent' if form == 'JSON' else 'streamGenerateContent'}"


def headers_for(risk, account, model, form):
    return risk_headers("openai", risk["score"], account.replace(" ", "-"), path(model, form))


def answers(url, form, model, contents, config, headers):
    """The chunks of the answer; one that is whole is one chunk."""
    # One that nobody holds closes itself.
    made = client(url, headers)
    if form == "JSON":
        return [made.models.generate_content(model=model, contents=contents, config=config)]
    return list(made.models.generate_content_stream(model=model, contents=contents, config=config))


def parts(chunks):
    return [part for chunk in chunks for part in (chunk.candidates[0].content.parts or [])]


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


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("risk", GRADED["risks"], ids=lambda risk: risk["name"])
def test_an_answer_is_what_the_upstream_gives_less_what_the_policy_withholds(risk, form):
    plan = risk["plan"]
    headers = headers_for(risk, f"gemini-{risk['name']}-{form}", "teacher-large", form)
    if plan.get("refuse"):
        with pytest.raises(errors.ClientError) as refused:
            answers(GRADED["url"], form, "teacher-large", cells.ONE_STEP, CONFIG, headers)
        assert refused.value.code == 403 and refused.value.status == "PERMISSION_DENIED"
        return
    model, config = lowered(plan)
    turns = converse(GRADED["url"], form, "teacher-large", CONFIG, headers)
    for got, expected in zip(turns, converse(GRADED["upstream"], form, model, config, {}), strict=True):
        assert phrased(said(got), plan) == phrased(said(expected), plan)
        assert calls(got) == calls(expected)
        signatures = [[part.thought_signature for part in parts(it) if part.function_call] for it in (got, expected)]
        assert signatures[0] == signatures[1]
        ended = [it[-1].candidates[0].finish_reason for it in (got, expected)]
        assert ended[0] == ended[1]
        assert {chunk.model_version for chunk in got} == {model}
        assert len(thought(expected).split()) > 5
        if plan.get("withhold"):
            assert thought(got) == ""
            dumped = [chunk.model_dump() for chunk in got]
            assert leaked(dumped, thought(expected), [said(expected), str(calls(expected))]) == []
        else:
            assert phrased(thought(got), plan) == phrased(thought(expected), plan)


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_a_chat_goes_on_with_what_is_left(form):
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    headers = headers_for(risk, f"gemini-chat-{form}", "teacher-large", form)
    made = client(GRADED["url"], headers)
    chat = made.chats.create(model="teacher-large", config=CONFIG)
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
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    import json
    import urllib.request

    asked = {"contents": [{"parts": [{"text": cells.ONE_STEP}]}], "generationConfig": {
        "thinkingConfig": {"includeThoughts": True}}}
    headers = headers_for(risk, "gemini-fields", "teacher-large", "JSON")
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
    risk = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold") and not risk["plan"].get("refuse"))
    model = "teacher-error-midstream"
    headers = headers_for(risk, "gemini-midstream", model, "stream")
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
    made = client(url, headers)
    chat = made.chats.create(model="teacher-large", config={"max_output_tokens": 4000})
    texts = []
    for question in QUESTIONS:
        if form == "JSON":
            chunks = [chat.send_message(question)]
        else:
            chunks = list(chat.send_message_stream(question))
        texts.append(said(chunks))
    return texts


@pytest.mark.parametrize("form", ["JSON", "stream"])
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

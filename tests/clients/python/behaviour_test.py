"""What the matrix does not reach: limits, duplicates, clients that leave, counting tokens, connections."""

import asyncio
import http.client
import json
import time
import urllib.parse
import urllib.request

import cells
import pytest
from exchange import API_KEY, PATHS, SUITE, async_client, client, exchange, resource, risk_headers, sent

GRADED = next(policy for policy in SUITE["policies"] if policy["name"] == "graded")
SCORES = {risk["name"]: risk["score"] for risk in GRADED["risks"]}
LIMITED = [
    pytest.param(policy, risk, id=f"{policy['name']}, {risk['name']}")
    for policy in SUITE["policies"]
    for risk in policy["risks"]
    if risk["plan"].get("requests")
]
SDKS = pytest.mark.parametrize("sdk", PATHS)
DEADLINE = 10  # seconds


@SDKS
@pytest.mark.parametrize("policy, risk", LIMITED)
def test_over_the_limit_the_client_raises_its_rate_limit_error_and_may_try_again(sdk, policy, risk):
    params = cells.ask(sdk, "teacher-small", "a plain question")
    for _ in range(3 * risk["plan"]["requests"]):
        headers = risk_headers(sdk, risk["score"], f"limited-{sdk}")
        got = exchange(sdk, "JSON", policy["url"], params, headers, retries=0)
        if got["error"]:
            break
    assert (got["error"], got["status"]) == ("RateLimitError", 429)
    assert 1 <= int(got["headers"]["retry-after"]) <= 60
    # The limit passes within a minute, so nothing tells the library to give up for good.
    assert got["headers"]["x-should-retry"] == "true"
    assert got["headers"]["guilloche-decision"] in str(got["body"])
    # Left to itself, the library waits as it is told and gets its answer.
    got = exchange(sdk, "JSON", policy["url"], params, risk_headers(sdk, risk["score"], f"limited-{sdk}"))
    assert got["error"] is None


@SDKS
def test_a_request_that_names_its_model_twice_is_a_bad_request_once_graded(sdk):
    params = json.dumps(cells.ask(sdk, "teacher-large", "a plain question"))
    twice = params.replace("{", '{"model": "teacher-small", ', 1).encode()

    def call(score):
        made, headers = client(sdk, GRADED["url"]), risk_headers(sdk, score, f"twice-{sdk}")
        headers["content-type"] = "application/json"
        sent.requests = 0
        path = PATHS[sdk] if sdk == "anthropic" else PATHS[sdk].removeprefix("/v1")
        return made.post(path, cast_to=object, content=twice, options={"headers": headers})

    assert call(None)
    with pytest.raises(Exception) as raised:
        call(SCORES["grade no-reasoning"])
    assert (type(raised.value).__name__, sent.requests) == ("BadRequestError", 1)


def test_tokens_are_counted_at_every_grade_as_upstream():
    params = cells.ask("anthropic", "teacher-large", "a plain question")
    del params["max_tokens"]
    expected = client("anthropic", SUITE["upstream"]).messages.count_tokens(**params).to_dict()
    for risk in GRADED["risks"]:
        if not risk["plan"].get("refuse"):
            path = "/v1/messages/count_tokens"
            headers = risk_headers("anthropic", risk["score"], "counting", path)
            made = client("anthropic", GRADED["url"])
            assert made.messages.count_tokens(**params, extra_headers=headers).to_dict() == expected


def ends():
    """Of the proxy and of what stands for its upstream: exchanges under way, and those cancelled."""
    counts = []
    for url in SUITE["cancel"]["python"]["metrics"]:
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            values = dict(
                line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#"
            )
        cancelled = values.get('guilloche_stream_ends_total{outcome="cancelled"}', 0)
        counts.append((int(values["guilloche_in_flight"]), int(cancelled)))
    return counts


@SDKS
@pytest.mark.parametrize("form", ["stream", "stream helper", "async stream"])
@pytest.mark.parametrize("risk", ["no risk header", "grade side-channels", "grade no-reasoning", "grade reduced"])
def test_a_client_that_leaves_a_stream_cancels_the_upstream(sdk, form, risk):
    before = ends()
    assert [under_way for under_way, _ in before] == [0, 0]
    url = SUITE["cancel"]["python"]["url"]
    headers = risk_headers(sdk, SCORES[risk], f"leaving-{sdk}-{form}-{risk}".replace(" ", "-"))
    params = cells.ask(sdk, "teacher-large", "a plain question")

    def under_way():
        assert [count for count, _ in ends()] == [1, 1]

    async def leave():
        async with async_client(sdk, url) as made:
            calls = resource(sdk, made)
            async with await calls.create(**params, stream=True, extra_headers=headers) as stream:
                await anext(aiter(stream))
                under_way()

    sent.requests = 0
    if form == "async stream":
        asyncio.run(leave())
    else:
        calls = resource(sdk, client(sdk, url))
        call = calls.stream if form == "stream helper" else calls.create
        stream = {"stream": True} if form == "stream" else {}
        with call(**params, **stream, extra_headers=headers) as stream:
            next(iter(stream))
            under_way()
    wanted = [(0, cancelled + 1) for _, cancelled in before]
    deadline = time.monotonic() + DEADLINE
    while ends() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ends() == wanted


@SDKS
def test_a_refusal_keeps_the_connection_or_says_that_it_closes_it(sdk):
    """Else a client that sends its next request on the connection finds it broken, and tries again.
    The body comes a moment after the head, as these libraries send it."""
    address = urllib.parse.urlsplit(GRADED["url"]).netloc
    body = json.dumps(cells.ask(sdk, "teacher-large", "a plain question")).encode()
    connection = http.client.HTTPConnection(address, timeout=DEADLINE)
    for _ in range(5):
        connection.putrequest("POST", PATHS[sdk])
        headers = risk_headers(sdk, SCORES["grade refused"], f"refused-{sdk}")
        headers |= {"authorization": f"Bearer {API_KEY}", "content-length": str(len(body))}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        time.sleep(0.005)
        connection.send(body)
        with connection.getresponse() as answer:
            assert answer.status == 403
            answer.read()
            if answer.getheader("connection") == "close":
                connection.close()

"""Conversations of four turns with tools, whose reasoning is sealed and carried back by the vendors' libraries.

The upstream is a script that signs what it thinks and writes down what it is sent. Each conversation is held twice,
once with it and once through a proxy that seals: what it is finally sent has to be the same, byte for byte. Only where
the model is switched is the reasoning of the other one left out.
"""

import json

import conversation
import pytest
from conversation import AGENTS, CHANGES, TURNS, Turn, hold
from exchange import PREFIX, SUITE
from scripted import Upstream, upstream
from scripted_blocks import THOUGHTS
from talks import TALKS

named = pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
REPLICAS = SUITE["sealing"]["urls"]


def held(talk, urls, change, form, account):
    """What the client has in its hands in the end, and what the upstream was sent."""
    Upstream.seen.clear()
    try:
        history = hold(lambda turn: talk.ask(turn, form, account), talk.opening, talk.from_disk, urls, change)
    finally:
        conversation.close_sockets()
    return history, list(Upstream.seen)



@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("talk", "form"), [pytest.param(talk, form, id=f"{talk.name}, {form}") for talk in TALKS for form in talk.forms])
def test_the_upstream_is_sent_what_it_would_have_been_sent_unsealed(upstream, talk, change, form):
    account = f"sealed-{talk.name}-{change}-{form}".replace(" ", "-")
    # The upstream has no WebSocket: what comes over one is posted to it by the proxy.
    unsealed = SUITE["sealing"]["unsealed"] if form == "WebSocket" else upstream
    _, direct = held(talk, [unsealed], change, form, account)
    history, through = held(talk, REPLICAS, change, form, account)
    agents = AGENTS.get(change, 1)
    assert len(direct) == len(through) >= TURNS
    # The client had none of it in its hands, but of the last turn, when its score had fallen.
    known = talk.to_disk(history)
    assert known.count(PREFIX) >= agents
    assert not any(json.dumps(thought, ensure_ascii=False)[1:-1] in known for thought in THOUGHTS[:3])
    for number, (mine, theirs) in enumerate(zip(through, direct)):
        kept = [[], [0], [], [0, 1]][number] if change == "model switched" else range(TURNS)
        if set(kept) < set(range(number)):
            theirs = json.loads(theirs)
            talk.left(theirs, kept)
            mine = json.loads(mine)
        assert mine == theirs, number


def test_what_one_agent_has_carries_another_of_its_account(upstream):
    [anthropic] = [talk for talk in TALKS if talk.name == "anthropic"]
    one, _ = held(anthropic, REPLICAS, "nothing", "stream", "shared")
    result = {"type": "tool_result", "tool_use_id": "toolu_0", "content": "17"}
    both = [*one[:2], {"role": "user", "content": [result]}]
    conversation.sent.requests = 0
    anthropic.ask(Turn(1, REPLICAS[1], "model-a", ["calculator"], "Be brief.", 0.9, both), "JSON", "shared")
    assert json.loads(Upstream.seen[-1])["messages"][1]["content"][0]["thinking"] == THOUGHTS[0]


@named
def test_another_account_is_sent_nothing_of_it(upstream, talk):
    history, _ = held(talk, REPLICAS, "nothing", "JSON", f"owner {talk.name}".replace(" ", "-"))
    for score in [0.1, 0.9]:
        conversation.sent.requests = 0
        turn = Turn(1, REPLICAS[0], "model-a", ["calculator"], "Be brief.", score, history[:3])
        talk.ask(turn, "JSON", f"thief {talk.name}".replace(" ", "-"))
        body = Upstream.seen[-1].decode()
        told = json.loads(body)
        talk.left(told, [])
        assert PREFIX not in body and json.loads(body) == told

"""The conversations of the client suites before a real server, whose model reasons in words of one list.

Each is held through a proxy that seals, and then a second time without: what the server answered is played back, so that
the client has the plain reasoning in its hands. What the server was sent has to be the same, byte for byte.
"""

import json
import re

import pytest
from common import ANSWER_WORDS, REASONING_WORDS, words
from conversation import AGENTS, CHANGES, TURNS, ask_chat, ask_messages, ask_responses, hold, opening, resumed
from exchange import PREFIX, SUITE, client, risk_headers, sent
from recorder import Recorder

# So that a word of the answer is soon a call, where one has to come.
CALLS, TALKS = "required", "none"


def choice(turn):
    return CALLS if turn.number < TURNS - 1 else TALKS


def over_chat(turn, form, account):
    return ask_chat(turn, form, account, tool_choice=choice(turn), max_tokens=900, seed=turn.number)


def over_messages(turn, form, account):
    kind = {CALLS: "any", TALKS: "none"}[choice(turn)]
    return ask_messages(turn, form, account, tool_choice={"type": kind})


def over_responses(turn, form, account):
    return ask_responses(turn, form, account, tool_choice=choice(turn))


# Over which each server tells its reasoning apart from its answer; elsewhere it stands in the text, and nothing carries it. Over
# Messages vLLM holds the arguments of a call to no schema, and this model calls with what is no JSON.
APART = {"llama_cpp": [], "ollama": [over_chat], "vllm": [over_chat, over_responses]}.get(SUITE["kind"], [over_chat, over_messages, over_responses])


@pytest.fixture(scope="module")
def server():
    """What stands before the server."""
    recorder = Recorder(SUITE["server"], SUITE["sealing"]["port"])
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def replicas():
    """What stands before the proxies: it has every byte that the client gets."""
    exchanges = []
    recorders = [Recorder(url, exchanges=exchanges) for url in SUITE["sealing"]["urls"]]
    yield recorders
    for recorder in recorders:
        recorder.close()


def kept_only(body, kept):
    """A request with the reasoning of these turns only: strings are emptied, blocks and items are left out."""
    asked = json.loads(body)
    said = [message for message in asked.get("messages", []) if message["role"] == "assistant"]
    for turn, message in enumerate(said):
        for name in {"reasoning", "reasoning_content"} & message.keys() if turn not in kept else ():
            message[name] = ""
        if turn not in kept and isinstance(message.get("content"), list):
            message["content"] = [block for block in message["content"] if block["type"] != "thinking"]
    if "input" in asked:
        thoughts = [item for item in asked["input"] if item.get("type") == "reasoning"]
        asked["input"] = [item for item in asked["input"] if item not in thoughts or thoughts.index(item) in kept]
    return asked


def told(exchanges):
    """Which words of the reasoning stand in answers, beside what is sealed."""
    answers = b"\n".join(exchange.answered for exchange in exchanges)
    return words(re.sub(PREFIX.encode() + rb"[A-Za-z0-9+/=_-]*", b"", answers), REASONING_WORDS)


@pytest.mark.parametrize("form", ["JSON", "stream"])
# What several agents do is nothing to the server: the suites of the clients hold those.
@pytest.mark.parametrize("change", [change for change in CHANGES if change not in AGENTS])
@pytest.mark.parametrize("ask", APART)
def test_the_server_is_sent_what_it_would_have_been_sent_unsealed(server, replicas, ask, change, form):
    account = f"{ask.__name__}-{change}-{form}".replace(" ", "-").replace("_", "-")

    def held(urls):
        return hold(lambda turn: ask(turn, form, account), opening, resumed, urls, change)

    server.replayed = None
    held([replica.url for replica in replicas])
    through, seen = server.taken(), replicas[0].taken()
    assert [exchange.answered for exchange in through + seen if exchange.status != 200] == []
    assert len(through) == len(seen) == TURNS
    server.replayed = list(through)
    held([server.url])
    direct = server.taken()

    # The client had none of it in its hands, but of the last turn, when its score had fallen.
    sealed = seen[: TURNS - 1]
    assert told(sealed) == [] and words(b"".join(it.answered for it in sealed), ANSWER_WORDS)
    assert all(PREFIX.encode() in exchange.answered for exchange in sealed)
    # The server has had all that it would have.
    for turn, (mine, theirs) in enumerate(zip(through, direct, strict=True)):
        assert bool(words(theirs.asked, REASONING_WORDS)) == (turn > 0)
        kept = [[], [0], [], [0, 1]][turn] if change == "model switched" else range(turn)
        if set(kept) < set(range(turn)):
            assert json.loads(mine.asked) == kept_only(theirs.asked, kept), turn
        else:
            assert mine.asked == theirs.asked, turn


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_completions_that_go_on_from_each_other_bring_no_reasoning(server, replicas, form):
    server.replayed = None
    prompt = answers = ""
    for turn in range(TURNS):
        sent.requests = 0
        prompt += "<|user|>9 and 8?<|assistant|><think>"
        headers = risk_headers("openai", 0.9, f"over-completions-{form}", "/v1/completions")
        asked = {"model": "model-a", "prompt": prompt, "max_tokens": 900, "seed": turn, "extra_headers": headers}
        completions = client("openai", replicas[0].url).completions
        if form == "JSON":
            text = completions.create(**asked).choices[0].text
        else:
            text = "".join(part.choices[0].text for part in completions.create(**asked, stream=True) if part.choices)
        through, seen = server.taken(), replicas[0].taken()
        assert json.loads(through[0].asked)["prompt"] == prompt
        assert words(through[0].answered, REASONING_WORDS) and told(seen) == []
        prompt += text + "<|end|>"
        answers += text
    assert words(answers.encode(), ANSWER_WORDS)

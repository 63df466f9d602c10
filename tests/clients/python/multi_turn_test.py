"""Conversations with tools and thinking whose answers are marked, behind an upstream that compares."""

import pytest
from exchange import SUITE, client, risk_headers, sent

CALCULATOR = {
    "name": "calculator",
    "description": "Evaluates an expression",
    "input_schema": {"type": "object", "properties": {"expression": {"type": "string"}}},
}
QUESTIONS = [
    "Maria has 12 apples. She buys 6 more. Then she gives 3 apples to Tom and doubles the number of "
    "apples. She shares all the apples equally among 5 friends. How many apples does each friend get?",
    "A train goes 60 miles per hour for 3 hours. Then it goes 20 miles more. How many miles is that?",
    "Tom has 3 pens. He buys 4 more pens and loses 2 pens. How many pens does he have?",
]


def converse(url, form, account, score):
    """All assistant content of a conversation, as dictionaries; each turn sends all before it."""
    messages, said, sent.requests = [], [], 0
    for number, question in enumerate(QUESTIONS):
        messages.append({"role": "user", "content": question})
        while True:
            asked = {
                "model": "teacher-large",
                "max_tokens": 4096,
                "messages": messages,
                "thinking": {"type": "enabled", "budget_tokens": 2048},
                "tools": [CALCULATOR],
                "tool_choice": {"type": "none" if number else "auto"},
                "extra_headers": risk_headers("anthropic", score, account),
            }
            if form == "JSON":
                answer = client("anthropic", url).messages.create(**asked)
            else:
                with client("anthropic", url).messages.stream(**asked) as stream:
                    answer = stream.get_final_message()
            messages.append({"role": "assistant", "content": answer.content})
            said.extend(block.to_dict() for block in answer.content)
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                break
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": "6"} for call in calls]
            messages.append({"role": "user", "content": results})
    return said


@pytest.mark.parametrize("form", ["JSON", "stream"])
def test_a_conversation_whose_answers_are_restored_goes_on_as_if_they_had_never_been_marked(form):
    expected = converse(SUITE["upstream"], form, "direct", None)
    marked = 0
    for number in range(12):
        got = converse(SUITE["restoring"]["url"], form, f"restoring-{form}-{number}", 0.9)
        texts = [(a, b) for a, b in zip(got, expected, strict=True) if a["type"] == "text"]
        marked += any(a != b for a, b in texts)
        # Thinking is signed over all that stands before it: the upstream saw what it had written.
        others = [(a, b) for a, b in zip(got, expected) if a["type"] != "text"]
        assert all(a == b for a, b in others)
    assert marked, "no word was exchanged"

"""Each policy, and within it each of its grades: what the suites of one protocol each run over."""

import pytest
from exchange import PREFIX, SUITE

GRADED = next(policy for policy in SUITE["policies"] if policy["name"] == "graded")
# Of the graded policy: the first that withholds reasoning.
WITHHELD = next(risk for risk in GRADED["risks"] if risk["plan"].get("withhold"))
FORMS = ["JSON", "stream"]


def cases(of=lambda risk: True):
    """Those risks of each policy, as parameters of a test."""
    named = [
        pytest.param(
            policy, risk, id=f"{policy['name']}, {risk['name']}", marks=[pytest.mark.paced] if risk["plan"].get("paced") else []
        )
        for policy in SUITE["policies"]
        for risk in policy["risks"]
        if of(risk)
    ]
    return pytest.mark.parametrize(("policy", "risk"), named)


every_policy = cases()
every_policy_that_answers = cases(lambda risk: not risk["plan"].get("refuse"))
both_forms = pytest.mark.parametrize("form", FORMS)


def account(suite, policy, risk, form):
    """One of its own for each exchange, so that none meets another's limits."""
    return "-".join([suite, policy["name"], risk["name"], form]).replace(" ", "-")


def is_sealed(text):
    return bool(text) and text.startswith(PREFIX)

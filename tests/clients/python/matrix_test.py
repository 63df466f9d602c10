"""Every cell of the matrix: the client gets what the upstream gives, less what the policy withholds."""

import cells
import pytest
from expectation import admitted, leaked, phrased, reasoning_in, rounded, without_blobs, without_reasoning


@pytest.mark.parametrize("cell", list(cells.cells()), ids=cells.name)
def test_the_client_gets_what_the_upstream_gives_less_what_the_policy_withholds(cell, turns):
    _, risk, _, _, _, model = cell
    plan = risk["plan"]
    if plan.get("refuse"):
        return refused(turns)
    if cells.told_by_the_proxy(cell):
        return cut(cell, turns)
    # Whatever the proxy did to the first turn, the second goes as it would without it.
    assert [got["error"] for _, got, _ in turns] == cells.direct(cell)
    for turn, (params, got, expected) in enumerate(turns):
        for part in ("error", "status", "requests"):
            assert got.get(part) == expected.get(part)
        told = told_in_fixed_words if plan.get("withhold") else lambda body: body
        assert told(got.get("body")) == told(expected.get("body"))
        if got["error"]:
            continue
        if not plan.get("withhold"):
            # The words of a marked answer wait for one another, so that its events are cut otherwise.
            seen = "whole" if plan.get("marked") else "parsed"
            assert phrased(got[seen], plan) == phrased(expected[seen], plan)
            continue
        asked = admitted(params, plan)["model"]
        assert got["whole"]["model"] == asked
        wanted = rounded(without_reasoning(expected["whole"], asked, plan), plan["round_usage"])
        left = without_reasoning(got["whole"], asked, plan)
        if plan["sealed"] and turn:
            # What was opened is counted with the input, and rounded.
            del left["usage"], wanted["usage"]
        assert phrased(left, plan) == phrased(wanted, plan)
        for seen in (got["whole"], got["parsed"]):
            assert reasoning_in(without_blobs(seen), asked, plan) == ""
        reasoning = reasoning_in(expected["whole"], asked, plan)
        # A mark may put the words of the reasoning's next sentence behind the same sum.
        said, thought, answered = (phrased(it, plan) for it in (without_blobs(got["whole"]), reasoning, wanted))
        assert leaked(said, thought, answered) == []


def told_in_fixed_words(body):
    """An error but for its words, which may be the model's."""
    if not isinstance(body, dict):
        return body
    return {name: told_in_fixed_words(item) for name, item in body.items() if name != "message"}


def refused(turns):
    [(_, got, _)] = turns
    assert (got["error"], got["status"], got["requests"]) == ("PermissionDeniedError", 403, 1)
    assert got["headers"]["guilloche-decision"] in str(got["body"])


def cut(cell, turns):
    [(_, got, expected)] = turns
    assert cells.direct(cell) == ["RemoteProtocolError"]
    assert got["error"] == {"openai": "APIError", "anthropic": "APIStatusError"}[cell[2]]
    assert got["requests"] == expected["requests"]


@pytest.mark.parametrize("form", cells.FORMS)
@pytest.mark.parametrize("sdk, dialect", [*(("openai", d) for d in cells.DIALECTS), ("anthropic", "")])
def test_without_the_proxy_the_client_gets_reasoning(sdk, dialect, form):
    """Otherwise the absence of reasoning would show nothing."""
    model = f"teacher-large{dialect}"
    got = cells.upstream(sdk, form, cells.ask(sdk, model, "a plain question"))
    # This library's helper knows no content in parts, and drops them.
    if (dialect, form) != (":mistral", "stream helper"):
        assert got["error"] is None
        assert len(reasoning_in(got["whole"], model, {"opened_by_template": [model]}).split()) > 20

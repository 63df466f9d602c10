"""Starts every exchange of the tests that are to run, so that the waits of paced ones overlap."""

import cells
import pytest

under_way = {}


def pytest_collection_finish(session):
    for item in session.items:
        cell = getattr(item, "callspec", None) and item.callspec.params.get("cell")
        if cell:
            under_way[cells.name(cell)] = cells.start(cell)


@pytest.fixture
def turns(cell):
    return under_way[cells.name(cell)].result()


counts = {}


def pytest_terminal_summary(terminalreporter):
    for kind, outcomes in {"passed": ["passed"], "failed": ["failed", "error"]}.items():
        counts[kind] = sum(len(terminalreporter.stats.get(outcome, [])) for outcome in outcomes)


def pytest_unconfigure():
    print(f"python: {counts.get('passed', 0)} passed, {counts.get('failed', 0)} failed")

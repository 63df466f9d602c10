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


def pytest_terminal_summary(terminalreporter):
    passed, failed = (
        sum(len(terminalreporter.stats.get(kind, [])) for kind in kinds)
        for kinds in (["passed"], ["failed", "error"])
    )
    terminalreporter.write_line(f"python: {passed} passed, {failed} failed")

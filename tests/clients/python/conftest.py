"""Starts every exchange of the tests that are to run, so that the waits of paced ones overlap, and of the suites of one
protocol each every test whose policy paces."""

import cells
import pytest

under_way = {}


def pytest_collection_finish(session):
    for item in session.items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if cell := params.get("cell"):
            under_way[cells.name(cell)] = cells.start(cell)
        elif item.get_closest_marker("paced"):
            under_way[item.nodeid] = cells.pool.submit(item.obj, **params)


def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem.nodeid in under_way:
        under_way[pyfuncitem.nodeid].result()
        return True


@pytest.fixture
def turns(cell):
    return under_way[cells.name(cell)].result()


counts = {}


def pytest_terminal_summary(terminalreporter):
    for kind, outcomes in {"passed": ["passed"], "failed": ["failed", "error"]}.items():
        counts[kind] = sum(len(terminalreporter.stats.get(outcome, [])) for outcome in outcomes)


def pytest_unconfigure():
    print(f"python: {counts.get('passed', 0)} passed, {counts.get('failed', 0)} failed")

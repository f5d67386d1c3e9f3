# SPDX-License-Identifier: GPL-3.0-or-later
"""The crash sweep: a run may die, or lose a reply, at any request; running again always ends where it should have."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from difflib import unified_diff

import pytest

from tests.lab.sweep import engine
from tests.lab.sweep.engine import Trace
from tests.lab.sweep.scenarios import SCENARIOS
from tests.lab.sweep.site import JSON, Site
from tests.lab.sweep.tap import AFTER, BEFORE


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed(
    name: str, site: Site, pool: ProcessPoolExecutor, record_property: Callable[[str, object], None]
) -> None:
    """Killed at every request, before it reached the server and after the server has answered."""
    calm = _calm(site, name, pool)
    positions = [(number, when) for number in range(1, len(calm.requests) + 1) for when in (BEFORE, AFTER)]
    running = {
        (number, when): pool.submit(
            engine.killed, _numbered(site, f"{number}{when[0]}"), name, calm.requests, number, when
        )
        for number, when in positions
    }
    traces = {position: future.result(timeout=150) for position, future in running.items()}
    wrong = [
        f"killed {when} request {number}, {calm.requests[number - 1]}: {found}"
        for (number, when), trace in traces.items()
        if (found := _difference(trace, calm))
    ]
    assert not wrong, "\n\n".join(wrong)
    assert len(traces) == 2 * len(calm.requests) > 0
    record_property("positions", len(traces))


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if scenario.changes])
def test_lost(name: str, site: Site, pool: ProcessPoolExecutor, record_property: Callable[[str, object], None]) -> None:
    """The connection breaks at every write, before it was carried out and after that; the same run copes or says so."""
    calm = _calm(site, name, pool)
    writes = [number for number, request in enumerate(calm.requests, 1) if engine.is_write(request)]
    running = {
        (number, when): pool.submit(
            engine.lost, _numbered(site, f"{number}{when[0]}"), name, calm.requests, number, when
        )
        for number in writes
        for when in (BEFORE, AFTER)
    }
    traces = {position: future.result(timeout=150) for position, future in running.items()}
    wrong = [
        f"lost {when} request {number}, {calm.requests[number - 1]}: {found}"
        for (number, when), trace in traces.items()
        if (found := _difference(trace, calm) or _silence(trace))
    ]
    assert not wrong, "\n\n".join(wrong)
    assert len(traces) == 2 * len(writes) > 0
    record_property("positions", len(traces))


def _calm(site: Site, name: str, pool: ProcessPoolExecutor) -> Trace:
    trace = pool.submit(engine.undisturbed, _numbered(site, "0"), name).result(timeout=150)
    assert not trace.error and trace.changed == SCENARIOS[name].changes, trace.error
    return trace


def _numbered(site: Site, suffix: str) -> Site:
    return dataclasses.replace(site, project=f"{site.project}-{suffix}")


def _difference(trace: Trace, calm: Trace) -> str:
    """How a disturbed run with what followed differs from an undisturbed one; empty when it does not."""
    if trace.error:
        return trace.error
    if trace.operations != calm.operations:
        return f"operations {dict(trace.operations)}, undisturbed {dict(calm.operations)}"
    return "\n".join(unified_diff(_lines(calm.state), _lines(trace.state), "undisturbed", "disturbed", lineterm=""))


def _silence(trace: Trace) -> str:
    return "it changed something and did not say so" if trace.finished and not trace.changed else ""


def _lines(state: JSON) -> list[str]:
    return json.dumps(state, indent=1, sort_keys=True).splitlines()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a scenario undisturbed, killed at one request, or with one reply lost; works in a process of a pool."""

from __future__ import annotations

import dataclasses
import os
import signal
import traceback
from collections import Counter
from dataclasses import dataclass, field

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

from tests.lab.sweep.scenarios import SCENARIOS, Scenario
from tests.lab.sweep.site import JSON, Call, Site
from tests.lab.sweep.tap import tapped

_TRIES = 3
"""Where an operation of the service's own has to be met, a machine under load may miss it; then it is tried again."""


@dataclass
class Trace:
    """What came of it.

    Attributes:
        requests: ``METHOD path`` of the run's requests, in order.
        state: all clusters, firewall rules and what runs in the clusters at the end.
        operations: how many of each type were begun, those of the preparation too.
        error: why the run failed, or what is wrong with the trace itself.
        finished: whether the disturbed run came to its own end.
        changed: what it reported then.
    """

    requests: list[str] = field(default_factory=list)
    state: JSON = field(default_factory=dict)
    operations: Counter[str] = field(default_factory=Counter)
    error: str = ""
    finished: bool = False
    changed: bool = False


def undisturbed(site: Site, name: str) -> Trace:
    """The run as it should be."""
    scenario, trace = SCENARIOS[name], Trace()
    scenario.before(site)
    result = _followed(site, scenario.call, trace)
    trace.finished, trace.changed = True, bool(result["changed"])
    if scenario.again:
        site.run(scenario.again)
    return _ended(site, scenario, trace)


def killed(site: Site, name: str, expected: list[str], position: int, when: str) -> Trace:
    """The run killed at one of the expected requests, and then the run again."""
    for number in range(_TRIES):
        trace = _killed(_numbered(site, number), SCENARIOS[name], position, when)
        if trace.requests[-1:] == expected[position - 1 : position] and not trace.finished:
            break
    else:
        trace.error = trace.error or f"request {position} was {trace.requests[-1:]}, not {expected[position - 1]}"
    return trace


def lost(site: Site, name: str, expected: list[str], position: int, when: str) -> Trace:
    """The run whose request of that position, or the reply to it, is lost; and the run again if it failed."""
    for number in range(_TRIES):
        trace, struck = _lost(_numbered(site, number), SCENARIOS[name], expected[:position], when)
        if struck:
            break
    else:
        trace.error = trace.error or "nothing was lost"
    return trace


def _killed(site: Site, scenario: Scenario, position: int, when: str) -> Trace:
    scenario.before(site)
    trace = _run_in_child(site, scenario.call, position, when)
    if not trace.error:
        site.run(scenario.repeat)
    return _ended(site, scenario, trace)


def _lost(site: Site, scenario: Scenario, expected: list[str], when: str) -> tuple[Trace, bool]:
    """The trace of losing the last of the expected requests, and whether it was lost indeed."""
    trace = Trace()
    scenario.before(site)
    method, path = expected[-1].split()
    struck = site.lose(when, method, path, expected.count(expected[-1]))
    try:
        result = _followed(site, scenario.call, trace)
        trace.finished, trace.changed = True, bool(result["changed"])
    except MeshError as error:
        trace.error = "" if "\n" not in str(error) else f"more than a line: {error}"
    if scenario.again or not trace.finished:
        site.run(scenario.repeat)
    happened = struck()
    return _ended(site, scenario, trace), happened


def _numbered(site: Site, number: int) -> Site:
    """A project of its own for each try."""
    return dataclasses.replace(site, project=f"{site.project}-{number}")


def _run_in_child(site: Site, call: Call, position: int, when: str) -> Trace:
    """Let a child do the run and die of it; it tells its requests through a pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _die_running(site, call, position, when, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    trace = Trace([site.plain(line) for line in lines])
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return trace
    trace.finished = os.waitstatus_to_exitcode(status) == 0
    if not trace.finished:
        trace.error = "\n".join(lines)
    return trace


def _die_running(site: Site, call: Call, position: int, when: str, writing: int) -> None:
    """The child's whole life."""
    try:
        with tapped(lambda *request: _tell(writing, " ".join(request)), position=position, when=when):
            site.run(call)
        os._exit(0)
    except BaseException:
        _tell(writing, traceback.format_exc())
        os._exit(1)


def _tell(writing: int, line: str) -> None:
    os.write(writing, f"{line}\n".encode())


def _followed(site: Site, call: Call, trace: Trace) -> JSON:
    """The run's result; its requests go into the trace."""
    with tapped(lambda method, path: trace.requests.append(f"{method} {site.plain(path)}")):
        return site.run(call)


def _ended(site: Site, scenario: Scenario, trace: Trace) -> Trace:
    """Note how things stand; one more run must find nothing to do."""
    trace.state, trace.operations = site.state(), site.operations()
    if not trace.error:
        spare = Trace()
        settled = _followed(site, scenario.repeat, spare)
        if settled["changed"] or any(is_write(request) for request in spare.requests):
            trace.error = f"a further run still changes something: {settled['changes']}"
    site.clear()
    return trace


def is_write(request: str) -> bool:
    """Whether a request of a trace changes something; waiting for an operation and asking for rights are POSTs too."""
    return not request.startswith("GET ") and not request.endswith(("/wait", "/token", "/selfsubjectaccessreviews"))

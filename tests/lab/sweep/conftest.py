# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon with short operations, and processes to sweep with; the summary tells how many positions were swept."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
from google.auth.transport.requests import Request

from tests.lab.emulator.emulator import Emulator
from tests.lab.sweep.kube_server import KubeServer, kube_server
from tests.lab.sweep.site import Site

AT_ONCE = 8
"""Positions at a time: a run mostly waits."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("sweep") / "home", operation_seconds=0.02)
    emulator.start()
    yield emulator
    emulator.end()


@pytest.fixture(scope="session")
def token(cloud: Emulator) -> str:
    """For the tests' own requests."""
    credentials = cloud.credentials()
    credentials.refresh(Request())
    return str(credentials.token)


@pytest.fixture(scope="session")
def kube() -> Iterator[KubeServer]:
    """The clusters' own API servers."""
    with kube_server() as running:
        yield running


@pytest.fixture
def site(cloud: Emulator, token: str, kube: KubeServer, request: pytest.FixtureRequest) -> Site:
    """A project named as the test; positions add their number."""
    name = request.node.name.replace("[", "-").replace("]", "").replace("_", "-").removeprefix("test-")
    return Site(cloud.url, str(cloud.key_file), token, name, kube.url)


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes without threads, which may fork."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.lab.sweep.engine"])
    with ProcessPoolExecutor(AT_ONCE, mp_context=context) as executor:
        yield executor


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many positions each sweep had."""
    total = 0
    for report in terminalreporter.stats.get("passed", []):
        for name, value in getattr(report, "user_properties", []):
            if name == "positions":
                total += value
                terminalreporter.write_line(f"{value:5} positions  {report.nodeid.split('::')[-1]}")
    if total:
        terminalreporter.write_line(f"{total:5} positions swept")

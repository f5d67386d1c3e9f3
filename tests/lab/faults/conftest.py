# SPDX-License-Identifier: GPL-3.0-or-later
"""One daemon for all tests of this folder; each test has a project of its own and a clock that runs fast."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import session
from google.auth.transport.requests import AuthorizedSession

from tests.lab.emulator.conftest import nothing_leaves as nothing_leaves
from tests.lab.emulator.emulator import Emulator
from tests.lab.faults.cloud import Cloud, FastClock


@pytest.fixture(scope="session")
def fault_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("faults") / "home", operation_seconds=0.03)
    emulator.start()
    yield emulator
    emulator.end()


@pytest.fixture(scope="session")
def others(fault_emulator: Emulator) -> AuthorizedSession:
    """The log-in of whoever else is at work."""
    return fault_emulator.session()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FastClock:
    fast = FastClock()
    monkeypatch.setattr(session, "Clock", lambda: fast.clock)
    return fast


@pytest.fixture
def cloud(
    fault_emulator: Emulator, others: AuthorizedSession, clock: FastClock, request: pytest.FixtureRequest
) -> Iterator[Cloud]:
    """A project without clusters and faults."""
    number = request.session.items.index(request.node)
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())
    yield Cloud(fault_emulator, f"p{number}-{name}"[:30].rstrip("-"), clock, others)
    fault_emulator.lab("DELETE", "faults")

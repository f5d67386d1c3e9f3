# SPDX-License-Identifier: GPL-3.0-or-later
"""One daemon for all tests of this folder; each test has a project of its own and a clock that runs fast."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth, session

from tests.lab.emulator.emulator import Emulator
from tests.lab.faults.cloud import Cloud, FastClock


@pytest.fixture(scope="session")
def fault_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("faults") / "home", operation_seconds=0.03)
    emulator.start()
    yield emulator
    emulator.end()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FastClock:
    fast = FastClock()
    monkeypatch.setattr(session, "Clock", lambda: fast.clock)
    return fast


@pytest.fixture
def cloud(
    fault_emulator: Emulator, clock: FastClock, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    """A project without clusters, faults or log-ins."""
    monkeypatch.setattr(auth, "_LOGINS", {})
    number = request.session.items.index(request.node)
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())
    yield Cloud(fault_emulator, f"p{number}-{name}"[:30].rstrip("-"), clock)
    fault_emulator.lab("DELETE", "faults")

# SPDX-License-Identifier: GPL-3.0-or-later
"""One daemon for all tests of this folder; each test has a project of its own."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest

from tests.lab.emulator.emulator import Emulator, Rest


@pytest.fixture(scope="session", autouse=True)
def nothing_leaves() -> Iterator[None]:
    """google-auth asks Google itself, in the background, where an account may be used; here that ends on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        yield


@pytest.fixture(scope="session")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("lab") / "home", operation_seconds=0.02)
    emulator.start()
    yield emulator
    emulator.end()


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Iterator[Emulator]:
    """The shared daemon, without faults."""
    yield shared_emulator
    shared_emulator.lab("DELETE", "faults")


@pytest.fixture
def own_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A daemon for this test alone, which may end it."""
    emulator = Emulator(tmp_path_factory.mktemp("lab") / "home", operation_seconds=0.02)
    emulator.start()
    yield emulator
    if emulator.process is not None and emulator.process.poll() is None:
        emulator.end(signal.SIGKILL)


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """A project that nobody else uses."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50]


@pytest.fixture
def rest(emulator: Emulator, project: str) -> Rest:
    return Rest(emulator, project)

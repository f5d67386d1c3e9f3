# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of our own Go programs, run from here so that one command runs everything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gkelab import paths
from gkelab.build.golang import find_go, required_version
from gkelab.build.programs import environment
from gkelab.build.progress import Progress
from gkelab.build.recipe import BOOKINFO, GO_MODULES, PAUSE
from gkelab.build.store import locked


@pytest.fixture(scope="module")
def go() -> Path:
    with locked(paths.cache(), lambda: None):
        return find_go(paths.cache(), required_version(paths.GO_SOURCES, GO_MODULES), Progress())


@pytest.mark.parametrize("module", [BOOKINFO.name, PAUSE.name])
def test_go(go: Path, module: str) -> None:
    for action in ("vet", "test"):
        command = [str(go), action, "./..."]
        result = subprocess.run(
            command, cwd=paths.GO_SOURCES / module, env=environment(), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr

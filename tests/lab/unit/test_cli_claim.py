# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab with clusters a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from gkelab.cli.claim import MachineClaim
from gkelab.cli.errors import CommandError


@pytest.fixture
def claim(tmp_path: Path) -> MachineClaim:
    (tmp_path / "router").touch()
    return MachineClaim(tmp_path / "record", tmp_path / "router")


def test_another_home_is_refused_and_the_owner_named(claim: MachineClaim, tmp_path: Path) -> None:
    claim.take(tmp_path / "a")
    claim.take(tmp_path / "a")
    with pytest.raises(CommandError, match=f"GKELAB_HOME={tmp_path / 'a'} gkelab down"):
        claim.take(tmp_path / "b")
    assert claim.owner() == tmp_path / "a"


def test_released_machine_is_free(claim: MachineClaim, tmp_path: Path) -> None:
    claim.take(tmp_path / "a")
    claim.release(tmp_path / "b")
    assert claim.owner() == tmp_path / "a"
    claim.release(tmp_path / "a")
    assert claim.owner() is None
    claim.take(tmp_path / "b")


def test_record_without_network_and_daemon_is_void(claim: MachineClaim, tmp_path: Path) -> None:
    claim.take(tmp_path / "a")
    (tmp_path / "router").unlink()
    assert claim.owner() is None
    claim.take(tmp_path / "b")

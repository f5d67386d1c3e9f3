# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels are fetched by pip, from a local folder here, and only with the pinned digest."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from gkelab.build.errors import BuildError
from gkelab.build.recipe import Wheel
from gkelab.build.wheels import unpack


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that pip finds without a network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "gkelab_probe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        program = zipfile.ZipInfo("probe/_bin/probe")
        program.external_attr = 0o100755 << 16
        wheel.writestr(program, "#!/bin/sh\n")
        metadata = "gkelab_probe-1.0.dist-info"
        wheel.writestr(f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: gkelab-probe\nVersion: 1.0\n")
        wheel.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{metadata}/RECORD", "")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def test_program_is_unpacked_and_may_be_run(archive: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    folder = tmp_path / "out"
    folder.mkdir()
    unpack(Wheel("gkelab-probe", "1.0", (("amd64", sha256),)), "amd64", folder)
    assert (folder / "probe" / "_bin" / "probe").stat().st_mode & 0o111 == 0o111
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "wheels"]


def test_other_bytes_are_refused(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(BuildError, match=r"^Failed to download gkelab-probe 1\.0: "):
        unpack(Wheel("gkelab-probe", "1.0", (("amd64", "0" * 64),)), "amd64", folder)
    assert list(folder.iterdir()) == []


def test_machine_without_a_wheel_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="has no build for arm64"):
        unpack(Wheel("gkelab-probe", "1.0", (("amd64", "0" * 64),)), "arm64", tmp_path)

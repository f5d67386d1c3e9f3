# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's messages as data: read from the library once, from the cache after that."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import api_model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "mcistio.gke"


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on reading the library is an error."""

    def refuse() -> dict[str, Any]:
        raise AssertionError("the library was read")

    monkeypatch.setattr(api_model, "_from_library", refuse)


def test_the_second_time_needs_no_library(folder: Path, request: pytest.FixtureRequest) -> None:
    first = api_model.load()
    request.getfixturevalue("no_library")
    second = api_model.load()
    assert first.message("Cluster") == second.message("Cluster")
    assert second.message("Cluster")["releaseChannel"] == api_model.Field(
        "release_channel", "releaseChannel", "message", "ReleaseChannel"
    )
    assert second.message("Cluster")["resourceLabels"].of == "string "
    assert "REGULAR" in second.enum(second.message("ReleaseChannel")["channel"].of)


def test_the_cache_is_one_whole_file_for_its_owner(folder: Path) -> None:
    api_model.load()
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert set(json.loads(file.read_text())) == {"messages", "enums"}


def test_a_broken_cache_is_written_anew(folder: Path) -> None:
    api_model.load()
    (file,) = folder.iterdir()
    file.write_text("{")
    assert api_model.load().message("NodePool")
    assert json.loads(file.read_text())


def test_another_version_has_a_cache_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    api_model.load()
    other = tmp_path / "cluster_service.py"
    other.write_text("another version")
    monkeypatch.setattr(api_model, "_source", lambda: other)
    api_model.load()
    assert len(list(folder.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_the_way))
    assert api_model.load().message("Cluster")


def test_a_write_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_from: str, _to: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert api_model.load().message("Cluster")
    assert not list(folder.iterdir())


def test_a_missing_library_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ImportError, match=r"google\.cloud\.container_v1"):
        api_model.load()

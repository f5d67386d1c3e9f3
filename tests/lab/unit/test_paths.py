# SPDX-License-Identifier: GPL-3.0-or-later
"""Where home and cache lie for the usual settings of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from gkelab import paths


@pytest.mark.parametrize(
    ("environ", "home", "cache"),
    [
        ({"GKELAB_HOME": "/a", "GKELAB_CACHE": "/b", "XDG_STATE_HOME": "/x", "XDG_CACHE_HOME": "/y"}, "/a", "/b"),
        ({"XDG_STATE_HOME": "/x", "XDG_CACHE_HOME": "/y"}, "/x/gkelab", "/y/gkelab"),
        ({}, "~/.local/state/gkelab", "~/.cache/gkelab"),
        ({"GKELAB_HOME": "", "XDG_STATE_HOME": "", "XDG_CACHE_HOME": ""}, "~/.local/state/gkelab", "~/.cache/gkelab"),
        # The XDG specification: a relative path is to be ignored.
        ({"XDG_STATE_HOME": "x", "XDG_CACHE_HOME": "y"}, "~/.local/state/gkelab", "~/.cache/gkelab"),
    ],
)
def test_folders(environ: dict[str, str], home: str, cache: str) -> None:
    assert paths.home(environ) == Path(home).expanduser()
    assert paths.cache(environ) == Path(cache).expanduser()


def test_relative_home_does_not_depend_on_later_changes_of_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.home({"GKELAB_HOME": "lab"}) == tmp_path / "lab"


def test_go_sources_are_those_of_this_checkout() -> None:
    assert (paths.GO_SOURCES / "kube" / "go.mod").is_file()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-test gets to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import sanity


@pytest.mark.parametrize("name", ["plugins/modules/a.py", "galaxy.yml", "tests/config.yml", "roles/a/tasks/main.yml"])
def test_what_ships_is_looked_at(name: str) -> None:
    assert sanity.is_shipped(Path(name))


@pytest.mark.parametrize("name", ["lab/gkelab/cli.py", "tests/unit/test_x.py", "Makefile", "plugins.py"])
def test_the_rest_is_not(name: str) -> None:
    assert not sanity.is_shipped(Path(name))


def test_shims_give_way_to_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "versions" / "3.13.0" / "bin"
    real.mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert sanity.search_path(f"/venv/bin:{tmp_path}/shims:/usr/bin") == f"/venv/bin:/usr/bin:{real}"


def test_the_home_holds_the_stand_in_and_the_persons_pip_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, home = tmp_path / "person", tmp_path / "home"
    (person / ".config" / "pip").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(person))
    sanity.make_home(home)
    sanity.make_home(home)
    assert (home / ".ansible" / "test" / "cache" / "get_pip_25_2.py").exists()
    assert (home / ".config" / "pip").samefile(person / ".config" / "pip")

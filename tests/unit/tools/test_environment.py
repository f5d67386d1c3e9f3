# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a Python and making the environment once, without making a real one."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.tools import environment

Install = Callable[[str], Path]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A machine on which the only Pythons are those that the returned function installs, by path under its root."""
    for name in ("GKE_MESH_PYTHON", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("GKE_MESH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(environment, "SYSTEM_FOLDERS", (tmp_path / "usr" / "bin",))

    def install(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        version = path.name.removeprefix("python")
        path.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return install


def test_the_best_version_wins_wherever_it_lies(alone: Install) -> None:
    alone("bin/python3.11")
    older = alone("bin/python3.12")
    best = alone("pyenv/versions/3.13.0/bin/python3.13")
    newest = alone("usr/bin/python3.14")
    assert list(environment.candidates()) == [best, older, newest]


def test_pyenvs_shims_are_no_interpreters(alone: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone("shims/python3.13")
    real = alone("bin/python3.13")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "shims"), str(tmp_path / "bin")]))
    assert list(environment.candidates()) == [real]


def test_a_virtual_environments_python_stands_for_the_one_it_was_made_with(alone: Install, tmp_path: Path) -> None:
    real = alone("usr/bin/python3.13")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.13").symlink_to(real)
    assert list(environment.candidates()) == [real]


def test_no_fit_python_is_one_line(alone: Install, capsys: pytest.CaptureFixture[str]) -> None:
    alone("bin/python3.11")
    assert environment.main(["run", "true"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("No fit Python found: the project needs one of 3.13, 3.12, 3.14")
    assert said.count("\n") == 1


def test_a_python_that_was_asked_for_is_taken_or_named(
    alone: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone("bin/python3.13")
    monkeypatch.setenv("GKE_MESH_PYTHON", "/nowhere/python3.13")
    assert environment.main(["run", "true"]) == 1
    assert "GKE_MESH_PYTHON=/nowhere/python3.13" in capsys.readouterr().err


def test_a_broken_python_is_passed_over(alone: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    alone("bin/python3.13").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    fit = alone("bin/python3.12")
    used: list[Path] = []
    monkeypatch.setattr(environment, "_make", lambda python, env: used.append(python))
    environment.ensure()
    assert used == [fit]


def test_it_is_made_once(alone: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    alone("bin/python3.13")
    made: list[Path] = []

    def make(_python: Path, env: Path) -> None:
        made.append(env)
        (env / "complete").touch()

    monkeypatch.setattr(environment, "_make", make)
    assert environment.ensure() == environment.ensure()
    assert len(made) == 1


def test_a_half_made_one_is_made_anew(alone: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    python = alone("bin/python3.13")
    env = environment.cache() / f"env-{environment.key(python)}"
    (env / "venv").mkdir(parents=True)
    (env / "venv" / "left-by-a-killed-call").touch()
    found: list[list[str]] = []
    monkeypatch.setattr(environment, "_make", lambda _python, env: found.append(os.listdir(env)))
    environment.ensure()
    assert found == [[]]


def test_a_failed_installation_is_not_taken_for_whole(alone: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    alone("bin/python3.13")

    def fail(doing: str, _command: object) -> None:
        raise environment.EnvironmentFailure(f"Failed to {doing}: exit 1.")

    monkeypatch.setattr(environment, "_make_venv", lambda _python, venv: venv.mkdir())
    monkeypatch.setattr(environment, "_call", fail)
    with pytest.raises(environment.EnvironmentFailure, match="install the pinned Python packages"):
        environment.ensure()
    assert not list(environment.cache().glob("env-*/complete"))


def test_the_key_changes_with_the_requirements(alone: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = alone("bin/python3.13")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    (tmp_path / "all.txt").write_text("one==1\n", encoding="utf-8")
    before = environment.key(python)
    (tmp_path / "all.txt").write_text("one==2\n", encoding="utf-8")
    assert environment.key(python) != before


def test_the_peers_collection_is_unpacked_once_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def download(doing: str, command: Sequence[str | Path]) -> None:
        calls.append(doing)
        folder = Path(command[list(command).index("-d") + 1])
        with zipfile.ZipFile(folder / "ansible-1-py3-none-any.whl", "w") as wheel:
            for name in ("google/cloud/plugins/a.py", "google/other/b.py", "kubernetes/core/c.py"):
                wheel.writestr(f"ansible_collections/{name}", "")

    monkeypatch.setattr(environment, "_call", download)
    found = environment.peers(tmp_path)
    assert environment.peers(tmp_path) == found
    assert calls == ["download the ansible wheel"]
    assert [path.name for path in found.rglob("*.py")] == ["a.py"]


def test_a_failed_download_leaves_no_half_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(doing: str, _command: object) -> None:
        raise environment.EnvironmentFailure(f"Failed to {doing}: exit 1.")

    monkeypatch.setattr(environment, "_call", fail)
    with pytest.raises(environment.EnvironmentFailure, match="download"):
        environment.peers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["peers.lock"]


def test_the_tree_leads_to_this_checkout(tmp_path: Path) -> None:
    here = environment.tree(tmp_path)
    assert (here / "ansible_collections" / "mcistio" / "gke").samefile(environment.CHECKOUT)
    assert environment.tree(tmp_path) == here
    assert os.access(here / "bin" / "gkelab", os.X_OK)


@pytest.mark.parametrize(("locale", "added"), [("C", True), ("", True), ("en_GB.UTF-8", False), ("C.utf8", False)])
def test_ansible_gets_a_locale_that_it_starts_in(tmp_path: Path, locale: str, added: bool) -> None:
    found = environment.variables(tmp_path, {"LANG": locale, "PATH": "/usr/bin"})
    assert ("LC_ALL" in found) == added


def test_variables_are_the_same_inside_the_environment(tmp_path: Path) -> None:
    once = environment.variables(tmp_path, {"PATH": "/usr/bin", "LANG": "C"})
    assert environment.variables(tmp_path, once) == {name: value for name, value in once.items() if name != "LC_ALL"}


def test_a_shell_can_evaluate_the_exports() -> None:
    command = ["sh", "-c", 'eval "$(tests/tools/run python tests/tools/environment.py exports)" && command -v gkelab']
    done = subprocess.run(command, cwd=environment.CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("/bin/gkelab")


def test_a_python_without_venv_is_told_what_to_install(alone: Install, capsys: pytest.CaptureFixture[str]) -> None:
    split = '#!/bin/sh\ncase "$1" in -m) exit 1 ;; esac\necho 3.13\n'
    alone("bin/python3.13").write_text(split, encoding="utf-8")
    assert environment.main(["run", "true"]) == 1
    assert "on Debian: python3.13-venv" in capsys.readouterr().err.splitlines()[-1]

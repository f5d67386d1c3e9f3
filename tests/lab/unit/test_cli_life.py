# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a lab without clusters, with the real daemon: up, healed, killed, hung, down."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gkelab.cli import claim, down, leftovers, main, up
from gkelab.cli.process import DaemonProcess

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Homes that a sweep was made for; the machine itself is not touched."""
    homes: list[Path] = []

    def sweep(home: Path) -> list[str]:
        homes.append(home)
        return []

    monkeypatch.setattr(leftovers, "sweep", sweep)
    return homes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swept: list[Path]) -> Iterator[Path]:
    home = tmp_path / "home"
    monkeypatch.setenv("GKELAB_HOME", str(home))
    record = claim.MachineClaim(tmp_path / "record", tmp_path / "router")
    monkeypatch.setattr(down, "MachineClaim", lambda: record)
    monkeypatch.setattr(up, "MachineClaim", lambda: record)
    yield home
    DaemonProcess(home).kill()


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; gives exit code, output, errors and progress."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def _pid(home: Path) -> int:
    return int((home / "daemon.pid").read_text())


def test_life(run: Run, home: Path, port: int, swept: list[Path]) -> None:
    code, _, told = run("up", "--depth", "api", "--port", str(port), "--operation-seconds", "0")
    assert code == 0, told
    assert f"http://127.0.0.1:{port} (depth api, project lab-project)" in told
    assert (home / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((home / "credentials.json").read_text())["token_uri"] == f"http://127.0.0.1:{port}/token"
    assert json.loads(run("status", "--json")[1])["depth"] == "api"
    first = _pid(home)

    assert "was up already" in run("up")[2]
    assert _pid(home) == first
    for option, value in (("--depth", "full"), ("--port", "1"), ("--operation-seconds", "9")):
        code, _, told = run("up", option, value)
        assert code == 1
        assert told.count("\n") == 1
        assert "`gkelab down` first" in told

    os.kill(first, signal.SIGKILL)
    assert DaemonProcess(home).wait_ended(10)
    code, told, _ = run("status")
    assert (code, told) == (1, "The lab's daemon has ended; `gkelab up` heals the lab, `gkelab down` takes it away\n")
    assert json.loads(run("status", "--json")[1])["up"] is False
    assert run("up")[0] == 0
    assert run("status")[0] == 0

    code, added, _ = run("fault", "add", "--path", "clusters", "--delay", "1")
    assert code == 0
    assert json.loads(added)["action"] == {"delay": 1.0}
    assert "clusters" in run("fault", "list")[1]
    run("fault", "clear")
    assert run("fault", "list")[1] == "No faults\n"

    assert run("down")[0] == 0
    assert not DaemonProcess(home).running()
    assert [path.name for path in home.iterdir()] == ["logs"]
    # There were no clusters to sweep.
    assert swept == []
    assert run("down") == (0, "", "No lab was up\n")


def test_hung_daemon_is_replaced_by_up(run: Run, home: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run("up", "--depth", "api", "--port", str(port))
    hung = _pid(home)
    os.kill(hung, signal.SIGSTOP)
    monkeypatch.setattr(up, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(up, "_CALL_SECONDS", 0.2)
    code, _, told = run("up")
    assert code == 0, told
    assert "hung and was ended" in told
    assert _pid(home) != hung


def test_down_ends_a_hung_daemon(run: Run, home: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run("up", "--depth", "api", "--port", str(port))
    os.kill(_pid(home), signal.SIGSTOP)
    monkeypatch.setattr(down, "_STOP_SECONDS", 0.2)
    assert run("down")[0] == 0
    assert not DaemonProcess(home).running()


def test_daemon_that_cannot_start_says_why(run: Run, home: Path, port: int) -> None:
    home.mkdir()
    (home / "state.db").write_text("this is no database, and long enough to be taken for a damaged one" * 20)
    code, _, told = run("up", "--depth", "api", "--port", str(port))
    assert code == 1
    line = told.splitlines()[-1]
    assert line.startswith("gkelab: The lab did not start: ")
    assert "Traceback" not in told
    assert run("down")[0] == 0


def test_taken_port(run: Run, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, told = run("up", "--depth", "api", "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert told.count("\n") == 1
    assert "--port" in told
    assert not (home / "config.json").exists()


def test_damaged_config_is_named_and_taken_away_by_down(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "config.json").write_text("{")
    (home / "notes.txt").write_text("the user's own")
    code, _, told = run("up")
    assert code == 1
    assert told.count("\n") == 1
    assert run("down")[0] == 0
    assert [path.name for path in home.iterdir()] == ["notes.txt"]


def test_home_that_cannot_be_made(run: Run, home: Path, port: int) -> None:
    home.write_text("a file")
    code, _, told = run("up", "--depth", "api", "--port", str(port))
    assert code == 1
    assert told.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have clusters")
def test_down_sweeps_what_a_lost_lab_left_but_not_what_is_anothers(
    run: Run, home: Path, swept: list[Path], tmp_path: Path
) -> None:
    run("down")
    assert swept == [home]
    (tmp_path / "router").touch()
    claim.MachineClaim(tmp_path / "record", tmp_path / "router").take(tmp_path / "other")
    assert run("down") == (0, "", f"No lab was up in {home}; one is up in {tmp_path / 'other'}\n")
    assert swept == [home]


def test_no_root_is_told_before_anything_is_made(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    code, _, told = run("up")
    assert code == 1
    assert told.count("\n") == 1
    assert "--depth api" in told
    assert not home.exists()

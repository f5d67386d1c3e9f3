# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the gates: what it prints, where it stops, what it never forgets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.tools import gate
from tests.tools.gate import Step

SAY = ("sh", "-c", "echo first; echo last")
FAIL = ("sh", "-c", "echo the cause; exit 3")


def test_a_step_that_holds_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([10.0, 12.5])
    assert gate.run_step(Step("some check", SAY), tmp_path, clock=lambda: next(times))
    assert capsys.readouterr().out == "── some check ok, 2.5 s\n"
    assert (tmp_path / "some-check.log").read_text() == "first\nlast\n"


def test_a_test_runners_count_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.run_step(Step("tests", SAY, closing=True), tmp_path)
    assert capsys.readouterr().out.endswith("\nlast\n")


def test_a_step_that_fails_shows_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not gate.run_step(Step("some check", FAIL), tmp_path)
    said = capsys.readouterr().out
    assert "some check: FAILED, exit 3" in said
    assert "the cause" in said
    assert str(tmp_path / "some-check.log") in said


def test_a_live_steps_output_is_shown_and_kept(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert gate.run_step(Step("build", SAY, live=True), tmp_path)
    assert b"first\nlast\n" in capfdbinary.readouterr().out
    assert (tmp_path / "build.log").read_text() == "first\nlast\n"


def test_a_missing_program_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not gate.run_step(Step("check", ("no-such-program",)), tmp_path)
    assert "no-such-program is not there" in capsys.readouterr().out


def test_all_steps_of_a_gate_run_and_one_failure_fails_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not gate.run_gate("lint", [Step("one", FAIL), Step("two", SAY)], tmp_path)
    assert "two ok" in capsys.readouterr().out


def test_the_labs_steps_stop_at_the_first_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not gate.run_gate("lab", [Step("one", FAIL), Step("two", SAY)], tmp_path)
    assert "two" not in capsys.readouterr().out


def test_the_next_gate_waits_for_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = {"lint": [Step("one", FAIL)], "unit": [Step("two", SAY)]}
    assert gate.run(["lint", "unit"], table, tmp_path) == 1
    said = capsys.readouterr().out
    assert "two" not in said
    assert said.endswith("━━ FAILED: lint\n")


def test_a_failed_lab_shows_the_labs_own_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GKELAB_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "logs").mkdir(parents=True)
    (tmp_path / "home" / "logs" / "daemon.log").write_text("could not bind\n", encoding="utf-8")
    assert gate.run(["lab"], {"lab": [Step("one", FAIL)]}, tmp_path) == 1
    assert "the lab's daemon.log\ncould not bind\n" in capsys.readouterr().out


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for every program that `test` starts; each appends its name and arguments to the returned file."""
    called = tmp_path / "called"
    folder = tmp_path / "bin"
    folder.mkdir()
    steps = [step for steps in gate.gates(tmp_path).values() for step in steps]
    for name in {step.command[0] for step in steps} | {"gkelab"}:
        program = folder / name
        program.write_text(
            f'#!/bin/sh\necho "{name} $*" >> {called}\n'
            f'case "{name} $*" in "$BREAK"*) exit 1;; "gkelab status"*) exit 3;; esac\n',
            encoding="utf-8",
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), "/usr/bin", "/bin"]))
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path))
    monkeypatch.setenv("GKELAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BREAK", "nothing")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    return called


def _calls(programs: Path) -> list[str]:
    return programs.read_text(encoding="utf-8").splitlines()


def test_test_runs_everything_and_takes_the_lab_down(programs: Path) -> None:
    assert gate.main(["test"]) == 0
    calls = _calls(programs)
    assert calls[0] == "gkelab status --json"
    assert "molecule test -s default" in calls
    assert calls[-1] == "gkelab down"


def test_a_failing_lab_is_taken_down_too(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAK", "molecule")
    assert gate.main(["test"]) == 1
    assert _calls(programs)[-1] == "gkelab down"


def test_without_root_nothing_starts_and_the_way_on_is_named(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert gate.main(["test"]) == 1
    assert "make test LAB=no" in capsys.readouterr().err
    assert not programs.exists()


def test_leaving_the_lab_out_is_said_at_the_end(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert gate.main(["test", "--lab=no"]) == 0
    assert capsys.readouterr().out.endswith("━━ NOT RUN: lab, as asked for by LAB=no\n")
    assert not [call for call in _calls(programs) if call.startswith(("gkelab", "molecule"))]


def test_a_lab_that_is_up_is_left_alone(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gkelab = programs.parent / "bin" / "gkelab"
    gkelab.write_text(f'#!/bin/sh\necho "gkelab $*" >> {programs}\n', encoding="utf-8")
    assert gate.main(["lab"]) == 1
    assert "make down" in capsys.readouterr().err
    assert _calls(programs) == ["gkelab status --json"]

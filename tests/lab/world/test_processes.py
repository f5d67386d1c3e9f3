# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes are started apart, found again, and never taken for others."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gkelab.world.processes import ProcessId, ProcessTable, kill


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ProcessTable]:
    made = ProcessTable(tmp_path / "processes")
    yield made
    for role in made.roles():
        made.kill(role)


def spawn(table: ProcessTable, tmp_path: Path, *argv: str) -> int:
    return table.spawn("etcd", argv or ("sleep", "60"), log=tmp_path / "logs" / "etcd.log", env={"WORD": "hello"})


def test_alive_until_killed(table: ProcessTable, tmp_path: Path) -> None:
    assert not table.alive("etcd")
    pid = spawn(table, tmp_path)
    assert table.alive("etcd")
    assert os.getsid(pid) == pid, "a signal to the daemon's terminal must not reach it"
    table.kill("etcd")
    assert not table.alive("etcd")
    assert table.roles() == []


def test_found_again_by_another_daemon(table: ProcessTable, tmp_path: Path) -> None:
    pid = spawn(table, tmp_path)
    again = ProcessTable(tmp_path / "processes")
    assert again.alive("etcd")
    assert again.pid("etcd") == pid


def test_killed_from_outside_is_dead_although_nobody_waited(table: ProcessTable, tmp_path: Path) -> None:
    kill([spawn(table, tmp_path)])
    assert not ProcessTable(tmp_path / "processes").alive("etcd")


@pytest.mark.parametrize("change", [{"start": 1}, {"boot": "another boot"}])
def test_a_reused_id_is_another_process(table: ProcessTable, tmp_path: Path, change: dict[str, object]) -> None:
    pid = spawn(table, tmp_path)
    record = tmp_path / "processes" / "etcd.json"
    true = json.loads(record.read_text())
    record.write_text(json.dumps({**true, **change}))
    assert not table.alive("etcd")
    table.kill("etcd")
    assert ProcessId.of(pid) is not None, "it must not be hit"
    record.write_text(json.dumps(true))


def test_a_damaged_record_is_no_record(table: ProcessTable, tmp_path: Path) -> None:
    spawn(table, tmp_path)
    record = tmp_path / "processes" / "etcd.json"
    true = record.read_text()
    record.write_text("{")
    assert not table.alive("etcd")
    record.write_text(true)


def test_output_and_environment(table: ProcessTable, tmp_path: Path) -> None:
    pid = spawn(table, tmp_path, "sh", "-c", 'echo "$WORD $GKELAB_PROCESS"; echo trouble >&2')
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert (tmp_path / "logs" / "etcd.log").read_text() == "hello etcd\ntrouble\n"


def test_killing_nobody_is_fine() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    kill([ended.pid])
    kill([])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's own life: killed, ended and stopped."""

from __future__ import annotations

import signal

import requests

from tests.lab.emulator.emulator import Emulator, Rest

PROJECT = "lab-project"
BODY = {"cluster": {"name": "c", "nodePools": [{"name": "p", "initialNodeCount": 2}]}}


def _die(emulator: Emulator) -> None:
    """Killed while its operations run, then started again: they still run until the fault that holds them is gone."""
    emulator.end(signal.SIGKILL)
    emulator.start()


def test_kill_in_an_operation_then_start_again(own_emulator: Emulator) -> None:
    rest = Rest(own_emulator, PROJECT)
    with own_emulator.held("POST", "(clusters|firewalls|setSize)$"):
        _, create = rest.container("POST", "clusters", BODY)
        _, rule = rest.compute("POST", "global/firewalls", {"name": "r", "allowed": [{"IPProtocol": "tcp"}]})
        _die(own_emulator)
        # The same session goes on: its token is still good.
        assert rest.get()["status"] == "PROVISIONING"
    assert "error" not in rest.done(create)
    assert (rest.get()["status"], rest.get()["currentNodeCount"]) == ("RUNNING", 2)
    _, done = rest.compute("POST", f"global/operations/{rule['name']}/wait")
    assert done["status"] == "DONE"

    with own_emulator.held("POST", ":setSize$"):
        _, change = rest.container("POST", "clusters/c/nodePools/p:setSize", {"nodeCount": 3})
        _die(own_emulator)
        assert (rest.get()["status"], rest.get()["currentNodeCount"]) == ("RECONCILING", 2)
        assert rest.container("DELETE", "clusters/c")[0] == 400
    assert "error" not in rest.done(change)
    assert rest.get()["currentNodeCount"] == 3

    with own_emulator.held("DELETE", "/c$"):
        _, delete = rest.container("DELETE", "clusters/c")
        _die(own_emulator)
        assert rest.get()["status"] == "STOPPING"
    assert "error" not in rest.done(delete)
    assert rest.container("GET", "clusters") == (200, {})
    assert rest.compute("GET", "global/firewalls/r")[0] == 200


def test_sigterm_keeps_everything_and_stop_forgets_it(own_emulator: Emulator) -> None:
    rest = Rest(own_emulator, PROJECT)
    rest.cluster()
    assert own_emulator.end(signal.SIGTERM) == 0
    own_emulator.start()
    assert rest.get()["status"] == "RUNNING"
    assert [one["name"] for one in own_emulator.lab("GET", "status")["clusters"]] == ["c"]
    assert own_emulator.lab("POST", "repair")["depth"] == "api"

    rest.container("POST", "clusters", {"cluster": BODY["cluster"] | {"name": "unfinished"}})
    assert requests.post(f"{own_emulator.url}/lab/stop", timeout=30).ok
    assert own_emulator.process is not None
    assert own_emulator.process.wait(timeout=30) == 0
    own_emulator.start()
    status = own_emulator.lab("GET", "status")
    assert (status["clusters"], status["unfinishedOperations"]) == ([], 0)


def test_a_taken_port_is_one_clear_line(own_emulator: Emulator) -> None:
    second = Emulator(own_emulator.home, operation_seconds=0, port=own_emulator.port)
    second.launch()
    assert second.process is not None
    assert second.process.wait(timeout=30) == 1
    log = (own_emulator.home / "daemon.log").read_text(encoding="utf-8").splitlines()
    assert "Address already in use" in log[-1]
    assert own_emulator.lab("GET", "status")["depth"] == "api"

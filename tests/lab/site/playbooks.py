# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the project's playbooks as a user would, and reads what they printed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
INVENTORY = "inventory/lab.yml"
_RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One finished playbook run."""

    status: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Changed tasks by host, as the recap says."""
        return {host: int(changed) for host, changed, _, _ in _RECAP.findall(self.output)}

    @property
    def faults(self) -> list[str]:
        """Texts of the errors, each once, as Ansible shows them above its results."""
        lines = re.findall(r"^\[ERROR\]: (?:Task failed: )?(?:Action failed: )?(.*)$", self.output, re.MULTILINE)
        return list(dict.fromkeys(lines))

    def held(self) -> Run:
        """This run, if it ended well; the test fails with all of its output otherwise."""
        assert self.status == 0, self.output
        return self

    @property
    def diff(self) -> list[str]:
        """The lines that the diff takes away and adds, without their headings."""
        return re.findall(r"^[-+](?![-+]{2}).*$", self.output, re.MULTILINE)

    def changed_nothing(self) -> bool:
        """Whether there was a host and none had a change."""
        return bool(self.changed) and not any(self.changed.values())


def command(playbook: str, *arguments: str, inventory: str = INVENTORY) -> list[str]:
    """The command line of a playbook of the checkout, on the lab's inventory."""
    return ["ansible-playbook", "-i", inventory, playbook, *arguments]


def run(
    playbook: str, *arguments: str, environment: Mapping[str, str] | None = None, inventory: str = INVENTORY
) -> Run:
    """Run a playbook to its end."""
    done = subprocess.run(
        command(playbook, *arguments, inventory=inventory),
        cwd=CHECKOUT,
        env=_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def run_and_kill(playbook: str, seconds: float) -> bool:
    """Run a playbook and kill it with all its workers after so many seconds; whether it was still running then."""
    process = subprocess.Popen(
        command(playbook),
        cwd=CHECKOUT,
        env=_environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    # A project or credentials of whoever runs the tests must not stand in for those of a test.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GCP_", "GOOGLE_", "GKE_MESH_"))}
    shown = {"ANSIBLE_NOCOLOR": "1", "COLUMNS": "1000", "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
    return {**own, **shown, **(more or {})}

# SPDX-License-Identifier: GPL-3.0-or-later
"""One timed run of ansible-playbook, and what it did to the emulated APIs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class RunFailed(Exception):
    """A run that should have gone well did not; the text is the end of what it printed."""


@dataclass(frozen=True)
class Run:
    """What a run took and did."""

    seconds: float
    changed: int
    """Changed tasks, over all hosts."""
    calls: Mapping[str, int]
    """Calls of Google's APIs by kind, as the lab names them: container.clusters.get and the like."""
    writes: int
    """How many of them meant to change something."""


@dataclass(frozen=True)
class LabApi:
    """The lab's own endpoints."""

    url: str

    def requests(self) -> Mapping[str, Any]:
        """Every request since the last `forget`."""
        with urllib.request.urlopen(f"{self.url}/lab/requests", timeout=30) as answer:
            found: Mapping[str, Any] = json.load(answer)
            return found

    def forget(self) -> None:
        """Start counting from nothing."""
        call = urllib.request.Request(f"{self.url}/lab/requests", method="DELETE")
        urllib.request.urlopen(call, timeout=30).close()


def changed(output: str) -> int:
    """Sum of `changed=` over the hosts of a play recap."""
    rows = RECAP.findall(output)
    if not rows:
        raise RunFailed(f"No recap in what ansible-playbook printed:\n{output[-2000:]}")
    return sum(int(row[1]) for row in rows)


def playbook(arguments: Sequence[str], api: LabApi, clock: Callable[[], float] = time.monotonic) -> Run:
    """Run ansible-playbook in the checkout on the lab's inventory; raise RunFailed when it fails."""
    api.forget()
    environment = os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_NOCOLOR": "1"}
    command = ["ansible-playbook", "-i", "inventory/lab.yml", *arguments]
    start = clock()
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = clock() - start
    if done.returncode:
        raise RunFailed(f"{' '.join(command)}: exit {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}")
    record = api.requests()
    return Run(seconds=seconds, changed=changed(done.stdout), calls=record["counts"], writes=record["writes"])

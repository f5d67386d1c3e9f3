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
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.memory import Peak

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
    peak_mib: float = 0.0
    """Most memory that Ansible and its workers held together, if that was watched."""


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


def _environment() -> dict[str, str]:
    """This process's, without what would lead the modules to another lab (`make env` says where one that is up is)."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GCP_", "GKE_MESH_CO"))}


def playbook(
    arguments: Sequence[str],
    api: LabApi,
    clock: Callable[[], float] = time.monotonic,
    *,
    inventory: str | Path = "inventory/lab.yml",
    variables: Mapping[str, str] | None = None,
    watched_every: float | None = None,
) -> Run:
    """Run ansible-playbook in the checkout; raise RunFailed when it fails.

    Args:
        arguments: playbook and options.
        api: where calls are counted.
        clock: seconds.
        inventory: the lab's, unless another is given.
        variables: additions to the environment.
        watched_every: seconds between two looks at the memory; without it nobody looks.
    """
    api.forget()
    settings = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_NOCOLOR": "1"}
    command = ["ansible-playbook", "-i", str(inventory), *arguments]
    start = clock()
    with subprocess.Popen(
        command, cwd=CHECKOUT, env={**_environment(), **settings, **(variables or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        watch = Peak(process.pid, watched_every) if watched_every else None
        with watch or nullcontext():
            output = process.communicate()[0]
    seconds = clock() - start
    if process.returncode:
        raise RunFailed(f"{' '.join(command)}: exit {process.returncode}\n{output[-4000:]}")
    record = api.requests()
    return Run(seconds, changed(output), record["counts"], record["writes"], watch.mib if watch else 0.0)

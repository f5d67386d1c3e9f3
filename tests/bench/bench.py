# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the playbooks in a lab of their own: wall time, calls of Google's APIs, memory. README.md tells more.

Prints a table; `--json FILE` also writes the figures. A table is of one run on one machine: compare within it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gkelab import paths
from tests.bench.memory import lab_mib
from tests.bench.runs import CHECKOUT, LabApi, Run, RunFailed, playbook
from tests.tools.gate import NotReady, require_lab

EMPTY_PLAY = """\
- name: Nothing
  hosts: mesh
  connection: local
  gather_facts: false
  tasks:
    - name: Nothing
      ansible.builtin.debug: {msg: nothing}
"""
RELEASES = """\
- name: The least that a play of Helm tasks costs
  hosts: mesh
  connection: local
  gather_facts: false
  tasks:
    - name: Read the state of a release
      kubernetes.core.helm_info:
        name: "{{ item }}"
        namespace: istio-system
        kubeconfig: "{{ gke_kubeconfig_path }}"
        context: "{{ inventory_hostname }}"
        binary_path: "{{ mesh_helm_binary }}"
      vars:
        ansible_python_interpreter: "{{ ansible_playbook_python }}"
      loop: [istio-base, istiod]
"""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    value: float
    unit: str
    note: str = ""


def _gkelab(*arguments: str) -> str:
    done = subprocess.run(["gkelab", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunFailed(f"gkelab {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _timed(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


@contextmanager
def lab() -> Iterator[float]:
    """A lab that is up inside of the block and down after it; yields the seconds that `gkelab up` took."""
    try:
        yield _timed(lambda: _gkelab("up"))
    finally:
        _gkelab("down")


def _calls(run: Run) -> str:
    return f"{sum(run.calls.values())} calls of Google's APIs, {run.writes} of them writes"


def _kinds(run: Run) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(run.calls.items()))


def _median(runs: Sequence[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def measure(repeat: int) -> list[Row]:
    """All figures. `repeat`: how often the short runs are made; their median counts."""
    with lab() as up, tempfile.TemporaryDirectory() as folder:
        state = paths.home()
        api = LabApi(json.loads((state / "env.json").read_text())["GKE_MESH_CONTAINER_ENDPOINT"])
        empty_play, releases = Path(folder) / "empty.yml", Path(folder) / "releases.yml"
        empty_play.write_text(EMPTY_PLAY, encoding="utf-8")
        releases.write_text(RELEASES, encoding="utf-8")

        empty = _median([playbook([str(empty_play)], api) for _ in range(repeat)])
        check = playbook(["site.yml", "--check"], api)
        first = playbook(["site.yml"], api)
        again = [playbook(["site.yml"], api) for _ in range(repeat)]
        second = _median(again)
        checked = playbook(["site.yml", "--check"], api)
        helm = _median([playbook([str(releases)], api) for _ in range(repeat)])
        memory = lab_mib(int((state / "daemon.pid").read_text()))
        gone = playbook(["playbooks/teardown.yml"], api)
        return [
            Row("gkelab up", up, "s"),
            Row("an empty play", empty, "s", "what Ansible itself costs"),
            Row("site.yml --check, nothing there", check.seconds, "s", _calls(check)),
            Row("site.yml, first run", first.seconds, "s", _calls(first)),
            Row("site.yml, again", second, "s", f"median of {repeat}; changed={again[-1].changed}"),
            Row("  Google API calls of it", sum(again[-1].calls.values()), "calls", _kinds(again[-1])),
            Row("  against the first run", second / first.seconds, "×"),
            Row("  against an empty play", second / empty, "×"),
            Row("site.yml --check, all there", checked.seconds, "s", f"changed={checked.changed}"),
            Row("helm_info of two releases a cluster", helm, "s", "what reading them with Helm would cost alone"),
            Row("the lab's memory with the mesh in it", memory, "MiB", "proportional set size"),
            Row("teardown.yml", gone.seconds, "s"),
        ]


def table(rows: Sequence[Row]) -> str:
    """The rows in columns."""
    width = max(len(row.what) for row in rows)
    return "\n".join(f"{row.what:<{width}}  {row.value:>9.1f} {row.unit:<5}  {row.note}".rstrip() for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="how often the short runs are made (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    chosen = parser.parse_args(arguments)
    try:
        require_lab()
        _gkelab("build")
        rows = measure(chosen.repeat)
    except (NotReady, RunFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    print(f"On {machine}:\n{table(rows)}")
    if chosen.json:
        figures = {"machine": machine, "rows": [asdict(row) for row in rows]}
        chosen.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

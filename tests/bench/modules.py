# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure gke_cluster and mesh_firewall on many clusters at depth api, beside google.cloud's modules. No root needed.

Prints a table with the aim beside each figure; `--json FILE` also writes the figures. README.md tells how each of them
is taken. A table is of one run on one machine: compare within it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.bench import options
from tests.bench.figures import Aim, Figure, table
from tests.bench.fleet import FIREWALL, Fleet, fleet
from tests.bench.polling import CREATION_SECONDS, FACTOR, SAMPLES, gets_of_a_creation
from tests.bench.relay import relay
from tests.bench.runs import Run, RunFailed, playbook
from tests.tools import environment

PROJECT = "lab-project"
PEER_PROJECT = "peer-project"
THREE_PROJECT = "three-project"
SHORTEST, LONGEST = 30.0, 39.0
ACTIONS = Path(__file__).parent / "action_plugins"
LOOK_SECONDS = 5.0
"""Between two looks at the memory: often enough to see a plateau of half a minute, seldom enough not to disturb it."""
PEERS_AT_ONCE = 3


def durations(count: int, longest: float) -> list[float]:
    """Seconds of each creation: ten steps up to the longest, over and over, so that none of them is always first."""
    shortest = SHORTEST * longest / LONGEST
    return [shortest + (longest - shortest) * (number % 10) / 9 for number in range(count)]


def _kinds(calls: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(calls.items())) or "no request"


def _median(runs: Sequence[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def _spread(runs: Sequence[Run]) -> str:
    seconds = sorted(run.seconds for run in runs)
    return f"median of {len(seconds)}, {seconds[0]:.2f} to {seconds[-1]:.2f} s"


def _unchanged(run: Run) -> Run:
    if run.changed:
        raise RunFailed(f"A run that should have changed nothing changed {run.changed} things")
    return run


def _twice(run: Callable[[], Run]) -> Run:
    """The second of two runs; it must change nothing."""
    run()
    return _unchanged(run())


def creation(lab: Fleet, count: int, longest: float) -> list[Figure]:
    """All clusters from nothing, in one play, all at once."""
    lab.slow_creations(durations(count, longest))
    play = lab.play("creation", [options.cluster()], {options.GROUP: options.connection(lab)})
    hosts = lab.inventory("c", count)
    run = playbook([play, "--forks", str(count)], lab.api, inventory=hosts, watched_every=LOOK_SECONDS)
    if run.changed != count:
        raise RunFailed(f"{run.changed} of {count} clusters were created")
    operation = lab.longest_creation(PROJECT)
    floor = playbook(
        [lab.play("sleep", [options.only_sleep()]), "--forks", str(count)], lab.api, inventory=hosts,
        variables={"ANSIBLE_ACTION_PLUGINS": str(ACTIONS)}, watched_every=LOOK_SECONDS,
    )  # fmt: skip
    return [
        Figure(f"{count} clusters created, wall", run.seconds, "s", note=_kinds(run.calls)),
        Figure("  the longest operation among them", operation, "s", note="as the API tells its start and end"),
        Figure("  wall against that", run.seconds / operation, "×", Aim(1.15)),
        Figure(f"  memory of Ansible, forks={count}", run.peak_mib / 1024, "GiB", Aim(1.2), "proportional set size"),
        Figure("  the same, of an action that only sleeps", floor.peak_mib / 1024, "GiB", note="Ansible's own floor"),
    ]


def no_op(lab: Fleet, count: int, repeat: int) -> list[Figure]:
    """The same play again, and the firewall over the same clusters."""
    hosts, defaults = lab.inventory("c", count), {options.GROUP: options.connection(lab)}
    few = lab.inventory("c", PEERS_AT_ONCE)
    clusters = lab.play("again", [options.cluster()], defaults)
    floor = lab.play("nothing", [options.nothing()])
    wall = lab.play("firewall", [options.firewall()], defaults)
    forks = ["--forks", str(count)]
    empty, again = [], []
    for _ in range(repeat):
        empty.append(playbook([floor, *forks], lab.api, inventory=hosts))
        again.append(_unchanged(playbook([clusters, *forks], lab.api, inventory=hosts)))
    large, small = (_twice(partial(playbook, [wall], lab.api, inventory=which)) for which in (hosts, few))
    calls = again[-1].calls
    return [
        Figure(f"{count} hosts, a debug task each", _median(empty), "s", note=f"Ansible's own floor; {_spread(empty)}"),
        Figure(f"{count} clusters again, nothing to do", _median(again), "s", Aim(3), _spread(again)),
        Figure("  above Ansible's floor", _median(again) - _median(empty), "s"),
        Figure("  requests a cluster", sum(calls.values()) / count, "", Aim(1), _kinds(calls)),
        Figure("  token requests", calls.get("oauth.token", 0), "", Aim(1), "tokens are signed on this machine"),
        _compute_calls(f"firewall of {PEERS_AT_ONCE} clusters again, Compute calls", small),
        _compute_calls(f"firewall of {count} clusters again, Compute calls", large),
    ]


def _compute_calls(what: str, run: Run) -> Figure:
    compute = sum(number for kind, number in run.calls.items() if kind.startswith("compute."))
    return Figure(what, compute, "", Aim(2), _kinds(run.calls))


def peers_again(lab: Fleet, repeat: int, through: Mapping[str, str]) -> list[Figure]:
    """Ours and google.cloud's on the same three clusters and their rule, over the same relay; nothing to do.

    In a project of their own, as a mesh of three has one: the firewall reads the list of a project's clusters.
    """
    hosts, login = lab.inventory("c", PEERS_AT_ONCE), options.google(lab, THREE_PROJECT)
    floor = lab.play("nothing", [options.nothing(), options.nothing() | {"run_once": True}])
    ours = lab.play("ours", [options.cluster(), options.firewall()], {options.GROUP: login})
    playbook([ours], lab.api, inventory=hosts, variables=through)
    rule = lab.rule(THREE_PROJECT, FIREWALL)
    theirs = lab.play("theirs", [options.peer_cluster(), options.peer_firewall(rule)], options.peer_defaults(login))
    runs: dict[str, list[Run]] = {floor: [], ours: [], theirs: []}
    for _ in range(repeat):
        for play, done in runs.items():
            done.append(_unchanged(playbook([play], lab.api, inventory=hosts, variables=through)))
    least = Aim(5, at_least=True)
    empty, mine, other = (_median(done) for done in runs.values())
    allowed = f"against tasks that do nothing it is {other / empty:.2f}"
    return [
        Figure(f"{PEERS_AT_ONCE} clusters and a rule again: debug tasks", empty, "s", note=_spread(runs[floor])),
        Figure("  ours, over TLS", mine, "s", note=f"{_spread(runs[ours])}; {_kinds(runs[ours][-1].calls)}"),
        Figure("  google.cloud's", other, "s", note=f"{_spread(runs[theirs])}; {_kinds(runs[theirs][-1].calls)}"),
        Figure("  theirs against ours, the whole commands", other / mine, "×", least, allowed),
        Figure("  the same without Ansible's own time", (other - empty) / (mine - empty), "×", least),
    ]


def peers_creation(lab: Fleet, count: int, longest: float, through: Mapping[str, str]) -> list[Figure]:
    """google.cloud's module creating as many clusters; the deletion of the default pool that follows costs no time."""
    lab.slow_creations(durations(count, longest))
    login = options.google(lab, PEER_PROJECT)
    hosts = lab.inventory("p", count)
    forks = ["--forks", str(count)]
    play = lab.play("their-creation", [options.peer_cluster()], options.peer_defaults(login))
    run = playbook([play, *forks], lab.api, inventory=hosts, variables=through, watched_every=LOOK_SECONDS)
    operation = lab.longest_creation(PEER_PROJECT)
    again = _unchanged(playbook([play, *forks], lab.api, inventory=hosts, variables=through))
    return [
        Figure(f"google.cloud: {count} clusters created, wall", run.seconds, "s", note=_kinds(run.calls)),
        Figure("  wall against the longest operation", run.seconds / operation, "×"),
        Figure(f"  memory of Ansible, forks={count}", run.peak_mib / 1024, "GiB"),
        Figure(f"google.cloud: {count} clusters again", again.seconds, "s", note=_kinds(again.calls)),
    ]


def polling(lab: Fleet) -> list[Figure]:
    """GETs of one long creation."""
    gets = gets_of_a_creation(lab)
    what = f"GETs of a creation of {CREATION_SECONDS / 60:g} minutes"
    kinds = ", ".join(f"{count:g} {kind}" for kind, count in sorted(gets.items()))
    return [
        Figure(what, sum(gets.values()), "", note=f"mean of {SAMPLES}, on a clock {FACTOR:g} times as fast: {kinds}"),
        Figure("  google.cloud's: a look a second", CREATION_SECONDS, "", note="computed from its pause; a token each"),
    ]


def measure(count: int, longest: float, repeat: int, peers: int) -> list[Figure]:
    """All figures.

    Args:
        count: clusters.
        longest: seconds of the longest creation.
        repeat: how often the short runs are made.
        peers: clusters that google.cloud's module creates; with 0 it is left out altogether.
    """
    with tempfile.TemporaryDirectory(prefix="gke-bench-") as name, fleet(Path(name)) as lab:
        parts: list[Callable[[], list[Figure]]] = [
            lambda: creation(lab, count, longest),
            lambda: no_op(lab, count, repeat),
            lambda: polling(lab),
        ]
        found = [figure for part in parts for figure in part()]
        if peers:
            tree = os.environ["ANSIBLE_COLLECTIONS_PATH"]
            theirs = environment.peers(Path(os.environ["GKE_MESH_ENV"]))
            with relay(lab.port, lab.folder) as variables:
                through = {**variables, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([tree, str(theirs)])}
                found += peers_again(lab, repeat, through)
                found += peers_creation(lab, peers, longest, through)
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="modules", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clusters", type=int, default=100, help="how many clusters (default: 100)")
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds of the longest creation (default: 39)")
    parser.add_argument("--repeat", type=int, default=5, help="how often the short runs are made (default: 5)")
    parser.add_argument(
        "--peers", type=int, help="clusters that google.cloud's module creates; 0 leaves it out (default: as many)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    chosen = parser.parse_args(arguments)
    if chosen.clusters < PEERS_AT_ONCE:
        parser.error(f"--clusters must be at least {PEERS_AT_ONCE}")
    peers = chosen.clusters if chosen.peers is None else chosen.peers
    try:
        figures = measure(chosen.clusters, chosen.longest, chosen.repeat, peers)
    except (RunFailed, environment.EnvironmentFailure) as problem:
        print(problem, file=sys.stderr)
        return 1
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    print(f"On {machine}:\n{table(figures)}")
    if chosen.json:
        told = {"machine": machine, "figures": [figure.data() for figure in figures]}
        chosen.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

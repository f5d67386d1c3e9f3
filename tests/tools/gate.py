# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's checks, as data, and what runs them: `gate.py lint unit`, `gate.py test`.

A gate is a list of steps. All steps of a gate run, so that one call tells everything; the next gate starts only when
the one before it held. A step's output goes to a log; a step that fails shows it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gkelab import paths

CHECKOUT = Path(__file__).resolve().parents[2]
SHOWN = 200
"""Lines of a failed step's log that are shown; the file has all."""
LAB_LOG_SHOWN = 25
"""Lines that are shown of each of the lab's logs when its gate fails."""


class NotReady(Exception):
    """A gate cannot run here; the text says what is missing."""


@dataclass(frozen=True)
class Step:
    """One command of a gate."""

    name: str
    command: tuple[str, ...]
    live: bool = False
    """Show the output while it runs: for what takes minutes."""
    closing: bool = False
    """Show the last line when it went well: a test runner's count."""


def _python(*arguments: str) -> tuple[str, ...]:
    return ("python", *arguments)


def _pytest(*arguments: str, hangs_after: int) -> tuple[str, ...]:
    """pytest; a single test that takes longer than hangs_after seconds ends the run."""
    return _python("-m", "pytest", "-o", f"faulthandler_timeout={hangs_after}", *arguments)


def gates(collections: Path) -> dict[str, tuple[Step, ...]]:
    """All gates by name, in the order of `test`. `collections` is the folder that holds ansible_collections."""
    plugins = collections / "ansible_collections" / "mcistio" / "gke" / "plugins"
    return {
        "lint": (
            Step("ruff", ("ruff", "check", ".")),
            Step("mypy strict", ("mypy", str(plugins), "lab/gkelab", "tests")),
            Step("yamllint", ("yamllint", "--strict", ".")),
            Step("ansible-lint, profile production", ("ansible-lint", "--offline", "--nocolor")),
            Step("licences complete", ("reuse", "lint", "--quiet")),
            Step("every file: licence, no machine's paths", _python("-m", "tests.tools.hygiene")),
            Step("changelog", ("antsibull-changelog", "lint")),
        ),
        "unit": (Step("unit tests", _pytest("-q", "tests/unit", hangs_after=60), closing=True),),
        "sanity": (
            Step("ansible-test sanity", _python("-m", "tests.tools.sanity")),
            Step("artifact: build, install, documentation", _python("-m", "tests.tools.artifact")),
        ),
        "emulator": (
            Step(
                "Google's clients and the lab's own parts",
                _pytest("-q", "-m", "not lab", "tests/lab", hangs_after=180),
                closing=True,
            ),
        ),
        "lab": (
            Step("build the lab", ("gkelab", "build"), live=True),
            Step("molecule: converge, idempotence, verify, teardown", ("molecule", "test", "-s", "default"), live=True),
            # Before the playbooks, whose lab stays up until pytest ends: the world's tests make one of their own.
            Step(
                "real clusters and API servers",
                _pytest("-v", "-m", "lab", "tests/lab", "--ignore=tests/lab/site", hangs_after=300),
                live=True,
            ),
            Step(
                "playbooks on real clusters", _pytest("-v", "-m", "lab", "tests/lab/site", hangs_after=1200), live=True
            ),
        ),
    }


def logs(environment: Mapping[str, str]) -> Path:
    """Folder of the steps' logs, one a checkout."""
    base = environment.get("GKE_MESH_LOGS")
    tree = Path(environment["ANSIBLE_COLLECTIONS_PATH"])
    return Path(base) if base else tree / "logs"


def _run(step: Step, log: Path) -> int:
    """Run the step with its output in the log, and on the terminal too when it is live; the exit status."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            step.command,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if step.live else sink,
            stderr=subprocess.STDOUT,
        )
        try:
            if process.stdout is not None:
                while chunk := os.read(process.stdout.fileno(), 65536):
                    sink.write(chunk)
                    sys.stdout.buffer.write(chunk)
                    sys.stdout.buffer.flush()
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def _tail(log: Path, count: int) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-count:]


def run_step(step: Step, folder: Path, clock: Callable[[], float] = time.monotonic) -> bool:
    """Run one step under one heading; whether it held."""
    log = folder / f"{''.join(c if c.isalnum() else '-' for c in step.name)}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"── {step.name}", end="\n" if step.live else " ", flush=True)
    start = clock()
    try:
        status = _run(step, log)
    except FileNotFoundError:
        print(f"\n   {step.command[0]} is not there", flush=True)
        return False
    took = f"{clock() - start:.1f} s"
    if status == 0:
        print(f"── {step.name}: ok, {took}" if step.live else f"ok, {took}", flush=True)
        if step.closing:
            print("\n".join(_tail(log, 1)), flush=True)
        return True
    print(f"\n── {step.name}: FAILED, exit {status}, {took}; the whole log: {log}", flush=True)
    if not step.live:
        print("\n".join(_tail(log, SHOWN)), flush=True)
    return False


def run_gate(name: str, steps: Sequence[Step], folder: Path) -> bool:
    """Run all of a gate's steps, the lab's only as long as they hold; whether all held."""
    print(f"━━ {name}", flush=True)
    held = True
    for step in steps:
        held = run_step(step, folder) and held
        if name == "lab" and not held:
            break
    return held


def require_lab() -> None:
    """Raise NotReady unless this machine can run real clusters and none of the lab's run already."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotReady(
            "The lab's clusters need Linux and root: run as root, or leave them out on purpose with `make test LAB=no`."
        )
    running = subprocess.run(["gkelab", "status", "--json"], capture_output=True, cwd=CHECKOUT, check=False)
    if running.returncode == 0:
        raise NotReady("A lab is up already and the tests need their own: take it down first with `make down`.")


@contextmanager
def lab_taken_down(wanted: bool) -> Iterator[None]:
    """Take the lab down on the way out, whatever happened inside."""
    try:
        yield
    finally:
        if wanted:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.run(["gkelab", "down"], cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=False)


def show_lab_logs(folder: Path) -> None:
    """Print the end of every log of the lab's parts: what CI keeps of a failed run."""
    for log in sorted(folder.glob("**/*.log")):
        if lines := _tail(log, LAB_LOG_SHOWN):
            print(f"── the end of the lab's {log.relative_to(folder)}", *lines, sep="\n", flush=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(names: Sequence[str], table: Mapping[str, Sequence[Step]], folder: Path) -> int:
    """Run the gates in order up to the first that does not hold; the exit status."""
    start = time.monotonic()
    for name in names:
        if not run_gate(name, table[name], folder):
            if name == "lab":
                show_lab_logs(paths.home() / "logs")
            print(f"━━ FAILED: {name}", flush=True)
            return 1
    print(f"━━ held: {', '.join(names)}; {time.monotonic() - start:.0f} s", flush=True)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; `test` stands for all gates."""
    table = gates(Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]))
    parser = argparse.ArgumentParser(prog="gate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gates", nargs="+", choices=[*table, "test"], metavar=f"{{{','.join(table)},test}}")
    parser.add_argument("--lab", choices=["yes", "no"], default="yes", help="whether `test` runs real clusters")
    chosen = parser.parse_args(arguments)
    names = list(table) if "test" in chosen.gates else list(chosen.gates)
    left_out = chosen.lab == "no" and "lab" in names
    if left_out:
        names.remove("lab")
    signal.signal(signal.SIGTERM, _stop)
    try:
        if "lab" in names:
            require_lab()
        with lab_taken_down("lab" in names):
            status = run(names, table, logs(os.environ))
    except NotReady as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n━━ stopped", file=sys.stderr)
        return 130
    if left_out:
        print("━━ NOT RUN: lab, as asked for by LAB=no", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""`gkelab up`: from whatever is there to a lab that answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gkelab import config
from gkelab.build.progress import Progress, spell
from gkelab.cli import environment, leftovers, preflight, state
from gkelab.cli.claim import MachineClaim
from gkelab.cli.client import LabClient, NotAnswering
from gkelab.cli.errors import CommandError
from gkelab.cli.process import DaemonProcess
from gkelab.config import Config
from gkelab.files import link_atomic, write_atomic

_ANSWER_SECONDS = 15.0
_CALL_SECONDS = 5.0
# Healing boots every API server and node of the lab's clusters again.
_START_SECONDS = 300.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; None where the lab's present setting, or the default, will do."""

    depth: str | None = None
    port: int | None = None
    operation_seconds: float | None = None


def up(home: Path, wanted: Wanted, progress: Progress) -> None:
    """Start the lab, or heal the one that is there. Raises CommandError or BuildError."""
    started = time.monotonic()
    present = config.load(home)
    settings = choose(present, wanted)
    daemon = DaemonProcess(home)
    if daemon.running() and _repair(settings, daemon, progress):
        progress.line(f"The lab was up already and is in order ({spell(time.monotonic() - started)})")
    else:
        _start(home, settings, fresh=present is None, daemon=daemon, progress=progress)
        progress.line(f"The lab is up ({spell(time.monotonic() - started)})")
    for line in summary(home, settings):
        progress.line(line)


def choose(present: Config | None, wanted: Wanted) -> Config:
    """The settings of the lab to be: those of the one that is there, which cannot be changed, or the defaults."""
    asked: dict[str, Any] = {name: value for name, value in vars(wanted).items() if value is not None}
    if present is None:
        return Config(**asked)
    for name, value in asked.items():
        current = getattr(present, name)
        if current != value:
            label = name.replace("_", " ")
            raise CommandError(f"The lab that is up has {label} {current}, not {value}; `gkelab down` first")
    return present


def summary(home: Path, settings: Config) -> list[str]:
    """What to know about a lab that is up."""
    lines = [
        f"  APIs     {settings.url} (depth {settings.depth}, project {settings.project})",
        f"  state    {home}",
        '  clients  eval "$(gkelab env)"',
    ]
    note = preflight.inotify_note() if settings.depth == "full" else None
    return [*lines, f"  note     {note}"] if note else lines


def _repair(settings: Config, daemon: DaemonProcess, progress: Progress) -> bool:
    """Have a living daemon heal its processes; False, and no daemon any more, if it hangs."""
    client = LabClient(settings.port)
    with progress.step("Checking the lab"):
        try:
            _await_answer(client, daemon, _ANSWER_SECONDS)
            client.call("POST", "/lab/repair", timeout=_START_SECONDS)
            return True
        except NotAnswering:
            daemon.kill()
    progress.line("The lab's daemon hung and was ended")
    return False


def _start(home: Path, settings: Config, *, fresh: bool, daemon: DaemonProcess, progress: Progress) -> None:
    """Check the machine, build what is not built, write the lab's files and start its daemon."""
    real = settings.depth != "api"
    if real:
        preflight.check_privileges()
    _make_home(home)
    if real:
        _prepare_machine(home, fresh=fresh, progress=progress)
    preflight.check_port(settings.port)
    if fresh:
        state.clear_logs(home)
    _write_files(home, settings)
    with progress.step(f"Starting the lab, depth {settings.depth}"):
        daemon.start(environment=_daemon_environment(home))
        _await_answer(LabClient(settings.port), daemon, _START_SECONDS)


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The lab's home {home} cannot be made ({error.strerror}); set GKELAB_HOME") from error


def _prepare_machine(home: Path, *, fresh: bool, progress: Progress) -> None:
    """All that a lab with clusters needs before its daemon runs."""
    # Only here: a lab without clusters needs no build.
    from gkelab.build import build

    MachineClaim().take(home)
    built = build(progress)
    preflight.check_kernel()
    if fresh:
        left = leftovers.sweep(home)
        if left:
            progress.line(f"Removed what an earlier lab left: {', '.join(left)}")
    link_atomic(home / environment.BIN, built.bin)
    link_atomic(home / "istio", built.istio)
    described = {"bin": str(built.bin), "images": [str(path) for path in built.images], "istio": str(built.istio)}
    write_atomic(home / "artifacts.json", json.dumps(described | {"version": built.version}, indent=2) + "\n")


def _write_files(home: Path, settings: Config) -> None:
    """Credentials, variables and settings; the settings last, because they say that there is a lab."""
    from gkelab.model.credentials import write_credentials

    credentials = home / environment.CREDENTIALS
    token_uri = f"{settings.url}/token"
    if _token_uri(credentials) != token_uri:
        write_credentials(credentials, token_uri, settings.project)
    environment.write(home, settings)
    config.save(home, settings)


def _token_uri(credentials: Path) -> str | None:
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads(credentials.read_text(encoding="utf-8"))["token_uri"])
    return None


def _daemon_environment(home: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The daemon finds this home, the package in a checkout that is not installed, and the system's programs."""
    package = str(Path(config.__file__).resolve().parent.parent)
    python_path = [package, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    search = [*environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", "/sbin"]
    return {
        **environ,
        "GKELAB_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(python_path)),
        "PATH": os.pathsep.join(dict.fromkeys(search)),
        "PYTHONUNBUFFERED": "1",
    }


def _await_answer(client: LabClient, daemon: DaemonProcess, seconds: float) -> None:
    """Return once the lab's API answers. Raises CommandError if the daemon ends, NotAnswering if time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            client.call("GET", "/lab/status", timeout=_CALL_SECONDS)
            return
        except NotAnswering:
            if not daemon.running():
                reason = daemon.last_words().removeprefix("gkelab daemon: ")
                raise CommandError(f"The lab did not start: {reason} (log: {daemon.log})") from None
            if time.monotonic() >= deadline:
                raise
        time.sleep(_POLL_SECONDS)

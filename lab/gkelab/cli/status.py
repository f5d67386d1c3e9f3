# SPDX-License-Identifier: GPL-3.0-or-later
"""`gkelab status`: what runs, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gkelab import config
from gkelab.cli.client import LabClient
from gkelab.cli.errors import CommandError
from gkelab.cli.process import DaemonProcess


def client(home: Path) -> LabClient:
    """A client of the lab in this home. Raises CommandError if none is up."""
    settings = config.load(home)
    if settings is None:
        raise CommandError("No lab is up; start one with `gkelab up`")
    if not DaemonProcess(home).running():
        raise CommandError("The lab's daemon has ended; `gkelab up` heals the lab, `gkelab down` takes it away")
    return LabClient(settings.port)


def show(home: Path, *, as_json: bool, out: TextIO) -> int:
    """Print what the lab says of itself; the exit code is 1 if no lab is up."""
    try:
        answer = client(home).call("GET", "/lab/status")
    except CommandError as error:
        print(json.dumps({"up": False, "message": str(error)}) if as_json else error, file=out)
        return 1
    settings = config.load(home) or config.Config()
    if as_json:
        print(json.dumps({"up": True, "home": str(home), **answer}, indent=2), file=out)
    else:
        print("\n".join(lines(home, settings, answer)), file=out)
    return 0


def lines(home: Path, settings: config.Config, answer: Mapping[str, Any]) -> list[str]:
    """The status as a person reads it: the lab, then a table of its clusters, then what is not well."""
    clusters = answer["clusters"]
    head = f"The lab is up at {settings.url}: depth {settings.depth}, home {home}"
    if not clusters:
        return [head, "No clusters"]
    header = ("CLUSTER", "LOCATION", "PROJECT", "STATUS", "VERSION", "NODES", "ENDPOINT")
    return [
        head,
        *_aligned([header, *map(_row, clusters)]),
        *(line for cluster in clusters for line in _troubles(cluster)),
    ]


def _row(cluster: Mapping[str, Any]) -> tuple[str, ...]:
    texts = [str(cluster[field]) for field in ("name", "location", "project", "status", "version")]
    return (*texts, str(cluster["nodes"]), str(cluster["endpoint"]))


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _troubles(cluster: Mapping[str, Any]) -> list[str]:
    dead = [role for role, alive in cluster["processes"].items() if not alive]
    return [f"{cluster['name']}: not running: {', '.join(dead)}; `gkelab up` heals"] if dead else []

# SPDX-License-Identifier: GPL-3.0-or-later
"""`gkelab fault`: make the emulated APIs misbehave on matching requests."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from gkelab.cli.client import LabClient
from gkelab.cli.errors import CommandError


def description(options: Namespace) -> dict[str, Any]:
    """The body of POST /lab/faults for the options of `fault add`. Raises CommandError."""
    match = {
        name: value
        for name in ("method", "path", "nth", "count")
        if (value := getattr(options, name)) is not None
    }  # fmt: skip
    return {"match": match, "action": _action(options)}


def _action(options: Namespace) -> dict[str, Any]:
    if options.delay is not None:
        return {"delay": options.delay}
    if options.drop is not None:
        return {"drop": options.drop}
    error: dict[str, Any] = {"status": options.error}
    if options.body is not None:
        try:
            error["body"] = json.loads(options.body)
        except ValueError as reason:
            raise CommandError(f"--body is no JSON: {reason}") from reason
    return {"error": error}


def add(client: LabClient, options: Namespace) -> str:
    """Add a fault; returns what the lab made of it."""
    return json.dumps(client.call("POST", "/lab/faults", description(options)))


def overview(client: LabClient) -> str:
    """The faults in force, one a line."""
    faults = client.call("GET", "/lab/faults")["faults"]
    return "\n".join(json.dumps(fault) for fault in faults) or "No faults"


def clear(client: LabClient) -> str:
    """Remove every fault."""
    client.call("DELETE", "/lab/faults")
    return "No faults any more"

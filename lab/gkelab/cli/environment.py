# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that make Google's clients talk to the lab: env.json, and exports for a shell."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from gkelab.cli.errors import CommandError
from gkelab.config import Config
from gkelab.files import write_atomic

FILE = "env.json"
CREDENTIALS = "credentials.json"
BIN = "bin"


def variables(home: Path, config: Config) -> dict[str, str]:
    """What a Google client needs to find the lab and to log in there."""
    credentials = str(home / CREDENTIALS)
    return {
        "GOOGLE_APPLICATION_CREDENTIALS": credentials,
        "GCP_PROJECT": config.project,
        "GKE_MESH_CONTAINER_ENDPOINT": config.url,
        "GKE_MESH_COMPUTE_ENDPOINT": config.url,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": f"{config.url}/compute/v1/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": f"{config.url}/",
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": credentials,
        "CLOUDSDK_CORE_PROJECT": config.project,
        "GKELAB_HOME": str(home),
    }


def write(home: Path, config: Config) -> None:
    """Write env.json for programs that read files rather than their environment."""
    write_atomic(home / FILE, json.dumps(variables(home, config), indent=2) + "\n")


def read(home: Path) -> dict[str, str]:
    """The variables of the lab in this home. Raises CommandError if none is up."""
    try:
        found = json.loads((home / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError("No lab is up; start one with `gkelab up`") from error
    return {str(name): str(value) for name, value in found.items()}


def exports(home: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Lines for a POSIX shell's eval; the programs of the lab (kubectl, helm, istioctl, …) come first on the PATH."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in read(home).items()]
    programs = str(home / BIN)
    if programs not in environ.get("PATH", "").split(os.pathsep) and (home / BIN).exists():
        lines.append(f'export PATH={shlex.quote(programs)}:"$PATH"')
    return "\n".join(lines)

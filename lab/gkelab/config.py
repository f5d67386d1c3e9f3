# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab was started with: written by `gkelab up` into its home, read by the daemon and by every other command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from gkelab.errors import LabError
from gkelab.files import write_atomic

DEPTHS = ("full", "control-plane", "api")
DEFAULT_PORT = 7480
DEFAULT_OPERATION_SECONDS = 3.0
DEFAULT_PROJECT = "lab-project"

FILE = "config.json"


class ConfigError(LabError):
    """The lab's config.json cannot be used; the text is one line."""


@dataclass(frozen=True)
class Config:
    """Settings of one lab, fixed from `up` to `down`."""

    depth: str = "full"
    """full (nodes and pods), control-plane (API servers only) or api (nothing behind the APIs)."""
    port: int = DEFAULT_PORT
    """TCP port of the emulated APIs, on 127.0.0.1."""
    operation_seconds: float = DEFAULT_OPERATION_SECONDS
    """Least time an emulated operation takes, in seconds."""
    project: str = DEFAULT_PROJECT
    """Project the generated credentials belong to."""

    @property
    def url(self) -> str:
        """Base address of the emulated APIs."""
        return f"http://127.0.0.1:{self.port}"


def load(home: Path) -> Config | None:
    """The settings of the lab in this home; None if there is none. Raises ConfigError for a damaged file."""
    path = home / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Config(
            depth=str(data["depth"]),
            port=int(data["port"]),
            operation_seconds=float(data["operation_seconds"]),
            project=str(data["project"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is damaged ({error!r}); `gkelab down` clears it away") from error


def save(home: Path, config: Config) -> None:
    """Write config.json, whole or not at all."""
    write_atomic(home / FILE, json.dumps(asdict(config), indent=2) + "\n")

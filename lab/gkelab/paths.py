# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps things: state that dies with the lab (home) and build results that outlive it (cache)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

GO_SOURCES = Path(__file__).resolve().parent.parent / "go"
"""The wrapper modules and our own Go programs; beside the package in a checkout (`pip install -e lab`)."""


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the lab's state: $GKELAB_HOME, else gkelab under the XDG state folder."""
    return _folder(environ, "GKELAB_HOME", "XDG_STATE_HOME", ".local/state")


def cache(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of build results: $GKELAB_CACHE, else gkelab under the XDG cache folder."""
    return _folder(environ, "GKELAB_CACHE", "XDG_CACHE_HOME", ".cache")


def _folder(environ: Mapping[str, str], own: str, xdg: str, below_user: str) -> Path:
    if environ.get(own):
        return Path(environ[own]).absolute()
    base = environ.get(xdg, "")
    # The XDG specification tells programs to ignore relative values.
    if base.startswith("/"):
        return Path(base) / "gkelab"
    return Path.home() / below_user / "gkelab"

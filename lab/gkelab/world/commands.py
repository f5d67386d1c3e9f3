# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a short system command and turn its failure into one line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from gkelab.world.plan import WorldError


def run(argv: Sequence[str], *, stdin: str | None = None) -> str:
    """Run `argv` to its end and return what it printed; a failure raises WorldError with the command's own words."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, env=_environment())
    except OSError as error:
        raise WorldError(f"cannot run {argv[0]}: {error.strerror}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise WorldError(f"{' '.join(argv)} failed ({done.returncode}): {said}")
    return done.stdout


def _environment() -> dict[str, str]:
    """A user's PATH often lacks the folders of system programs."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}

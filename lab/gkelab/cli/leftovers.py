# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab whose daemon cannot tidy up any more left on the machine."""

from __future__ import annotations

from pathlib import Path

from gkelab.cli.errors import CommandError


def sweep(home: Path) -> list[str]:
    """Remove it; returns what was found, in words. Raises CommandError."""
    # Only here: it needs Linux.
    from gkelab.world import cleanup
    from gkelab.world.plan import WorldError

    try:
        return cleanup.sweep(home)
    except WorldError as error:
        raise CommandError(f"Failed to remove what the lab left: {error}") from error

# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind the emulated APIs: nothing, or real clusters."""

from __future__ import annotations

from pathlib import Path

from gkelab import config, paths
from gkelab.world.plan import ApiWorld, World


def make_world(depth: str, home: Path) -> World:
    """The world for a depth: `api`, `control-plane` (API servers only) or `full` (nodes too).

    Raises gkelab.build.BuildError if a depth with clusters is asked for and nothing is built.
    """
    if depth == "api":
        return ApiWorld()
    # Only here: a lab without clusters needs neither a build nor Linux.
    from gkelab.build import artifacts
    from gkelab.world.kubernetes_world import KubernetesWorld

    built = artifacts()
    settings = config.load(home) or config.Config(depth=depth)
    return KubernetesWorld(
        home,
        cache=paths.cache(),
        bin_dir=built.bin,
        archives=built.images,
        port=settings.port,
        nodes=depth == "full",
    )
